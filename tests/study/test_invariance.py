"""What must not matter: order, ids, files, doubled entries, the calendar, the dialect.

Containers are compared in tests/adapters/test_dispositions.py, which also pins what became of every resource.
"""

from __future__ import annotations

import math
import random

import pandas as pd
import pytest

from adapters.contract import conform
from analysis.paper.published import compare, load_printed, may_disagree
from tests.support.fhir_changes import (
    Pulled,
    assert_same_tables,
    changed_ids,
    moved,
    pulled_entries,
    renamed,
    shuffled,
)

FOUR_YEARS = 1461  # days, one leap day among them


def test_dialects_give_the_same_clinical_tables(pulls, demo):
    assert_same_tables(pulls["mii"], demo)


def test_dialects_give_the_same_results(demo_in, results):
    assert changed_ids(results, demo_in("mii").results()) == set()


def test_every_number_stands_on_the_same_cohort_rule_whatever_the_dialect(pulls):
    tags = {(pulled.manifest["synthetic"], tuple(pulled.manifest["cohort_tags"])) for pulled in pulls.values()}
    assert tags == {(True, ("reconstruction",))}


def test_several_bundles_of_shuffled_entries_change_nothing(entries, demo, tmp_path):
    assert_same_tables(pulled_entries(shuffled(entries), tmp_path, parts=5), demo)


def test_doubled_entries_change_nothing(entries, demo, tmp_path):
    assert_same_tables(pulled_entries(entries + entries, tmp_path), demo)


def test_other_ids_change_nothing(mii_entries, demo, tmp_path):
    assert_same_tables(pulled_entries(renamed(mii_entries), tmp_path), demo)


def test_four_years_later_changes_nothing(entries, demo, tmp_path):
    assert_same_tables(pulled_entries(moved(entries, FOUR_YEARS), tmp_path), demo)


@pytest.mark.slow
def test_all_of_it_at_once_changes_no_result(mii_entries, demo, results, tmp_path):
    changed = shuffled(moved(renamed(mii_entries * 2), FOUR_YEARS))
    pulled = pulled_entries(changed, tmp_path, parts=3)
    assert_same_tables(pulled, demo)
    assert changed_ids(results, pulled.results()) == set()


def relabelled(pulled: Pulled, seed: int) -> Pulled:
    """The same patients under each other's study ids, hence in another order."""
    old = list(pulled.tables["patients"]["patient_id"])
    new = dict(zip(old, random.Random(seed).sample(old, len(old)), strict=True))

    def moved_id(cell: object) -> object:
        patient, dash, rest = str(cell).partition("-")
        return cell if pd.isna(cell) else new[patient] + dash + rest

    frames = {
        name: frame.assign(**{column: frame[column].map(moved_id) for column in frame if column.endswith("_id")})
        for name, frame in pulled.tables.items()
    }
    return Pulled({name: conform(name, frame) for name, frame in frames.items()}, pulled.manifest)


@pytest.mark.slow
def test_no_result_depends_on_which_patient_has_which_study_id(demo, results):
    """A changed value gives other study ids, so a number must not hang on the order of patients, not even in the
    last digit.
    """
    assert changed_ids(results, relabelled(demo, seed=3).results()) == set()


def test_all_printed_values_are_among_the_results_and_disagree_only_where_they_may(results):
    found = compare(results.values(), agrees=True)
    assert {item.printed.id for item in found} == {row.id for row in load_printed()} <= set(results)
    assert len(found) == 153
    assert {item.printed.id for item in found if not item.agrees} == set(may_disagree())


def test_no_result_is_infinite_or_a_word_for_missing(results):
    for result in results.values():
        for part in (result.value, result.lower, result.upper, result.percent):
            assert not isinstance(part, float) or math.isfinite(part), result.id
            assert part not in ("None", "nan", "NaN", "inf", ""), result.id
