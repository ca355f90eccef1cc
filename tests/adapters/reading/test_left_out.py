"""Who is left out: test patients, those not selected, those without consent."""

from __future__ import annotations

import pytest

from adapters.errors import InputError
from adapters.fhir.selection import Selection, load_patients
from adapters.ledger import LeftOutReason
from adapters.settings import Consent, Settings
from tests.support.reading_support import (
    HTEST,
    TODAY,
    listed,
    patient,
    psa,
    staged,
)


def test_all_tagged_is_synthetic():
    outcome = staged(listed(patient(meta=HTEST), psa(meta=HTEST)))
    assert outcome.stage.synthetic
    assert not outcome.excluded


def test_none_tagged_is_real():
    assert not staged(listed(patient(), psa())).stage.synthetic


def test_tagged_patients_among_real_ones_are_left_out():
    outcome = staged(listed(patient(), psa(), patient("p2", meta=HTEST), psa("o2", subject="Patient/p2", meta=HTEST)))
    assert not outcome.stage.synthetic
    assert outcome.excluded == {"Patient/p2": LeftOutReason.TEST_PATIENT}
    assert outcome.reasons() == {"test-patient": 1}
    assert outcome.findings() == {"test-data-mixed": 2}


def test_test_patients_with_untagged_resources_are_refused():
    with pytest.raises(InputError, match="all patients are tagged"):
        staged(listed(patient(meta=HTEST), psa()))


MRN = {"identifier": [{"system": "http://h.example/mrn", "value": "77"}]}


@pytest.mark.parametrize("line", ["p1", "Patient/p1", "77", "http://h.example/mrn|77"])
def test_patients_are_selected_by_id_or_identifier(tmp_path, line):
    file = tmp_path / "ids.txt"
    file.write_text(f"# ours\n\n{line}\r\n")
    outcome = staged(listed(patient(**MRN), patient("p2")), selection=Selection(patients=load_patients(file)))
    assert outcome.excluded == {"Patient/p2": LeftOutReason.OUTSIDE_SELECTION}


def test_a_file_of_patients_that_names_nobody_is_an_error(tmp_path):
    (tmp_path / "ids.txt").write_text("\n# none\n")
    with pytest.raises(InputError, match="names nobody"):
        load_patients(tmp_path / "ids.txt")


def test_patients_are_selected_by_group():
    group = {
        "resourceType": "Group",
        "id": "g",
        "member": [
            {"entity": {"reference": "Patient/p1"}},
            {"entity": {"reference": "Patient/p2"}, "inactive": True},
            {"entity": {"identifier": {"system": "http://h.example/mrn", "value": "78"}}},
        ],
    }
    third = patient("p3", identifier=[{"system": "http://h.example/mrn", "value": "78"}])
    outcome = staged(listed(patient(), patient("p2"), third, group), selection=Selection(group="g"))
    assert set(outcome.excluded) == {"Patient/p2"}


def test_an_unknown_group_is_an_error():
    with pytest.raises(InputError, match="no such Group"):
        staged(listed(patient()), selection=Selection(group="g"))


def consent(*provisions: dict[str, object], status: str = "active", when: str = "2020-01-01", **more: object):
    root = {"type": "deny", "provision": list(provisions)}
    return {
        "resourceType": "Consent",
        "id": more.pop("id", "k1"),
        "status": status,
        "patient": {"reference": "Patient/p1"},
        "dateTime": when,
        "provision": root,
    }


def provision(kind: str, code: str = "use", **period: str) -> dict[str, object]:
    return {"type": kind, "code": [{"coding": [{"system": "s", "code": code}]}], "period": period}


@pytest.mark.parametrize(
    ("consents", "allowed"),
    [
        ([consent(provision("permit"))], True),
        ([consent(provision("permit", start="2019-01-01", end="2030"))], True),
        ([consent(provision("permit", end="2025-12-31"))], False),
        ([consent(provision("permit", end=TODAY.isoformat()))], True),
        ([consent(provision("permit", start="2026-01-02"))], False),
        ([consent(provision("deny"))], False),
        ([consent(provision("permit", code="other"))], False),
        ([consent(provision("permit"), status="inactive")], False),
        ([consent(provision("permit")), consent(provision("deny"), when="2021-01-01", id="k2")], False),
        ([consent(provision("deny")), consent(provision("permit"), when="2021-01-01", id="k2")], True),
        ([consent(provision("permit")), consent(provision("deny"), id="k2")], False),
        ([], False),
    ],
)
@pytest.mark.parametrize("code", ["use", "s|use"])
def test_consent_where_the_study_requires_it(consents, allowed, code):
    settings = Settings(consent=Consent(required=True, provision_codes=(code,)))
    outcome = staged(listed(patient(), *consents), settings=settings)
    assert outcome.excluded == ({} if allowed else {"Patient/p1": LeftOutReason.NO_CONSENT})


def test_consent_is_not_asked_where_the_study_does_not_require_it():
    assert not staged(listed(patient(), consent(provision("deny")))).excluded
