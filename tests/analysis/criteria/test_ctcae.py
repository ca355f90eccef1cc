"""CTCAE grades of laboratory values: both sides of every threshold, branches, and what cannot be graded."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.criteria.ctcae import baseline_state, grade_frame, grade_value, limits_frame, load_criteria, significant

JUST = 1e-4  # relative step over a threshold
UPPER, LOWER, BASELINE = 40.0, 1000.0, 100.0
REFERENCES = {"upper_limit": UPPER, "lower_limit": LOWER, "baseline": BASELINE, "absolute": 1.0}
STATE = {"baseline_high": "high", "baseline_not_high": "normal", "baseline_low": "low", "baseline_not_low": "normal"}


def thresholds() -> list[pytest.param]:
    """Every line of both versions whose grade depends on nothing but its own branch."""
    found = []
    for version in (5, 6):
        for line in load_criteria(version).lines.itertuples():
            if line.reference in REFERENCES and line.need == "required":
                name = f"v{version}-{line.measure}-{line.applies}-{line.grade}"
                found.append(pytest.param(version, line, id=name))
    return found


@pytest.mark.parametrize(("version", "line"), thresholds())
def test_both_sides_of_every_threshold(version: int, line) -> None:
    limit = line.factor * REFERENCES[line.reference]
    direction = -1 if line.operator == "<" else 1
    low = line.applies == "baseline_low"
    known = {
        "upper_limit": 1000.0 if low else UPPER,
        "lower_limit": LOWER,
        "baseline": BASELINE if line.measure != "creatinine" or low else None,
        "baseline_state": STATE.get(line.applies, "normal"),
        "version": version,
    }
    at, beyond, within = (
        grade_value(line.measure, limit * (1 + step * direction), **known) for step in (0.0, JUST, -JUST)
    )
    assert beyond == line.grade
    assert within is not None
    assert within < line.grade
    assert at == (beyond if line.operator == ">=" else within)


@pytest.mark.parametrize(
    ("measure", "normal", "abnormal"),
    [
        ("alt", (1, 3, 5, 20), (1.5, 3, 5, 20)),
        ("ast", (1, 3, 5, 20), (1.5, 3, 5, 20)),
        ("ggt", (1, 2.5, 5, 20), (2, 2.5, 5, 20)),
        ("alp", (1, 2.5, 5, 20), (2, 2.5, 5, 20)),
        ("bilirubin", (1, 1.5, 3, 10), (1, 1.5, 3, 10)),
    ],
)
def test_version_5_liver_thresholds(measure: str, normal: tuple, abnormal: tuple) -> None:
    table = load_criteria(5).of(measure)
    for branch, factors in (("baseline_not_high", normal), ("baseline_high", abnormal)):
        assert table.loc[table["applies"] == branch, "factor"].tolist() == list(factors)


@pytest.mark.parametrize(
    ("measure", "normal", "abnormal"),
    [
        ("alt", (1, 3, 5, 20), (1, 1.5, 2, 4)),
        ("ast", (1, 3, 5, 20), (1, 1.5, 2, 4)),
        ("ggt", (1, 2.5, 5, 20), (1, 1.5, 3, 10)),
        ("bilirubin", (1, 1.5, 3, 10), (1, 1.5, 2.5, 10)),
    ],
)
def test_version_6_liver_thresholds(measure: str, normal: tuple, abnormal: tuple) -> None:
    table = load_criteria(6).of(measure)
    for branch, factors in (("baseline_not_high", normal), ("baseline_high", abnormal)):
        assert table.loc[table["applies"] == branch, "factor"].tolist() == list(factors)


@pytest.mark.parametrize(
    ("measure", "limits"),
    [
        ("haemoglobin", {2: 10.0, 3: 8.0}),
        ("leukocytes", {2: 3.0, 3: 2.0, 4: 1.0}),
        ("neutrophils", {2: 1.5, 3: 1.0, 4: 0.5}),
        ("platelets", {2: 75.0, 3: 50.0, 4: 25.0}),
        ("lymphocytes", {2: 0.8, 3: 0.5, 4: 0.2}),
        ("albumin", {2: 30.0, 3: 20.0}),
    ],
)
def test_version_5_absolute_limits(measure: str, limits: dict[int, float]) -> None:
    table = load_criteria(5).of(measure)
    absolute = table[table["reference"] == "absolute"]
    assert dict(zip(absolute["grade"], absolute["factor"], strict=True)) == limits


@pytest.mark.parametrize(
    ("factor", "grade"), [(1.5, 2), (3.0, 3)], ids=["more than 1.5 times baseline", "more than 3 times baseline"]
)
def test_creatinine_over_baseline_on_both_sides(factor: float, grade: int) -> None:
    # the limit of normal is far above, so that only the multiple of the baseline decides
    at, beyond = (
        grade_value("creatinine", factor * 0.5 * step, upper_limit=10.0, baseline=0.5) for step in (1.0, 1 + JUST)
    )
    assert beyond == grade
    assert at is not None
    assert at < grade


def test_alkaline_phosphatase_of_version_6_on_both_sides_of_the_larger_limit() -> None:
    for upper, baseline in ((120.0, 150.0), (150.0, 120.0)):
        known = {"upper_limit": upper, "baseline": baseline, "version": 6}
        assert [grade_value("alp", 150.0 * step, **known) for step in (1.0, 1 + JUST)] == [0, 1]


@pytest.mark.parametrize(
    ("measure", "limits"),
    [
        ("creatinine", [(1, 1, "upper_limit"), (2, 1.5, "upper_limit"), (2, 1.5, "baseline"), (3, 3, "upper_limit"),
                        (3, 3, "baseline"), (4, 6, "upper_limit")]),
        ("inr", [(1, 1.2, "absolute"), (2, 1.5, "absolute"), (3, 2.5, "absolute")]),
    ],
)  # fmt: skip
def test_version_5_thresholds_of_creatinine_and_inr(measure: str, limits: list) -> None:
    table = load_criteria(5).of(measure)
    assert list(zip(table["grade"], table["factor"], table["reference"], strict=True)) == limits


def test_every_limit_is_said_in_words_once() -> None:
    for version in (5, 6):
        frame = limits_frame(load_criteria(version))
        said = frame[["1", "2", "3", "4"]].stack().str.split(" or ").explode()
        assert len(said.dropna()) == len(load_criteria(version).lines)
    rows = limits_frame(load_criteria(5)).set_index(["measure", "branch"])
    assert rows.loc[("alt", "baseline above the upper limit"), "1"] == "≥ 1.5 × baseline"
    assert rows.loc[("platelets", ""), ["1", "2"]].tolist() == ["< lower limit", "< 75 × 10⁹/L"]
    assert rows.loc[("creatinine", ""), "2"] == "> 1.5 × upper limit or > 1.5 × baseline"


class TestBaseline:
    def test_abnormal_baseline_is_graded_by_its_multiples(self) -> None:
        known = {"upper_limit": 40.0, "baseline": 100.0}
        assert grade_value("alt", 140.0, **known, baseline_state="high") == 0  # 3.5 x ULN, 1.4 x baseline
        assert grade_value("alt", 140.0, **known, baseline_state="normal") == 2

    def test_the_gap_below_one_and_a_half_times_baseline_is_grade_0(self) -> None:
        assert grade_value("alt", 149.9, upper_limit=40.0, baseline=100.0, baseline_state="high") == 0
        assert grade_value("alt", 150.0, upper_limit=40.0, baseline=100.0, baseline_state="high") == 1

    def test_unknown_baseline_leaves_the_branch_open(self) -> None:
        assert grade_value("alt", 30.0, upper_limit=40.0) is None
        assert grade_value("platelets", 60.0, lower_limit=150.0) == 2

    def test_state_of_the_baseline(self) -> None:
        nan = np.nan
        found = baseline_state(
            np.array([41.0, 40.0, 9.0, 30.0, nan, 30.0]),
            np.array([10.0, 10.0, 10.0, nan, 10.0, 10.0]),
            np.array([40.0, 40.0, 40.0, 40.0, 40.0, nan]),
        )
        assert found.tolist() == ["high", "normal", "low", "normal", None, None]

    def test_creatinine_rises_over_baseline_even_within_normal(self) -> None:
        assert grade_value("creatinine", 1.1, upper_limit=1.2, baseline=0.7) == 2
        assert grade_value("creatinine", 1.1, upper_limit=1.2) == 0
        assert grade_value("creatinine", 1.9, upper_limit=1.2, baseline=0.6) == 3


class TestUngradable:
    def test_without_an_upper_limit_there_is_no_grade(self) -> None:
        assert grade_value("alt", 35.0, baseline_state="normal") is None

    def test_without_a_value_there_is_no_grade(self) -> None:
        assert grade_value("alt", None, upper_limit=40.0, baseline_state="normal") is None

    def test_an_absolute_limit_needs_no_lower_limit_but_grade_0_does(self) -> None:
        assert grade_value("haemoglobin", 7.9) == 3
        assert grade_value("haemoglobin", 11.0) is None
        assert grade_value("haemoglobin", 11.0, lower_limit=13.0) == 1
        assert grade_value("haemoglobin", 13.0, lower_limit=13.0) == 0

    @pytest.mark.parametrize(
        ("measure", "value", "comparator", "grade"),
        [
            ("alt", 39.0, "<", 0),
            ("alt", 100.0, "<", None),
            ("alt", 100.0, ">", None),
            ("alt", 1000.0, ">", 4),
            ("platelets", 10.0, "<", 4),
            ("platelets", 60.0, "<=", None),
            ("platelets", 400.0, ">=", 0),
        ],
    )
    def test_a_comparator_is_graded_only_where_it_does_not_matter(
        self, measure: str, value: float, comparator: str, grade: int | None
    ) -> None:
        known = {"upper_limit": 40.0, "lower_limit": 150.0, "baseline_state": "normal"}
        assert grade_value(measure, value, comparator=comparator, **known) == grade

    def test_unknown_version_and_unknown_measure_are_clear_errors(self) -> None:
        with pytest.raises(ValueError, match="CTCAE v4 is not available; v5 and v6 are"):
            load_criteria(4)
        with pytest.raises(ValueError, match="CTCAE v6 has no thresholds here for 'lymphocytes'"):
            grade_value("lymphocytes", 0.4, version=6)


class TestVersions:
    def test_an_abnormal_baseline_is_graded_more_strictly_in_version_6(self) -> None:
        known = {"upper_limit": 40.0, "baseline": 100.0, "baseline_state": "high"}
        assert [grade_value("alt", 210.0, **known, version=version) for version in (5, 6)] == [1, 3]

    def test_alkaline_phosphatase_of_version_6_must_exceed_limit_and_baseline(self) -> None:
        known = {"upper_limit": 120.0, "baseline": 150.0, "version": 6}
        assert [grade_value("alp", value, **known) for value in (130.0, 151.0, 5000.0)] == [0, 1, 1]


def test_rounding_keeps_a_product_of_limits_on_its_threshold() -> None:
    assert 0.7 * 3 != 2.1
    assert significant(np.array([0.7 * 3]), 8) == significant(np.array([2.1]), 8)
    assert grade_value("bilirubin", 2.1, upper_limit=0.7, baseline_state="normal") == 2
    assert np.array_equal(significant(np.array([0.0, np.nan]), 8), [0.0, np.nan], equal_nan=True)


@given(
    st.lists(st.floats(0.1, 5000.0, allow_nan=False), min_size=2, max_size=30),
    st.floats(5.0, 100.0),
    st.sampled_from(["normal", "high"]),
)
def test_a_higher_value_never_has_a_lower_grade(values: list[float], upper: float, state: str) -> None:
    ordered = pd.DataFrame({"value": sorted(values)})
    frame = ordered.assign(
        measure="alt", comparator=None, lower_limit=None, upper_limit=upper, baseline=80.0, baseline_state=state
    )
    grades = grade_frame(frame, load_criteria(5))
    assert grades.notna().all()
    assert grades.is_monotonic_increasing
