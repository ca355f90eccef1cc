"""Limits of normal: of the reference ranges of a result the normal one that fits the patient's sex and age."""

from __future__ import annotations

import numpy as np
import pandas as pd

from adapters.ledger import FindingKind
from adapters.tables.context import Context
from adapters.tables.measurements.measured import TABLE, convert, floats

NORMAL = "normal"
_SEX_SYSTEMS = ("http://snomed.info/sct", "http://hl7.org/fhir/administrative-gender")
# how many of a unit of age a year of 365.25 days holds
_PER_YEAR = {"a": 1.0, "mo": 12.0, "wk": 365.25 / 7, "d": 365.25}
_DAYS_PER_YEAR = 365.25


def add_limits(context: Context, rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """`rows` with lower_limit and upper_limit in the unit of the measure; missing where no range fits, or several.

    people : sex, birth_first and birth_last (ordinals) by person; sex and age must be known where a range asks for them.
    """
    rows = rows.assign(row=np.arange(len(rows)))
    ranges = context.frame("ranges")
    if ranges.empty or rows.empty:
        return rows.assign(lower_limit=np.nan, upper_limit=np.nan).drop(columns="row")
    wanted = ["row", "resource_key", "part", "measure", "unit", "patient", "first", "last"]
    numbered = rows[rows["unit"].notna()][wanted]
    given = numbered.merge(ranges, on=["resource_key", "part"])
    given = given.join(people[["sex", "birth_first", "birth_last"]], on="patient")
    fitting = given[_is_normal(given) & _fits_sex(context, given) & _fits_age(given)]
    limits = _limits(context, fitting)
    several = limits.duplicated("row", keep=False)
    single = limits[~several].set_index("row")
    lost = given[~given["row"].isin(single.index)].drop_duplicates("row")
    context.dispositions.note_rows(
        lost, FindingKind.NO_REFERENCE_RANGE, "measure", table=TABLE, resource_type="Observation", path="referenceRange"
    )
    for name in ("lower_limit", "upper_limit"):
        rows[name] = rows["row"].map(single[name]).astype(float)
    return rows.drop(columns="row")


def _is_normal(given: pd.DataFrame) -> pd.Series:
    """A range without a meaning is the normal one, as FHIR says."""
    return ~given["has_meaning"].eq(True) | given["meaning"].eq(NORMAL)


def _fits_sex(context: Context, given: pd.DataFrame) -> pd.Series:
    """True where the range applies to everybody, or to the patient's sex and nothing narrower."""

    fits = pd.Series(True, index=given.index)
    narrower = given[given["sex_codes"].str.len() > 0]
    for index, codes, sex in zip(narrower.index, narrower["sex_codes"], narrower["sex"], strict=True):
        fits[index] = {_sex(context, code) for code in codes} == {sex}
    return fits


def _sex(context: Context, code: str) -> str | None:
    for system in _SEX_SYSTEMS:
        sex = context.lists.means("sexes", system, code)
        if sex is not None:
            return sex
    return None


def _fits_age(given: pd.DataFrame) -> pd.Series:
    """True where completed years (months, weeks, days) of age surely lie within the limits of age, both included."""
    youngest = (given["first"] - given["birth_last"]) / _DAYS_PER_YEAR
    oldest = (given["last"] - given["birth_first"]) / _DAYS_PER_YEAR
    fits = pd.Series(True, index=given.index)
    for limit, age in (("age_low", youngest), ("age_high", oldest)):
        stated = given[limit].notna()
        per_year = given[f"{limit}_code"].map(_PER_YEAR)
        completed = np.floor((age * per_year).astype(float) + 1e-9)
        bound = floats(given[limit])
        inside = completed >= bound if limit == "age_low" else completed <= bound
        fits &= ~stated | inside
    return fits


def _limits(context: Context, fitting: pd.DataFrame) -> pd.DataFrame:
    """row, lower_limit, upper_limit of each range that states any, each limit converted with its own unit."""
    limits = fitting[["row"]].copy()
    stated_any = pd.Series(False, index=fitting.index)
    for name, column in (("low", "lower_limit"), ("high", "upper_limit")):
        numbers = floats(fitting[f"{name}_value"])
        stated = numbers.notna()
        values, known = convert(context, fitting[stated], numbers[stated], f"{name}_code", f"{name}_unit")
        limits[column] = values.reindex(fitting.index)
        stated_any |= stated
        context.dispositions.note_rows(
            fitting[stated][~known], FindingKind.UNKNOWN_UNIT, "measure", table=TABLE, resource_type="Observation",
            path=f"referenceRange.{name}",
        )  # fmt: skip
    stated_limits = limits[stated_any & limits[["lower_limit", "upper_limit"]].notna().any(axis=1)]
    return stated_limits.drop_duplicates()
