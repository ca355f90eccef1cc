"""Codes in all their places and spellings."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from adapters.fhir.codelists import HEADER, load_code_lists
from adapters.ledger import FindingKind
from tests.support.field_cases import ICD, ICD_CM, Each, case, concept, read_each
from tests.support.tables_support import OPS, SCT, condition, observation, procedure, quantity

METHOD = "http://hl7.org/fhir/StructureDefinition/procedure-method"
MII = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/StructureDefinition/"
APPLICATION = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-strahlentherapie-applikationsart"
NUCLIDE = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-strahlentherapie-strahlenart"
MODALITY = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-radiotherapy-modality-and-technique"
LATER = "2017-05-01"
LOCAL, NUCLEAR, RADIOTHERAPY = ("urn:hospital", "NUK-17"), (OPS, "8-53"), (SCT, "1217123003")
LU, SIRT, EBRT = (SCT, "1263784000"), (SCT, "764677008"), (SCT, "1156506007")


def method(*codings: tuple[str, str]) -> dict[str, Any]:
    """The method of a Procedure, as the cancer registry gives it."""
    return {"extension": [{"url": METHOD, "valueCodeableConcept": concept(*codings)}]}


def irradiation(code: str, nuclide: str | None = None) -> dict[str, Any]:
    """The irradiation of a Procedure, as the MII oncology module gives it."""
    parts = [{"url": "Applikationsart", "valueCodeableConcept": concept((APPLICATION, code))}]
    if nuclide:
        parts.append({"url": "Strahlenart", "valueCodeableConcept": concept((NUCLIDE, nuclide))})
    return {"extension": [{"url": f"{MII}mii-ex-onko-strahlentherapie-bestrahlung", "extension": parts}]}


def modality(code: str) -> dict[str, Any]:
    """The modality of a Procedure, as mCODE gives it."""
    parts = [{"url": "modality", "valueCodeableConcept": concept((SCT, code))}]
    return {"extension": [{"url": MODALITY, "extension": parts}]}


def act(code: tuple[str, str], **more: Any) -> dict[str, Any]:
    """A Procedure after day 0."""
    return procedure(code, when=LATER, **more)


def test_f03_therapies_of_the_cancer_registry_are_those_of_their_method():
    # MII oncology: MPSMA = PSMA-Therapie, MSIRT = selektive interne Radio-Therapie, in the extension procedure-method.
    built = case("f03")
    assert built["procedures"]["procedure"].tolist() == ["lu_psma", "sirt"]
    assert built["procedures"]["day"].tolist() == [0, 61]


def test_f10_external_beam_of_mcode_is_that_of_its_modality():
    # mCODE Radiotherapy Course Summary: code is always 1217123003; the modality says external beam.
    assert set(case("f10")["procedures"]["procedure"]) == {"lu_psma", "ebrt"}


TEXT = {"text": "Therapie"}
PLACES: list[tuple[dict[str, Any], str | None]] = [
    (act(SIRT), "sirt"),
    (act(LOCAL, category=concept(SIRT)), "sirt"),
    (act(NUCLEAR, category=concept(SIRT)), "sirt"),
    (act(LOCAL, **method(SIRT)), "sirt"),
    (act(LOCAL, **method((APPLICATION, "MSIRT"))), "sirt"),
    (act(NUCLEAR, **irradiation("MSIRT", "Y-90")), "sirt"),
    (act(LOCAL, **method(("urn:x", "1"), (APPLICATION, "MSIRT"))), "sirt"),
    (act(NUCLEAR, usedCode=[concept((SCT, "764678003"))]), "sirt"),
    (act(NUCLEAR, reasonCode=[concept(SIRT)]), "sirt"),
    (act(RADIOTHERAPY, **modality("1156506007")), "ebrt"),
    (act(RADIOTHERAPY, **modality("10611004")), "ebrt"),
    (act((OPS, "8-52"), **irradiation("P-ST", "UH")), "ebrt"),
    (act(NUCLEAR, **irradiation("M", "Ra-223")), "ra223"),
    (act(NUCLEAR, **method((APPLICATION, "MPSMA"))), "lu_psma"),
    (act(NUCLEAR, **irradiation("MPSMA", "Lu-177")), "lu_psma"),
    (act(LOCAL) | {"code": TEXT, "usedCode": [concept((SCT, "764678003"))]}, "sirt"),
    # what must not become a therapy
    (act(NUCLEAR, **irradiation("MPSMA", "Ac-225")), None),
    (act(NUCLEAR, **irradiation("M", "Lu-177")), None),
    (act(NUCLEAR, **method((APPLICATION, "MPRRT"))), None),
    (act(NUCLEAR), None),
    (act(LOCAL, reasonCode=[concept(SIRT)]), None),
    (act(LOCAL, usedCode=[concept((SCT, "1263794005"))]), None),
    (act((SCT, "77477000"), reasonCode=[concept(SIRT)]), "ct"),
    (act((SCT, "77343006"), category=concept(LU)), "angiography"),
    (act(LOCAL, performer=[{"function": concept(SIRT), "actor": {"display": "x"}}]), None),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> Each:
    """All inputs of PLACES read at once."""
    return read_each(tmp_path_factory.mktemp("places"), [[resource] for resource, _ in PLACES])


@pytest.mark.parametrize("number", range(len(PLACES)))
def test_any_place_of_a_code_gives_the_same_row(places, number):
    expected = PLACES[number][1]
    assert places.rows("procedures", number)["procedure"].tolist() == ([] if expected is None else [expected])


@pytest.mark.parametrize("number", [20, 21])
def test_a_listed_agent_or_reason_that_gives_no_row_is_said(places, number):
    assert "code-without-row" in places.findings(number)


GM_YEAR, GM_VERSION = f"{ICD}/2021", f"{ICD}|2021"
SPELLINGS: list[tuple[tuple[str, str], str | None, bool]] = [
    ((ICD, "C78.7"), "liver", False),
    ((ICD_CM, "C78.7"), "liver", False),
    ((ICD, "C787"), "liver", True),
    ((ICD_CM, "C787"), "liver", True),
    ((ICD, "c78.7"), "liver", True),
    ((ICD, "C78.7."), "liver", True),
    ((ICD, "C78.70"), "liver", False),
    ((ICD, "C78.7+"), "liver", True),
    ((ICD_CM, "C7951"), "bone", True),
    ((ICD_CM, "c79.51"), "bone", True),
    ((ICD_CM, "C780"), "lung", True),
    ((ICD, "C77."), "lymph_node", True),
    ((GM_VERSION, "C78.7"), "liver", True),
    ((GM_YEAR, "C78.7"), "liver", True),
    (("https://fhir.de/CodeSystem/bfarm/icd-10-gm", "C78.7"), "liver", True),
    (("http://fhir.de/CodeSystem/dimdi/icd-10-gm", "C787"), "liver", True),
    (("urn:oid:2.16.840.1.113883.6.90", "C78.7"), "liver", True),
    (("2.16.840.1.113883.6.90", "C787"), "liver", True),
    (("http://snomed.info/sct/900000000000207008/version/20230131", "94381002"), "liver", True),
    (("https://snomed.info/sct", "94381002"), "liver", True),
    (("urn:oid:2.16.840.1.113883.6.96", "94381002"), "liver", True),
    # another code, or a spelling that stays unknown
    ((ICD, "C78"), "other", False),
    ((ICD, " C78.7"), None, False),
    ((f"{ICD}/", "C78.7"), None, False),
    ((ICD, "C7"), None, False),
    ((ICD, "D78.7"), None, False),
    ((ICD, "C22.0"), None, False),
    (("urn:icd", "C78.7"), None, False),
]


@pytest.fixture(scope="module")
def spelled(tmp_path_factory) -> Each:
    """All inputs of SPELLINGS read at once."""
    return read_each(tmp_path_factory.mktemp("spelled"), [[condition(code)] for code, _, _ in SPELLINGS])


@pytest.mark.parametrize("number", range(len(SPELLINGS)))
def test_any_spelling_of_a_diagnosis_gives_the_same_site(spelled, number):
    expected = SPELLINGS[number][1]
    assert spelled.rows("conditions", number)["site"].tolist() == ([] if expected is None else [expected])


def test_each_mended_spelling_is_counted(spelled):
    mended = sum(is_mended for _, _, is_mended in SPELLINGS)
    assert spelled.built.count(FindingKind.CODE_RESPELLED, resource_type="Condition") == mended


def test_f08_an_icd_code_without_point_keeps_its_site():
    # HL7 Terminology: ICD-10 codes in FHIR are written with the point (C78.7); C787 is no code of the system.
    rows = case("f08")["conditions"]
    assert set(zip(rows["condition"], rows["site"], strict=True)) == {
        ("prostate_cancer", "prostate"), ("metastasis", "liver"), ("metastasis", "bone"),
    }  # fmt: skip


def test_f12_a_child_of_prostate_cancer_is_prostate_cancer():
    # mCODE binds Condition.code to descendants; its expansion holds 93974005 Primary malignant neoplasm of prostate.
    assert case("f12")["conditions"]["condition"].tolist() == ["prostate_cancer"]


@pytest.mark.parametrize(
    ("system", "code", "expected"),
    [
        *((OPS, code, "lu_psma") for code in ("8-530.d0", "8-530.D0", "8530.d0", "8530d0", "8-530d0", "8-530.d")),
        *((OPS, code, "sirt") for code in ("8-530.a5", "8530A5")),
        *((OPS, code, None) for code in ("8-530", "8-53", "8 530.d0", "9-530.d0", "8-530.e0")),
        (f"{OPS}|2023", "8-530.d0", "lu_psma"),
        (f"{OPS}/2023", "8-530.d0", "lu_psma"),
        (SCT, "1263784000", "lu_psma"),
        (SCT, "1263784000 ", None),
    ],
)
def test_spellings_of_procedure_codes(system, code, expected):
    assert load_code_lists().means("procedures", system, code) == expected


@pytest.mark.parametrize(("point", "fold"), list(product((True, False), (str.upper, str.lower))))
def test_every_listed_icd_code_means_the_same_in_any_spelling(point, fold):
    lists = load_code_lists()
    for name in ("conditions", "sites"):
        for (system, stem), means in lists.lists[name].prefixes.items():
            if "icd-10" in system:
                for rest in ("", "0", "9") if "." in stem else ("", ".0", ".1"):
                    code = stem + rest
                    written = fold(code if point else code.replace(".", ""))
                    assert lists.means(name, system, written) == lists.means(name, system, code), written
                    assert lists.means(name, system, stem) == means


def test_case_is_folded_for_icd_and_ops_only(tmp_path):
    (tmp_path / "observations.csv").write_text(",".join(HEADER) + "\nurn:lab,PSA,PSA,psa,own\n")
    lists = load_code_lists(tmp_path)
    assert lists.means("observations", "urn:lab", "PSA") == "psa"
    assert lists.means("observations", "urn:lab", "psa") is None


TEXTS = [
    (procedure(LOCAL, when=LATER) | {"code": {"text": "177Lu-PSMA-617 Radioligandentherapie"}}, "procedures", "lu_psma"),
    (procedure(LOCAL, when=LATER) | {"code": {"text": " 177Lu-PSMA-617  Radioligandentherapie"}}, "procedures", "lu_psma"),
    (
        procedure(LOCAL, when=LATER)
        | {"code": {"coding": [{"display": "x"}], "text": "177Lu-PSMA-617 Radioligandentherapie"}},
        "procedures", "lu_psma",
    ),
    (condition(LOCAL) | {"code": {"text": "Prostatakarzinom"}}, "conditions", "prostate_cancer"),
    (observation(valueQuantity=quantity(3, "ng/mL")) | {"code": {"text": "PSA gesamt"}}, "observations", "psa"),
    (procedure(LOCAL, when=LATER) | {"code": {"text": "Radioligandentherapie"}}, "procedures", None),
    (procedure(("urn:x", "1"), when=LATER) | {"note": [{"text": "Prostatakarzinom"}]}, "procedures", None),
    (
        procedure(LOCAL, when=LATER) | {"code": {**concept(LOCAL), "text": "177Lu-PSMA-617 Radioligandentherapie"}},
        "procedures", None,
    ),
]  # fmt: skip


def test_a_concept_with_text_only_is_a_row_with_an_empty_system(tmp_path):
    overlay = tmp_path / "lists"
    overlay.mkdir()
    for name, line in (
        ("procedures", ",177Lu-PSMA-617 Radioligandentherapie,,lu_psma,own"),
        ("conditions", ",Prostatakarzinom,,prostate_cancer,own"),
        ("observations", ",PSA gesamt,,psa,own"),
    ):
        (overlay / f"{name}.csv").write_text(",".join(HEADER) + f"\n{line}\n", encoding="utf-8")
    each = read_each(tmp_path, [[resource] for resource, _, _ in TEXTS], codelists_overlay=str(overlay))
    names = {"procedures": "procedure", "conditions": "condition", "observations": "measure"}
    for number, (_, table, expected) in enumerate(TEXTS):
        assert each.rows(table, number)[names[table]].tolist() == ([] if expected is None else [expected]), number


def test_an_overlay_names_a_place_and_another_code(tmp_path):
    header = ",".join((*HEADER, "place", "beside"))
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    (overlay / "procedures.csv").write_text(
        f"{header}\nurn:h,NUK,,lu_psma,own,category,{OPS}|8-53\nurn:h,NUK,,sirt,own,method,\n", encoding="utf-8"
    )
    nuk = ("urn:h", "NUK")
    inputs = [
        act(NUCLEAR, category=concept(nuk)),
        act(LOCAL, category=concept(nuk)),
        act(LOCAL, **method(nuk)),
        act(nuk),
    ]
    each = read_each(tmp_path, [[resource] for resource in inputs], codelists_overlay=str(overlay))
    read = [each.rows("procedures", number)["procedure"].tolist() for number in range(len(inputs))]
    assert read == [["lu_psma"], [], ["sirt"], []]
