"""All 153 printed values against the reconstructed cohort, and the wall between print and computation."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from analysis.book.chapters import collect
from analysis.paper import published as reproduction
from analysis.paper.published import compare, load_printed, may_disagree, tally
from analysis.results import Result
from analysis.settings import load_study
from tests.support.truth import truth_tables

MANIFEST = {"synthetic": True, "cohort_tags": ["reconstruction"]}


def computed() -> list[Result]:
    return list(collect(truth_tables(), load_study(), MANIFEST))


Results = dict[str, Result]


@pytest.fixture
def nonsense_in_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of printed values with every value, limit, percentage and word replaced."""
    with reproduction.PUBLISHED.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for name in ("value", "lower", "upper", "percent"):
            row[name] = "987654.321" if row[name] else ""
        row["text"] = "nonsense" if row["text"] else ""
    path = tmp_path / "published.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.setattr(reproduction, "PUBLISHED", path)
    return path


def test_all_printed_values_are_computed_and_agree_but_for_the_committed_list(cohort_results: Results) -> None:
    found = compare(cohort_results.values(), agrees=True)
    assert len(found) == 153
    assert {item.printed.id for item in found if item.computed is None} == set()
    assert {item.printed.id: item.how for item in found if not item.agrees} == may_disagree()
    assert len(may_disagree()) <= 6


def test_the_tally_says_how_much_rests_on_truncation_and_inequalities(cohort_results: Results) -> None:
    found = tally(compare(cohort_results.values(), agrees=True))
    assert found["agree"] + found["disagree"] == found["printed"] == 153
    assert found["truncated"] >= 7
    assert found["inequalities"] == 2
    assert found["settings"] - found["settings_agree"] == 1, "the printed unit of the target activity cannot be meant"


@pytest.mark.slow
@pytest.mark.usefixtures("nonsense_in_print")
def test_nonsense_in_print_changes_no_computed_value_and_turns_every_verdict(cohort_results: Results) -> None:
    again = computed()
    assert again == list(cohort_results.values())
    assert {row.text or row.value or row.upper for row in load_printed()} == {"nonsense", "987654.321"}
    assert not any(item.agrees for item in compare(again, agrees=True))
