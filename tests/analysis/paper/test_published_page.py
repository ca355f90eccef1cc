"""The sentences of the page about printed and computed values."""

from __future__ import annotations

from analysis.paper.published_page import discrepancies, percentages, summary
from tests.support.opened import check_shown

COUNTS = {"printed": 150, "agree": 140, "truncated": 5, "settings": 30, "settings_agree": 28}


def test_the_reconstruction_counts_what_is_computed_from_patients_apart_from_settings() -> None:
    words = summary(COUNTS, reconstruction=True)
    assert words["reproduction.summary"].startswith(
        "112 of 120 printed results that are computed from patients agree, 5 of them cut off instead of rounded."
    )
    assert words["reproduction.summary"].endswith("28 stand as printed.")
    assert "tests the pipeline, not the paper" in words["reproduction.meaning"]


def test_another_cohort_gets_no_verdict() -> None:
    words = summary(COUNTS, reconstruction=False)
    assert words["reproduction.summary"] == "Your cohort stands beside 150 printed values of the paper."
    assert "agree" not in " ".join(words.values())


def test_discrepancies_and_percentages_are_shown_with_headings_in_words() -> None:
    check_shown(discrepancies())
    check_shown(percentages())
