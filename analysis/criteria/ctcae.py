"""CTCAE grades of laboratory values, by table: one CSV per version, never two versions in one grading.

Each line of a table says "grade g applies if the value is above (or below) factor times a reference". The grade is the
highest that applies; it is missing, not 0, where a line that could raise it cannot be judged. Laboratory values alone
show neither transfusion nor symptoms nor grade 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

FOLDER = Path(__file__).parent
VERSIONS = (5, 6)
COLUMNS = ("measure", "value", "comparator", "lower_limit", "upper_limit", "baseline", "baseline_state")
STATES = ("low", "normal", "high")  # of the baseline against its own limits; NA where it or they are missing

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Criteria:
    """One version's table: measure, term, grade, applies, operator, factor, reference, unit, need, source."""

    version: int
    lines: pd.DataFrame

    @property
    def measures(self) -> list[str]:
        """Measures that this version grades here, in the order of the table."""
        return list(dict.fromkeys(self.lines["measure"]))

    def of(self, measure: str) -> pd.DataFrame:
        """The lines of one measure. Raises ValueError where this version's thresholds are not in the table."""
        lines = self.lines[self.lines["measure"] == measure]
        if lines.empty:
            known = ", ".join(self.measures)
            raise ValueError(f"CTCAE v{self.version} has no thresholds here for '{measure}'; known: {known}")
        return lines

    def term(self, measure: str) -> str:
        """The CTCAE term under which the measure is graded."""
        return str(self.of(measure)["term"].iloc[0])

    def unit(self, measure: str) -> str:
        """The unit in which the absolute limits of the measure are given."""
        return str(self.of(measure)["unit"].iloc[0])


BRANCHES = {
    "always": "",
    "baseline_not_high": "baseline not above the upper limit",
    "baseline_high": "baseline above the upper limit",
    "baseline_not_low": "baseline not below the lower limit",
    "baseline_low": "baseline below the lower limit",
}
REFERENCES = {
    "upper_limit": "upper limit",
    "lower_limit": "lower limit",
    "baseline": "baseline",
    "larger_of_limit_and_baseline": "the larger of upper limit and baseline",
}


def limits_frame(criteria: Criteria) -> pd.DataFrame:
    """The limits in words, one row per measure and branch: measure, term, branch, "1" to "4", source.

    A cell reads "> 3 × upper limit" or "< 10 g/dL": from there on the grade applies; empty where a grade has no limit.
    """
    lines = criteria.lines.assign(branch=criteria.lines["applies"].map(BRANCHES))
    lines["words"] = [_limit_words(line) for line in lines.itertuples()]
    keys = ["measure", "term", "branch", "source"]
    # two lines of one grade are alternatives
    joined = lines.groupby([*keys, "grade"], sort=False)["words"].agg(" or ".join).unstack("grade")
    joined = joined.rename(columns=str).reset_index()
    return joined[["measure", "term", "branch", *(str(g) for g in range(1, 5)), "source"]]


def _limit_words(line: Any) -> str:
    sign = {">=": "≥", "<=": "≤"}.get(line.operator, line.operator)
    if line.reference == "absolute":
        unit = "" if line.unit == "1" else f" {line.unit}".replace(" 10*9/L", " × 10⁹/L")
        return f"{sign} {line.factor:g}{unit}"
    times = "" if line.factor == 1 else f"{line.factor:g} × "
    return f"{sign} {times}{REFERENCES[line.reference]}"


@cache
def load_criteria(version: int = 5) -> Criteria:
    """The table of one version. Raises ValueError for a version that is not here."""
    if version not in VERSIONS:
        known = " and ".join(f"v{number}" for number in VERSIONS)
        raise ValueError(f"CTCAE v{version} is not available; {known} are")
    return Criteria(version, pd.read_csv(FOLDER / f"ctcae_v{version}.csv", dtype={"unit": "string"}))


def grade_frame(values: pd.DataFrame, criteria: Criteria, *, significant_digits: int = 8) -> pd.Series:
    """Grade of each row of `values` (columns `COLUMNS`), dtype Int64, index kept; NA where it cannot be graded.

    Values and limits share the unit of the table. baseline_state is one of `STATES` or NA. Both sides of each
    comparison are rounded to `significant_digits`, so that 3.0 x 35 equals 105. A value with a comparator is graded
    only where everything on its side of the number has the same grade. Raises ValueError for a measure without table.
    """
    grades = pd.Series(pd.NA, index=values.index, dtype="Int64")
    for measure, rows in values.groupby("measure", observed=True, sort=False):
        grades.loc[rows.index] = _grades(rows, criteria.of(str(measure)), significant_digits)
    return grades


