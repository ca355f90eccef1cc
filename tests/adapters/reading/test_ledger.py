"""Every version that was read has exactly one disposition."""

from __future__ import annotations

import pytest

from adapters.ledger import Finding, FindingKind, Ledger, LedgerError, LeftOutReason, QuarantineReason


def test_each_version_has_exactly_one_disposition():
    ledger = Ledger()
    ledger.read("Patient/1", "f")
    with pytest.raises(LedgerError):
        ledger.close()
    ledger.used("Patient/1", 2)
    ledger.close()
    with pytest.raises(LedgerError):
        ledger.left_out("Patient/1", LeftOutReason.CANCELLED)
    with pytest.raises(LedgerError):
        ledger.used("Patient/2")


def test_findings_about_resources_outside_the_cohort_are_dropped():
    ledger = Ledger()
    for key in ("Observation/in", "Observation/out", "Observation/bad"):
        ledger.read(key, "f")
        ledger.about(key, FindingKind.PARTIAL_DATE, resource_type="Observation")
    ledger.used("Observation/in")
    ledger.left_out("Observation/out", LeftOutReason.OUTSIDE_COHORT)
    ledger.quarantined("Observation/bad", QuarantineReason.INVALID_DATE, "Observation.effective")
    ledger.about("Observation/in", FindingKind.PARTIAL_DATE, resource_type="Observation")
    assert ledger.findings[Finding(FindingKind.PARTIAL_DATE, resource_type="Observation")] == 3


def test_rows_fed_are_counted_as_none_one_and_more():
    ledger = Ledger()
    for number, rows in enumerate((0, 1, 1, 7)):
        ledger.read(f"Observation/{number}", "f")
        ledger.used(f"Observation/{number}", rows)
    assert ledger.counts()["rows_fed"] == [
        {"type": "Observation", "rows": "0", "count": 1},
        {"type": "Observation", "rows": "1", "count": 2},
        {"type": "Observation", "rows": "more", "count": 1},
    ]
