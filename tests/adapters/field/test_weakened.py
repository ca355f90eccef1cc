"""Whatever negates or weakens a resource: diagnoses that are not there, values that are not to be trusted."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.ledger import FindingKind
from tests.support.field_cases import LIVER, SUBJECT, case, concept, read, readings
from tests.support.tables_support import LOINC, SCT, Built, condition, psa, quantity

R4 = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
STU3 = "http://hl7.org/fhir/condition-ver-status"
R4_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
KBV = "https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_ICD_DIAGNOSESICHERHEIT"
CERTAINTY = "http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
REFUTED, IN_ERROR = ("left_out", "refuted", 1), ("left_out", "entered-in-error", 1)
NOT_UNDERSTOOD = ("quarantined", "modifier-not-understood", 1)
INVALID = ("quarantined", "invalid-value", 1)


def certain(letter: str, how: str = "valueCoding", on: str = "coding") -> dict[str, Any]:
    """A liver metastasis by ICD-10-GM with a certainty, as an extension of the coding, the code or the Condition."""
    value = {"valueCoding": {"system": KBV, "code": letter}, "valueCode": letter, "valueString": letter}[how]
    extension = [{"url": CERTAINTY, how: value}]
    coding = {"system": LIVER[0], "code": LIVER[1]}
    code: dict[str, Any] = {"coding": [coding | ({"extension": extension} if on == "coding" else {})]}
    code |= {"extension": extension} if on == "code" else {}
    more = {"extension": extension} if on == "condition" else {}
    return condition(LIVER) | {"code": code} | more


def status(*codings: tuple[str, str]) -> dict[str, Any]:
    """A liver metastasis with a verification status."""
    return condition(LIVER, verificationStatus=concept(*codings))


def conditions(built: Built) -> list[tuple[str, str, bool]]:
    """(condition, site, is_active) of the table."""
    rows = built["conditions"]
    return list(zip(rows["condition"], rows["site"], map(bool, rows["is_active"]), strict=True))


def test_f01_a_diagnosis_that_is_excluded_is_no_metastasis():
    # German base profile: Diagnosesicherheit A (ausgeschlossen) is equivalent to verificationStatus refuted.
    built = case("f01")
    assert conditions(built) == [("prostate_cancer", "prostate", True)]
    assert REFUTED in built.fate("Condition")


def test_f02_a_refutation_under_the_former_address_is_one():
    # FHIR R4: verificationStatus is a modifier; what is not understood must not be processed as if it were absent.
    built = case("f02")
    assert conditions(built) == [("prostate_cancer", "prostate", True)]
    assert REFUTED in built.fate("Condition")


@pytest.mark.parametrize(
    ("resource", "disposition"),
    [
        (certain("A"), REFUTED),
        (certain("A", "valueCode"), REFUTED),
        (certain("A", "valueString"), REFUTED),
        (certain("A", on="code"), REFUTED),
        (certain("A", on="condition"), REFUTED),
        (certain("X"), NOT_UNDERSTOOD),
        (status((R4, "refuted")), REFUTED),
        (status((STU3, "refuted")), REFUTED),
        (status((STU3, "entered-in-error")), IN_ERROR),
        (status((R4, "confirmed"), (STU3, "refuted")), REFUTED),
        (status((SCT, "410516002")), NOT_UNDERSTOOD),
        (status(("urn:x", "refuted")), NOT_UNDERSTOOD),
        (status((R4, "unknown")), INVALID),
        (condition(LIVER, verificationStatus={"text": "ausgeschlossen"}), NOT_UNDERSTOOD),
        (condition(LIVER, verificationStatus={"coding": [{"code": "refuted"}]}), NOT_UNDERSTOOD),
        (condition(LIVER, clinicalStatus=concept(("urn:x", "gone"))), NOT_UNDERSTOOD),
        (condition(LIVER, clinicalStatus=concept((R4_CLINICAL, "gone"))), INVALID),
        (condition(LIVER, modifierExtension=[{"url": "urn:not", "valueBoolean": True}]), NOT_UNDERSTOOD),
        (condition(LIVER, stage=[{"modifierExtension": [{"url": "urn:not", "valueBoolean": True}]}]), NOT_UNDERSTOOD),
        (condition(LIVER, implicitRules="urn:rules"), NOT_UNDERSTOOD),
    ],
)
def test_a_diagnosis_that_is_denied_or_not_understood_feeds_no_row(tmp_path, resource, disposition):
    built = read(tmp_path, resource)
    assert conditions(built) == []
    assert built.fate("Condition") == [disposition]


@pytest.mark.parametrize(
    ("resource", "row"),
    [
        (certain("G"), ("metastasis", "liver", True)),
        (certain("V"), ("suspected_metastasis", "liver", True)),
        (certain("V", "valueCode"), ("suspected_metastasis", "liver", True)),
        (certain("Z"), ("metastasis", "liver", False)),
        (status((R4, "confirmed")), ("metastasis", "liver", True)),
        (status((R4, "provisional")), ("suspected_metastasis", "liver", True)),
        (status((R4, "differential")), ("suspected_metastasis", "liver", True)),
        (status((R4, "unconfirmed")), ("suspected_metastasis", "liver", True)),
        (status((STU3, "provisional")), ("suspected_metastasis", "liver", True)),
        (status((STU3, "unknown")), ("suspected_metastasis", "liver", True)),
        (status((R4, "confirmed"), (SCT, "410605003")), ("metastasis", "liver", True)),
        (
            condition(LIVER, clinicalStatus=concept(("http://hl7.org/fhir/condition-clinical", "resolved"))),
            ("metastasis", "liver", False),
        ),
        (condition(LIVER, abatementDateTime="2016-01-01"), ("metastasis", "liver", False)),
        (condition(LIVER, abatementString="nach Resektion"), ("metastasis", "liver", False)),
    ],
)
def test_suspected_past_and_confirmed_are_different_words(tmp_path, resource, row):
    built = read(tmp_path, resource)
    assert conditions(built) == [row]
    assert built.count(FindingKind.SUSPECTED_CONDITION) == row[0].startswith("suspected")


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("Lebermetastasen", ("metastasis", "liver", True)),
        ("V.a. Lebermetastasen", ("suspected_metastasis", "liver", True)),
        ("Verdacht auf Lebermetastasen", ("suspected_metastasis", "liver", True)),
        ("suspected liver metastases", ("suspected_metastasis", "liver", True)),
        ("R/O liver metastasis", ("suspected_metastasis", "liver", True)),
        ("Z.n. Lebermetastasen", ("metastasis", "liver", False)),
        ("status post resection of liver metastasis", ("metastasis", "liver", False)),
        ("Zustand nach Lebermetastasen", ("metastasis", "liver", False)),
        ("Kein Anhalt für Lebermetastasen", None),
        ("Ausschluss Lebermetastasen", None),
        ("no evidence of liver metastasis", None),
        ("Family history of liver metastasis", None),
        ("Lebermetastasen (Vater)", None),
    ],
)
def test_a_text_that_weakens_its_code_is_believed_and_said(tmp_path, text, row):
    resource = condition(LIVER)
    resource["code"]["text"] = text
    built = read(tmp_path, resource)
    assert conditions(built) == ([] if row is None else [row])
    weak = row != ("metastasis", "liver", True)
    assert built.count(FindingKind.CONTRADICTING_TEXT) == weak


def test_what_one_record_suspects_and_another_confirms_is_confirmed(tmp_path):
    suspected = status((R4, "provisional")) | {"id": "d2"}
    assert conditions(read(tmp_path, suspected, condition(LIVER))) == [("metastasis", "liver", True)]


def interpreted(code: str, **more: Any) -> dict[str, Any]:
    """A PSA of 100 with an interpretation."""
    return psa(100, interpretation=[concept((INTERPRETATION, code))], **more)


@pytest.mark.parametrize(
    ("resource", "reading"),
    [
        (interpreted("H"), (None, 100)),
        (interpreted(">"), (">", 100)),
        (interpreted("<"), ("<", 100)),
        (psa(100, interpretation=[concept(("http://terminology.hl7.org/CodeSystem/v2-0078", ">"))]), (">", 100)),
        (psa(100, interpretation=[concept((INTERPRETATION, "H"), (INTERPRETATION, ">"))]), (">", 100)),
        (interpreted("QCF"), (None, None)),
        (interpreted(">") | {"valueQuantity": quantity(100, "ng/mL") | {"comparator": ">="}}, (">=", 100)),
        (interpreted(">") | {"valueQuantity": quantity(100, "ng/mL") | {"comparator": "<"}}, (None, None)),
        (psa(100, dataAbsentReason={"text": "masked"}), (None, None)),
        (psa(100, dataAbsentReason=concept((ABSENT, "masked"))), (None, None)),
    ],
)
def test_a_value_is_off_scale_or_void_where_its_interpretation_says_so(tmp_path, resource, reading):
    built = read(tmp_path, resource)
    assert readings(built, "psa") == [reading]
    lost = reading == (None, None)
    assert built.count(FindingKind.CONTRADICTING_VALUE) + built.count(FindingKind.UNRELIABLE_VALUE) >= lost


DAR = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
NULL_FLAVOR = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"dataAbsentReason": concept((DAR, "masked"))}, "masked"),
        ({"dataAbsentReason": concept((NULL_FLAVOR, "MSK"))}, "masked"),
        ({"dataAbsentReason": concept((NULL_FLAVOR, "UNK"))}, "unknown"),
        ({"dataAbsentReason": concept(("urn:x", "lost"), (DAR, "not-asked"))}, "not_asked"),
        ({"dataAbsentReason": {"text": "no sample"}}, "other"),
        ({"dataAbsentReason": concept(("urn:x", "lost"))}, "other"),
        ({"valueQuantity": {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}}, "unknown"),
        ({"valueQuantity": {"unit": "ng/mL", "extension": [{"url": ABSENT, "valueCode": "masked"}]}}, "masked"),
        ({"valueCodeableConcept": {"extension": [{"url": ABSENT, "valueCode": "error"}]}}, "error"),
    ],
)
def test_why_a_value_is_absent_is_read_wherever_it_is_said(tmp_path, more, reason):
    resource = psa()
    del resource["valueQuantity"]
    rows = read(tmp_path, resource | more)["observations"]
    assert rows["absent_reason"].tolist() == [reason]


def component(**more: Any) -> dict[str, Any]:
    """A PSA with a component that nobody understands."""
    return psa(component=[{"code": concept((LOINC, "1-8")), "valueString": "x", **more}])


@pytest.mark.parametrize(
    ("resources", "disposition"),
    [
        ([component(modifierExtension=[{"url": "urn:not"}])], NOT_UNDERSTOOD),
        ([component(referenceRange=[{"modifierExtension": [{"url": "urn:not"}]}])], NOT_UNDERSTOOD),
        ([psa(modifierExtension=[{"url": "urn:not"}])], NOT_UNDERSTOOD),
        ([psa(focus=[{"reference": "RelatedPerson/mother"}])], ("left_out", "about-someone-else", 1)),
    ],
)
def test_a_measurement_with_a_modifier_or_of_a_relative_feeds_no_row(tmp_path, resources, disposition):
    built = read(tmp_path, *resources)
    assert built["observations"].empty
    assert built.fate("Observation") == [disposition]


@pytest.mark.parametrize(
    ("resource", "error", "is_void"),
    [
        (psa(derivedFrom=[{"reference": "Observation/e"}]), "Observation", True),
        (psa(specimen={"reference": "Specimen/e"}), "Specimen", True),
        (psa(specimen={"reference": "https://x.org/fhir/Specimen/e/_history/2"}), "", False),
        (psa(partOf=[{"reference": "Procedure/e"}]), "Procedure", True),
        (psa(partOf=[{"reference": "ImagingStudy/e"}]), "ImagingStudy", False),
        (psa(encounter={"reference": "Encounter/e"}), "Encounter", False),
        (psa(basedOn=[{"reference": "ServiceRequest/e"}]), "ServiceRequest", False),
        (psa(hasMember=[{"reference": "Observation/e"}]), "Observation", False),
    ],
)
def test_what_rests_on_an_error_is_void_or_said(tmp_path, resource, error, is_void):
    status_name = "entered-in-error" if error != "ImagingStudy" else "available"
    wrong = {"resourceType": error or "Specimen", "id": "e", "status": status_name, "subject": SUBJECT}
    wrong |= {"code": concept((LOINC, "1-8"))} if error in ("Observation", "Procedure") else {}
    built = read(tmp_path, resource, wrong)
    assert built["observations"].empty == is_void
    assert (("left_out", "refers-to-entered-in-error", 1) in built.fate("Observation")) == is_void
    said = error in ("Encounter", "ServiceRequest") or "hasMember" in resource
    assert built.count(FindingKind.REFERS_TO_ERROR) == said


def test_a_drug_that_is_named_by_an_error_is_no_drug(tmp_path):
    wrong = {"resourceType": "Medication", "id": "m", "status": "entered-in-error", "code": concept((SCT, "386918005"))}
    given = {
        "resourceType": "MedicationStatement", "id": "s", "status": "active", "subject": SUBJECT,
        "medicationReference": {"reference": "Medication/m"},
    }  # fmt: skip
    built = read(tmp_path, wrong, given)
    assert built["medications"].empty
    assert built.fate("MedicationStatement") == [("left_out", "refers-to-entered-in-error", 1)]
