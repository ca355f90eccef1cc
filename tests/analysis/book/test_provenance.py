"""The manifest and the findings as tables of the data page."""

from __future__ import annotations

import pandas as pd
import pytest

from adapters.contract import TABLES, conform
from analysis.book.provenance import findings_frame, source_frame


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


MANIFEST = {
    "source": {"kind": "folder", "label": "folder of FHIR files"}, "pulled_on": "2026-01-01", "hash": "0" * 16,
    "synthetic": True, "cohort_rule": ["lu_psma", "sirt"], "consent": {"required": False},
    "day_zero": {"procedure": "lu_psma", "zone": "Europe/Berlin", "data_cutoff": "2019-12-31"},
    "reading": {"unreadable": 0}, "dispositions": {"read": 4802, "used": 4700, "left_out": 100, "quarantined": 2},
}  # fmt: skip


def rules(manifest: dict = MANIFEST) -> dict[str, str]:
    frame = source_frame(manifest)
    return dict(zip(frame["item"], frame["value"], strict=True))


@pytest.mark.parametrize(
    ("kind", "label", "said"),
    [
        ("folder", "folder of FHIR files", "folder of FHIR files"),
        ("bundle", "Bundle file", "Bundle file"),
        ("server", "University hospital", "server: University hospital"),
    ],
)
def test_the_kind_of_source_is_said_once(kind, label, said):
    frame = source_frame(MANIFEST | {"source": {"kind": kind, "label": label}})
    assert frame.set_index("item").loc["Source", "value"] == said


def test_the_rules_of_the_pull_are_stated_in_words():
    found = rules()
    assert found["Cohort rule: any of"] == "lu_psma, sirt"
    assert found["Data cutoff"] == "2019-12-31"
    assert found["Consent required"] == "no"
    assert found["Resources set aside"] == "2"


def test_a_cohort_rule_that_the_call_named_is_marked():
    assert rules(MANIFEST | {"cohort_rule": ["all"], "cohort_rule_of_call": True})["Cohort rule: any of"] == (
        "all (named by --cohort)"
    )
    assert rules(MANIFEST | {"cohort_rule_of_call": False})["Cohort rule: any of"] == "lu_psma, sirt"


def test_a_pull_without_a_data_cutoff_says_so():
    day_zero = MANIFEST["day_zero"] | {"data_cutoff": None}
    assert rules(MANIFEST | {"day_zero": day_zero})["Data cutoff"] == "none set"


@pytest.mark.parametrize(
    ("reading", "words"),
    [({"verified": True}, "yes"), ({"verified": False}, "no"), ({"unreadable": 0}, "not a server")],
)
def test_whether_a_server_counted_the_same_is_said(reading, words):
    assert rules(MANIFEST | {"reading": reading})["Checked against the server's counts"] == words
