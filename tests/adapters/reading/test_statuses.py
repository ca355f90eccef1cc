"""Which statuses count, for each resource type."""

from __future__ import annotations

import pytest

from adapters.ledger import LeftOutReason, QuarantineReason
from adapters.reading.status import status_outcome
from adapters.settings import Settings
from tests.support.reading_support import (
    psa,
)


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("Observation", "final", None),
        ("Observation", "preliminary", None),
        ("Observation", "registered", LeftOutReason.STATUS_NOT_ACCEPTED),
        ("Observation", "unknown", LeftOutReason.STATUS_NOT_ACCEPTED),
        ("Observation", "cancelled", LeftOutReason.CANCELLED),
        ("Observation", "entered-in-error", LeftOutReason.ENTERED_IN_ERROR),
        ("Observation", "completed", QuarantineReason.INVALID_VALUE),  # a code of other resource types
        ("Observation", 5, QuarantineReason.INVALID_VALUE),
        ("Observation", None, None),
        ("Procedure", "completed", None),
        ("Procedure", "stopped", None),
        ("Procedure", "not-done", LeftOutReason.NOT_DONE),
        ("Procedure", "preparation", LeftOutReason.PLANNED),
        ("Procedure", "final", QuarantineReason.INVALID_VALUE),
        ("MedicationAdministration", "not-done", LeftOutReason.NOT_DONE),
        ("MedicationStatement", "not-taken", LeftOutReason.NOT_DONE),
        ("MedicationStatement", "intended", LeftOutReason.PLANNED),
        ("Medication", "entered-in-error", LeftOutReason.ENTERED_IN_ERROR),
        ("Patient", "anything", None),  # has no status
    ],
)
def test_statuses(kind, status, expected):
    assert status_outcome({"resourceType": kind, "status": status}, Settings().reading.accepted_status) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("confirmed", None),
        ("refuted", LeftOutReason.REFUTED),
        ("entered-in-error", LeftOutReason.ENTERED_IN_ERROR),
        ("other", QuarantineReason.INVALID_VALUE),
    ],
)
def test_verification_status_of_conditions(code, expected):
    coding = {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": code}
    resource = {"resourceType": "Condition", "verificationStatus": {"coding": [coding]}}
    assert status_outcome(resource, ()) == expected


def test_accepted_statuses_are_a_setting():
    assert status_outcome(psa(status="preliminary"), ("final",)) == LeftOutReason.STATUS_NOT_ACCEPTED