def grade_value(  # noqa: PLR0913 - one keyword for each cell of a row of `grade_frame`
    measure: str,
    value: float | None,
    *,
    lower_limit: float | None = None,
    upper_limit: float | None = None,
    baseline: float | None = None,
    baseline_state: str | None = None,
    comparator: str | None = None,
    version: int = 5,
) -> int | None:
    """Grade of one value, None where it cannot be graded; see `grade_frame`."""
    cells = (measure, value, comparator, lower_limit, upper_limit, baseline, baseline_state)
    grade = grade_frame(pd.DataFrame([dict(zip(COLUMNS, cells, strict=True))]), load_criteria(version)).iloc[0]
    return None if pd.isna(grade) else int(grade)


def baseline_state(values: Floats, lower: Floats, upper: Floats) -> npt.NDArray[np.object_]:
    """low, normal or high of each baseline against its own limits; None where the value or its upper limit is missing.

    All arguments and the result have the shape (n,); values and limits share a unit. A missing lower limit leaves "low"
    unseen: what is not above the upper limit counts as normal then.
    """
    state = np.where(values > upper, "high", np.where(values < lower, "low", "normal")).astype(object)
    state[np.isnan(values) | np.isnan(upper)] = None
    return state


def _grades(rows: pd.DataFrame, lines: pd.DataFrame, digits: int) -> pd.arrays.IntegerArray:
    value = significant(_floats(rows["value"]), digits)
    attained, unknown = np.zeros(len(rows), dtype=int), np.zeros(len(rows), dtype=int)
    for line in lines.itertuples():
        holds, open_question = _applies(rows, str(line.applies))
        limit = significant(float(line.factor) * _reference(rows, str(line.reference)), digits)
        hit = holds & _beyond(value, limit, str(line.operator))
        attained = np.where(hit, np.maximum(attained, line.grade), attained)
        if line.need == "required":
            unjudged = open_question | (holds & np.isnan(limit))
            unknown = np.where(unjudged, np.maximum(unknown, line.grade), unknown)
    gradable = ~np.isnan(value) & (unknown <= attained) & _unaffected_by_comparator(rows, lines, attained)
    return pd.arrays.IntegerArray(attained.astype("int64"), ~gradable)


def _applies(rows: pd.DataFrame, branch: str) -> tuple[Flags, Flags]:
    """Whether a branch holds for each row, and whether that cannot be said because the baseline is unknown."""
    if branch == "always":
        return np.ones(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    state = rows["baseline_state"].astype("object")
    unknown = state.isna().to_numpy()
    wanted = branch.rpartition("_")[2]
    inside = state.eq(wanted).to_numpy(dtype=bool)
    if branch.startswith("baseline_not_"):
        inside = ~inside & ~unknown
    return inside, unknown


def _reference(rows: pd.DataFrame, name: str) -> Floats:
    if name == "absolute":
        return np.ones(len(rows))
    if name == "larger_of_limit_and_baseline":
        return np.maximum(_floats(rows["upper_limit"]), _floats(rows["baseline"]))
    return _floats(rows[name])


def _beyond(value: Floats, limit: Floats, operator: str) -> Flags:
    if operator == "<":
        return value < limit
    return value >= limit if operator == ">=" else value > limit


def _unaffected_by_comparator(rows: pd.DataFrame, lines: pd.DataFrame, attained: npt.NDArray[np.int_]) -> Flags:
    """False where "<" or ">" leaves the grade open.

    Towards the worse side only the highest grade is certain, towards the better side only grade 0.
    """
    comparator = rows["comparator"].astype("string").fillna("").to_numpy(dtype=object)
    worse = "<" if (lines["operator"] == "<").all() else ">"
    better = ">" if worse == "<" else "<"
    side = np.array([text[:1] for text in comparator], dtype=object)
    open_up = (side == worse) & (attained < int(lines["grade"].max()))
    return ~(open_up | ((side == better) & (attained > 0)))


def significant(values: Floats, digits: int) -> Floats:
    """`values` rounded to significant digits, same shape; zero and NaN stay."""
    with np.errstate(divide="ignore", invalid="ignore"):
        magnitude = np.floor(np.log10(np.abs(values)))
    scale = np.power(10.0, np.where(np.isfinite(magnitude), magnitude, 0.0))
    return np.round(values / scale, digits - 1) * scale


def _floats(column: pd.Series) -> Floats:
    return pd.to_numeric(column).astype("float64").to_numpy()
