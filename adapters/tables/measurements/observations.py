"""Observations and their components -> measurements, before lesions, ranges and days."""

from __future__ import annotations

from functools import reduce
from operator import and_

import numpy as np
import pandas as pd

from adapters.fhir.codelists import FOLLOW_UP, STATISTIC
from adapters.ledger import FindingKind, LeftOutReason
from adapters.tables.context import Context
from adapters.tables.extract.views import rows_where, texts_that
from adapters.tables.measurements.gleason import with_scores
from adapters.tables.measurements.measured import add_values

TABLE = "observations"
STARTS = ("date_time", "instant_at", "period_start")
_STATISTIC_OF_UNIT = r"(?i)SUV\s?(max|mean)"
_WHOLE = -1  # the part that is the Observation itself


def measurements(context: Context, frame: pd.DataFrame, conditions: pd.Series) -> pd.DataFrame:
    """One row per measurement: patient, measure, value and all about it, first, last, at, resource_key, part.

    `conditions` are the keys of Observations that tell a condition; they belong to another table.
    """
    codes = context.coded.means(TABLE, "code")
    codes = context.one_meaning(codes[codes["resource_key"].isin(frame["resource_key"])], TABLE)
    codes = _statistics(context, codes, frame)
    listed = frame["resource_key"].isin(codes["resource_key"]) | frame["resource_key"].isin(conditions)
    frame = context.valid(frame, listed)
    rows = frame.merge(codes, on=["resource_key", "part"], how="inner")
    rows["measure"], fixed = parted(rows["means"])
    rows["fixed"] = fixed.where(fixed != "", None)
    rows = _without_headings(context, rows)
    rows = context.dated(rows, STARTS, "period_end", "effective")
    rows = context.before_cutoff(_answers(context, rows), TABLE)
    return with_scores(context, add_values(context, rows))


def parted(means: pd.Series) -> tuple[pd.Series, pd.Series]:
    """What stands before and after the "=" of each meaning, the second empty where there is none."""
    different = means.unique()
    first, second = ({text: str(text).partition("=")[place] for text in different} for place in (0, 2))
    return means.map(first).astype(object), means.map(second).astype(object)


