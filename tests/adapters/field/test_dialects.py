"""Registries and modules: the codes of mCODE, the MII oncology and prostate modules, oBDS-to-FHIR and US Core labs."""

from __future__ import annotations

import csv
import re

import pytest

from adapters.fhir.codelists import CODELISTS, load_code_lists
from tests.support.field_cases import ICD, ICD_CM, read_each
from tests.support.tables_support import LOINC, OPS, SCT, observation, quantity

lists = load_code_lists()
APPLICATION = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-strahlentherapie-applikationsart"
SITES = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-fernmetastasen"
# sources of codes below a listed code, or beside it: each row says when they were read
DATED = ("mCODE", "ConceptMap", "eCQM", "obds-to-fhir", "DICOM CID 6313", "applikationsart")


@pytest.mark.parametrize(
    ("dialect", "name", "system", "code", "means"),
    [
        ("mCODE", "procedures", SCT, "1156506007", "ebrt"),
        ("mCODE", "conditions", SCT, "93974005", "prostate_cancer"),
        ("mCODE", "conditions", ICD_CM, "C61", "prostate_cancer"),
        ("mCODE", "observations", SCT, "385377005", "gleason_score"),
        ("mCODE", "answers", SCT, "1279718003", "gleason_score=8"),
        ("MII oncology", "procedures", APPLICATION, "MSIRT", "sirt"),
        ("MII oncology", "procedures", APPLICATION, "P-ST", "ebrt"),
        ("MII oncology", "procedures", OPS, "8-522.0", "ebrt"),
        ("MII oncology", "sites", SITES, "HEP", "liver"),
        ("MII oncology", "conditions", ICD, "C61", "prostate_cancer"),
        ("MII prostate", "observations", SCT, "384994009", "gleason_pattern=primary"),
        ("MII prostate", "observations", LOINC, "44642-7", "gleason_pattern=secondary"),
        ("oBDS-to-FHIR", "observations", SCT, "1812491000004107", "gleason_score"),
        ("oBDS-to-FHIR", "answers", SCT, "369773008", "gleason_pattern=4"),
        ("oBDS-to-FHIR", "procedures", APPLICATION, "PRCJ-ST", "ebrt"),
        ("US Core", "observations", LOINC, "38483-4", "creatinine"),
        ("US Core", "observations", LOINC, "778-1", "platelets"),
        ("US Core", "observations", LOINC, "30350-3", "haemoglobin"),
    ],
)
def test_a_code_of_a_dialect_is_listed(dialect, name, system, code, means):
    assert lists.means(name, system, code) == means, dialect


@pytest.mark.parametrize("path", sorted(CODELISTS.glob("*.csv")), ids=lambda path: path.stem)
def test_a_row_from_a_value_set_or_a_mapping_says_when_it_was_read(path):
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        if any(word in row["source"] for word in DATED) and row["source"] not in ("mCODE STU4",):
            assert re.search(r"\(20\d\d-\d\d-\d\d\)", row["source"]), row


@pytest.mark.parametrize("code", ["19195-7", "11041-1", "49498-9", "13056-7"])
def test_a_sibling_that_measures_something_else_is_not_listed(code):
    """Units per volume, after dialysis, an estimate, a count in plasma."""
    assert lists.means("observations", LOINC, code) is None


def test_molar_and_mass_siblings_give_one_value(tmp_path):
    codes = (
        ("2160-0", 1.0, "mg/dL"),
        ("14682-9", 88.4, "umol/L"),
        ("59826-8", 88.4, "umol/L"),
        ("38483-4", 10, "mg/L"),
    )
    inputs = [[observation((LOINC, code), valueQuantity=quantity(value, unit))] for code, value, unit in codes]
    assert read_each(tmp_path, inputs).built["observations"]["value"].tolist() == [1.0] * 4
