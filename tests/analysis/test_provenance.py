"""The manifest and the findings as tables of the data page."""

from __future__ import annotations

import pandas as pd

from adapters.contract import TABLES, conform
from analysis.provenance import findings_frame


def finding(kind: str, patient: str | None, count: int) -> dict[str, object]:
    return {"finding": kind, "severity": "info", "table": "patients", "patient_id": patient, "count": count}


def findings(*rows: dict[str, object]) -> pd.DataFrame:
    columns = [column.name for column in TABLES["findings"].columns]
    return conform("findings", pd.DataFrame(list(rows)).reindex(columns=columns))


def test_findings_are_summed_over_patients_the_most_frequent_first():
    found = findings_frame(findings(finding("merged-patient", "S01", 1), finding("partial-date", "S01", 2),
                                    finding("partial-date", "S02", 3)))  # fmt: skip
    assert found[["finding", "patients", "count"]].values.tolist() == [["partial-date", 2, 5], ["merged-patient", 1, 1]]


def test_a_finding_that_names_no_patient_does_not_claim_that_none_is_concerned():
    found = findings_frame(findings(finding("partial-date", None, 7)))
    assert found["patients"].isna().all()


def test_no_findings_give_an_empty_table_of_the_same_columns():
    assert list(findings_frame(TABLES["findings"].empty())) == list(
        findings_frame(findings(finding("partial-date", None, 1)))
    )
