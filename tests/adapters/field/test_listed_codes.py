"""A listed code that leads to no row leaves a finding that names why; its resource is never called not listed."""

from __future__ import annotations

import pytest

from adapters.ledger import FindingKind
from tests.support.field_cases import Each, case, concept, read_each
from tests.support.tables_support import DCM, LOINC, SCT, observation, procedure, quantity

SUV, MAXIMUM, MEAN = (DCM, "126401"), (SCT, "56851009"), (SCT, "373098007")
DIAMETER, PET = (LOINC, "33728-7"), (SCT, "82918005")
UPTAKE = {"valueQuantity": quantity(12.5, "g/ml{SUVbw}")}


def test_f07_an_uptake_without_statistic_is_said_alone_and_in_a_group():
    # FHIR R4: Observation.component has no method, so a SUV in a group can never name its statistic there.
    built = case("f07")
    assert built.count(FindingKind.CODE_WITHOUT_ROW, measure="suv", path="method") == 2
    assert ("left_out", "incomplete", 1) in built.fate("Observation")
    assert not any(reason == "code-not-listed" for _, reason, _ in built.fate("Observation"))
    assert set(built["observations"]["measure"]) == {"lesion_diameter", "lesion_short_axis"}


def group(*components: dict) -> dict:
    """A group of measurements under a code that no list knows."""
    return observation(
        (DCM, "125007"), component=[{"code": concept(DIAMETER), "valueQuantity": quantity(20, "mm")}, *components]
    )


def with_code(*codings: tuple[str, str], **value: object) -> dict:
    """A component."""
    return {"code": concept(*codings), **value}


INPUTS: list[tuple[dict, list[str], bool]] = [
    (observation(SUV, method=concept(MAXIMUM), **UPTAKE), ["suv_max"], False),
    (observation(SUV, method=concept(MEAN), **UPTAKE), ["suv_mean"], False),
    (observation(SUV, **UPTAKE), [], True),
    (observation(SUV, method=concept((SCT, "255605001")), **UPTAKE), [], True),
    (observation(SUV, method=concept(MAXIMUM, MEAN), **UPTAKE), [], True),
    (observation(SUV, valueQuantity=quantity(12.5, "{SUVmax}g/ml")), ["suv_max"], False),
    (observation(SUV, **UPTAKE) | {"code": concept(SUV, MAXIMUM)}, ["suv_max"], False),
    (group(with_code(SUV, **UPTAKE)), ["lesion_diameter"], True),
    (group(with_code(SUV, MEAN, **UPTAKE)), ["lesion_diameter", "suv_mean"], False),
    (group(with_code(SUV, valueQuantity=quantity(12.5, "{SUVmax}"))), ["lesion_diameter", "suv_max"], False),
    (group(with_code(SUV, **UPTAKE)) | {"method": concept(MAXIMUM)}, ["lesion_diameter", "suv_max"], False),
]


@pytest.fixture(scope="module")
def each(tmp_path_factory) -> Each:
    """All inputs read at once."""
    return read_each(tmp_path_factory.mktemp("listed"), [[resource] for resource, _, _ in INPUTS])


@pytest.mark.parametrize("number", range(len(INPUTS)))
def test_an_uptake_has_a_row_or_a_finding(each, number):
    _, measures, is_said = INPUTS[number]
    rows = each.rows("observations", number)
    assert sorted(rows["measure"]) == measures
    assert ("code-without-row" in each.findings(number)) == is_said


def test_a_size_that_points_to_no_lesion_is_said(each):
    assert each.built.count(FindingKind.LESION_NOT_IDENTIFIED, measure="lesion_diameter") == 4


def test_no_listed_code_disappears_without_a_finding(tmp_path):
    # a PET without a known tracer is no PSMA PET; a metastasis without an organ has no site
    inputs = [[procedure(PET, when="2017-04-01")], [observation((SCT, "385421009"))]]
    built = read_each(tmp_path, inputs).built
    for kind in ("Procedure", "Observation"):
        assert not any(reason == "code-not-listed" for _, reason, _ in built.fate(kind)), kind
    assert built.count(FindingKind.CODE_WITHOUT_ROW, resource_type="Procedure", measure="psma_pet") == 1
    assert built.count(FindingKind.ANSWER_NOT_LISTED, table="conditions") == 1