def _statistics(context: Context, codes: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Measures such as suv_* named in full by method, a second code or the unit; without any of these there is no row.

    An Observation.component has no method in FHIR R4, so a group of measurements says the statistic otherwise or not.
    """
    open_end = texts_that(codes["means"], lambda text: text.endswith(STATISTIC))
    if not open_end.any():
        return codes
    opened = codes[open_end]
    key = ["resource_key", "part"]
    by_method = _single(context.coded.means("statistics", "method"), ["resource_key"])
    by_code = _single(context.coded.means("statistics", "code"), key)
    named = opened["resource_key"].map(by_method)
    pairs = pd.MultiIndex.from_frame(opened[key])
    named = named.where(named.notna(), pd.Series(by_code.reindex(pairs).to_numpy(), index=opened.index))
    by_unit = _statistics_of_units(frame[frame["resource_key"].isin(opened["resource_key"])]).reindex(pairs)
    named = named.where(named.notna(), pd.Series(by_unit.to_numpy(), index=opened.index))
    _report_unnamed(context, opened[named.isna()], frame)
    full = opened["means"].str.removesuffix(STATISTIC) + named.astype(object)
    return codes.assign(means=codes["means"].where(~open_end, full)).dropna(subset=["means"])


def _single(means: pd.DataFrame, key: list[str]) -> pd.Series:
    """The meaning of each key that has one meaning only."""
    different = means.drop_duplicates([*key, "means"])
    return different.drop_duplicates(key, keep=False).set_index(key)["means"]


def _statistics_of_units(frame: pd.DataFrame) -> pd.Series:
    """ "max" or "mean" by resource and part where the unit is annotated so, such as {SUVmax}g/ml."""
    units = frame["value_code"].where(frame["value_code"].notna(), frame["value_unit"]).astype("string")
    named = units.str.extract(_STATISTIC_OF_UNIT, expand=False).str.lower()
    return pd.Series(named.to_numpy(dtype=object), index=pd.MultiIndex.from_frame(frame[["resource_key", "part"]]))


def _report_unnamed(context: Context, unnamed: pd.DataFrame, frame: pd.DataFrame) -> None:
    """A finding for each uptake without a statistic; an Observation that holds nothing else is left out for it."""
    rows = unnamed.merge(frame[["resource_key", "part", "patient"]], on=["resource_key", "part"])
    rows = rows.assign(measure=rows["means"].str.removesuffix(f"_{STATISTIC}"))
    where = {"table": TABLE, "resource_type": "Observation", "path": "method"}
    context.dispositions.note_rows(rows, FindingKind.CODE_WITHOUT_ROW, "measure", **where)
    context.dispositions.explain(rows["resource_key"], LeftOutReason.INCOMPLETE)


def _without_headings(context: Context, rows: pd.DataFrame) -> pd.DataFrame:
    """Without the Observations that only head a panel: no value and no reason, but components or members."""
    stated = [name for name in rows.columns if name.startswith("value_") and not name.startswith("value_is")]
    stated += ["absent_code", "absent_quantity", "absent_concept", "fixed"]
    empty = (
        reduce(and_, (rows[name].isna() for name in stated))
        & ~_true(rows["value_is_coded"])
        & ~_true(rows["value_is_other"])
        & ~_true(rows["is_absent"])
    )
    heading = (rows["part"] == _WHOLE) & _true(rows["is_panel"]) & empty
    context.dispositions.need(rows.loc[heading, "resource_key"])
    return rows_where(rows, ~heading)


def _true(values: pd.Series) -> pd.Series:
    return values.eq(True)


def _answers(context: Context, rows: pd.DataFrame) -> pd.DataFrame:
    """Columns answer_number and answer_category: what the coded answer means for the measure of the row."""
    answers = context.coded.means("answers", "answer")
    codes = context.coded.with_code("answer").drop_duplicates()
    is_coded = rows[["resource_key", "part"]].merge(codes, how="left", indicator=True)["_merge"].eq("both")
    rows = rows.assign(has_answer_code=is_coded.to_numpy())
    answers = answers.merge(rows[["resource_key", "part", "measure"]], on=["resource_key", "part"])
    name, said = parted(answers["means"])
    key = ["resource_key", "part"]
    numbers = answers.assign(answer_number=said)[name == answers["measure"]]
    numbers = numbers.astype({"answer_number": float})
    categories = answers.assign(answer_category=said)[name == "category"]
    for meanings, name in ((numbers, "answer_number"), (categories, "answer_category")):
        single = meanings.drop_duplicates([*key, name])
        single = single[~single.duplicated(key, keep=False)]  # two answers at once are none
        rows = rows.merge(single[[*key, name]], on=key, how="left")
    return rows


def note_duplicates(context: Context, rows: pd.DataFrame) -> None:
    """Equal patient, measure, lesion, organ, time and value under different ids: a finding, since both may be true."""
    same = ["patient", "measure", "value", "category", "comparator", "lesion", "site", "first", "last", "at"]
    dated = rows[rows["first"].notna() & rows["measure"].ne(FOLLOW_UP) & rows["absent_reason"].isna()]
    repeated = dated[dated.duplicated(same)]
    context.dispositions.note_rows(repeated, FindingKind.POSSIBLE_DUPLICATE, "measure", table=TABLE)


def tracers(context: Context, rows: pd.DataFrame) -> pd.Series:
    """The PET tracer of each uptake: from a component of its own, else from the PET it is part of; else missing."""
    is_uptake = texts_that(rows["measure"], lambda text: text.startswith("suv_"))
    if not is_uptake.any():
        return pd.Series(None, index=rows.index, dtype=object)
    own = context.coded.means("tracers", "answer").drop_duplicates(["resource_key", "means"])
    used = context.coded.means("tracers", "tracer")
    parts = context.links[(context.links["role"] == "part_of") & context.links["target_key"].notna()]
    parts = parts.assign(scan=context.resolved(parts["target_key"], "Procedure"))
    scans = parts.merge(used, left_on="scan", right_on="resource_key", suffixes=("", "_scan"))
    result = pd.Series(np.nan, index=rows.index, dtype=object)
    for tracers_of in (own, scans[["resource_key", "means"]].drop_duplicates()):
        single = tracers_of[~tracers_of.duplicated("resource_key", keep=False)].set_index("resource_key")["means"]
        result = result.where(result.notna(), rows["resource_key"].map(single))
    return result.where(is_uptake, None)
