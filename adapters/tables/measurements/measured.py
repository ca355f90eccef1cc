"""What an Observation or component says: number in the measure's unit, category, comparator, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pandas as pd

from adapters.contract import COMPARATORS, MEASURES
from adapters.ledger import FindingKind, QuarantineReason
from adapters.tables.context import Context
from adapters.tables.extract.views import Fault, combinations, rows_where
from adapters.tables.measurements.ordinals import ordinal_values
from adapters.tables.values.texts import read_gleason, read_text

TABLE = "observations"
AS_TEXT = "as-text"  # the reason that says that the value is given as a text
_COMPARATOR_OF: Mapping[str, str] = {"below_scale": "<", "above_scale": ">"}
_WHERE: Mapping[str, str] = {"table": TABLE, "resource_type": "Observation"}
_YES_NO: Mapping[bool, str] = {True: "present", False: "absent"}
_PRINTABLE_UNIT = re.compile(r"[^\s']{1,20}")
_NUMBERS = frozenset({int, float, Decimal, type(None)})
_YES_NO_MEASURES = ("gi_flow", "ascites")


def add_values(context: Context, rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` (measure, the value columns of the view, answer) with value, category, comparator, unit, absent_reason.

    A unit that the measure does not know, or a comparator that FHIR does not know, quarantines the resource.
    """
    rows = _numbers(context, rows.reset_index(drop=True))
    rows = _off_scale(context, rows)
    rows = _converted(context, rows)
    rows = _categories(rows)
    rows = _without_contradictions(context, rows)
    rows["absent_reason"] = _absent(context, rows)
    _report(context, rows)
    return rows_where(rows, ~context.dispositions.is_out(rows["resource_key"]))


def _numbers(context: Context, rows: pd.DataFrame) -> pd.DataFrame:
    """Columns number, comparator, number_code, number_unit from quantity, integer, coded answer, ordinal value or text."""
    rows["comparator"] = rows["value_comparator"].astype(object)
    rows["number_code"], rows["number_unit"] = rows["value_code"], rows["value_unit"]
    number = floats(rows["value_value"])
    number = number.mask(rows["value_integer"].notna(), floats(rows["value_integer"]))
    number = number.where(number.notna() | rows["answer_number"].isna(), rows["answer_number"])
    rows["number"] = number.where(number.notna(), ordinal_values(rows))
    _add_texts(context, rows)
    wrong = rows["comparator"].notna() & ~rows["comparator"].isin(COMPARATORS)
    for key, part in zip(rows.loc[wrong, "resource_key"], rows.loc[wrong, "part"], strict=True):
        path = "Observation.value.comparator" if part < 0 else "Observation.component.value.comparator"
        context.dispositions.quarantine(key, Fault(QuarantineReason.INVALID_COMPARATOR, path, TABLE))
    return rows


def _add_texts(context: Context, rows: pd.DataFrame) -> None:
    """Numbers of texts, and of the texts of concepts whose codes no answer list knows."""
    rows["text"] = rows["value_text"].where(rows["value_text"].notna(), rows["concept_text"])
    is_open = rows["text"].notna() & rows["number"].isna() & rows["answer_category"].isna()
    texts = pd.Series(zip(rows["measure"], rows["text"], strict=True), index=rows.index, dtype=object)[is_open]
    decimal = context.settings.reading.decimal_separator
    parsed = texts.map({(measure, text): _parsed(measure, text, decimal) for measure, text in texts.unique()}).dropna()
    for position, name in enumerate(("comparator", "number", "number_unit")):
        values = parsed.map(lambda triple, position=position: triple[position])
        rows.loc[parsed.index, name] = values.astype(float) if name == "number" else values


def _parsed(measure: str, text: str, decimal: str) -> tuple[str | None, float, str | None] | None:
    """Comparator, number and unit of a text for a measure."""
    score = read_gleason(str(text)) if measure == "gleason_score" else None
    return read_text(str(text), decimal) if score is None else (None, score, None)


def floats(numbers: pd.Series) -> pd.Series:
    """Numbers of JSON as floats; missing where no float holds them."""
    try:
        is_plain = _NUMBERS.issuperset(map(type, numbers))
        converted = numbers.to_numpy(dtype=float) if is_plain else [_float(number) for number in numbers]
    except OverflowError:
        converted = [_float(number) for number in numbers]
    series = pd.Series(np.array(converted, dtype=float), numbers.index)
    return series.where(np.isfinite(series))


def _float(number: object) -> float:
    try:
        return float(number) if isinstance(number, int | float | Decimal) else np.nan
    except OverflowError:
        return np.inf


def _converted(context: Context, rows: pd.DataFrame) -> pd.DataFrame:
    """value in the unit of the measure; resources with an unknown unit are quarantined."""
    rows["unit"] = rows["measure"].map(MEASURES).replace("", None)
    wanted = rows["number"].notna() & rows["unit"].notna()
    values, known = convert(context, rows[wanted], rows.loc[wanted, "number"], "number_code", "number_unit")
    rows["value"] = np.nan
    rows.loc[values.index, "value"] = values
    unknown = wanted & ~known.reindex(rows.index, fill_value=False)
    for row in rows[unknown].itertuples():
        path = "Observation.value.unit" if row.part < 0 else "Observation.component.value.unit"
        context.dispositions.quarantine(row.resource_key, Fault(QuarantineReason.UNKNOWN_UNIT, path, TABLE))
    _report_units(context, rows, wanted, unknown)
    return rows


def _report_units(context: Context, rows: pd.DataFrame, wanted: pd.Series, unknown: pd.Series) -> None:
    """Findings for units that are missing, unknown (each by name), or contradict the code of the unit."""
    note = context.dispositions.note_rows
    stated = rows["number_code"].notna() | rows["number_unit"].notna()
    missing = wanted & ~stated & ~rows["unit"].isin(("1", "score", "SUV"))
    note(rows[missing], FindingKind.UNIT_MISSING, "measure", path="value.unit", **_WHERE)
    for name, own in rows[unknown & stated].groupby(rows["number_code"].fillna(""), sort=True):
        note(own, FindingKind.UNKNOWN_UNIT, "measure", path=unit_path(str(name)), severity="error", **_WHERE)
    both = wanted & rows["number_code"].notna() & rows["number_unit"].notna()
    columns = ("measure", "number_code", "number_unit", "unit")
    stated_twice = pd.Series(zip(*(rows[name] for name in columns), strict=True), index=rows.index, dtype=object)[both]
    wrong = {key for key in stated_twice.unique() if context.units.contradicts(*key)}
    contradicting = both & stated_twice.isin(wrong).reindex(rows.index, fill_value=False)
    note(rows[contradicting], FindingKind.CONTRADICTING_UNIT, "measure", path="value.unit", **_WHERE)
    rows.loc[contradicting, "value"] = np.nan


def unit_path(unit: str) -> str:
    """The path of an unknown unit with its code; a printed unit is a free text, which no table holds."""
    return f"value.unit '{unit}'" if _PRINTABLE_UNIT.fullmatch(unit) else "value.unit"


def convert(
    context: Context, rows: pd.DataFrame, numbers: pd.Series, code: str, unit: str
) -> tuple[pd.Series, pd.Series]:
    """`numbers` in the unit of each row's measure, and whether the stated unit is known; both with its index."""
    stated = [rows["measure"], rows[code], rows[unit], rows["unit"]]
    groups, firsts = combinations(stated)
    factors = [
        context.units.factor(measure, _text(by_code), _text(by_unit), to)
        for measure, by_code, by_unit, to in zip(*(column.iloc[firsts] for column in stated), strict=True)
    ]
    is_known = np.array([factor is not None for factor in factors], dtype=bool)[groups]
    values = np.where(is_known, numbers.to_numpy(dtype=float), np.nan)
    for group, factor in enumerate(factors):
        if factor is not None and not factor.is_one:
            here = groups == group
            places, different = pd.factorize(values[here])
            values[here] = np.array([factor.apply(number) for number in different.tolist()], dtype=float)[places]
    return pd.Series(values, rows.index), pd.Series(is_known, rows.index)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _categories(rows: pd.DataFrame) -> pd.DataFrame:
    """category of measures without numbers: the fixed answer of the code, the coded answer, or yes and no."""
    is_coded = rows["unit"].isna()
    category = rows["fixed"].where(rows["fixed"].notna(), rows["answer_category"])
    yes_no = rows["value_boolean"].map(_YES_NO).where(rows["measure"].isin(_YES_NO_MEASURES))
    rows["category"] = category.where(category.notna(), yes_no).where(is_coded, None)
    rows["comparator"] = rows["comparator"].where(rows["value"].notna(), None)
    return rows


def _off_scale(context: Context, rows: pd.DataFrame) -> pd.DataFrame:
    """Comparators from an interpretation such as "off scale high"; a number that failed quality control is none."""
    if not rows["interpretation_codes"].map(bool).any():
        return rows.assign(is_unreliable=False)
    known = context.lists.by_code("interpretations")
    said = rows["interpretation_codes"].map(lambda codes: _first_known(codes, known))
    stated = said.map(_COMPARATOR_OF)
    known_sign = stated.notna() & rows["number"].notna()
    own = rows["comparator"]
    note = context.dispositions.note_rows
    opposed = known_sign & own.notna() & (own.str[:1] != stated)
    note(rows[opposed], FindingKind.CONTRADICTING_VALUE, "measure", path="interpretation", **_WHERE)
    rows["comparator"] = own.where(own.notna() | ~known_sign, stated)
    return rows.assign(is_unreliable=said.eq("unreliable") | opposed)


def _first_known(codes: object, known: Mapping[str, str]) -> str | None:
    """The meaning of the first listed code of a list."""
    return next((known[code] for code in codes if code in known), None) if isinstance(codes, list) else None


def _without_contradictions(context: Context, rows: pd.DataFrame) -> pd.DataFrame:
    """No value where the Observation says why there is none, or that it is not to be trusted."""
    given = rows["value"].notna() | (rows["category"].notna() & rows["fixed"].isna())
    denied = given & rows["is_absent"].eq(True) & rows["absent_code"].ne(AS_TEXT)
    note = context.dispositions.note_rows
    note(rows[denied], FindingKind.CONTRADICTING_VALUE, "measure", path="dataAbsentReason", **_WHERE)
    unreliable = given & rows["is_unreliable"] & ~denied
    note(rows[unreliable], FindingKind.UNRELIABLE_VALUE, "measure", path="interpretation", **_WHERE)
    lost = denied | unreliable
    rows["is_unreliable"] = unreliable
    return rows.assign(
        value=rows["value"].mask(lost),
        category=rows["category"].where(~lost, None),
        comparator=rows["comparator"].where(~lost, None),
    )


def _absent(context: Context, rows: pd.DataFrame) -> pd.Series:
    """Why a measurement has neither number nor category: dataAbsentReason, or the extension of that name on a value."""
    empty = rows["value"].isna() & rows["category"].isna()
    known = context.lists.by_code("absent_reasons")
    codes = rows["absent_code"]
    for name in ("absent_quantity", "absent_concept"):
        codes = codes.where(codes.notna(), rows[name])
    stated = codes.notna() | rows["is_absent"].eq(True)
    means = codes.map(known)
    other = stated & means.isna()
    means[other] = rows.loc[other, "absent_codes"].map(lambda listed: _first_known(listed, known))
    reasons = means.where(means.notna() | ~stated, "other").mask(rows["is_unreliable"], "error")
    return reasons.where(empty, None).astype(object)


def _report(context: Context, rows: pd.DataFrame) -> None:
    """Findings for values that were not understood or are impossible; nothing is deleted."""
    empty = rows["value"].isna() & rows["category"].isna() & ~context.dispositions.is_out(rows["resource_key"])
    where = {"table": TABLE, "resource_type": "Observation"}
    note = context.dispositions.note_rows
    is_text = rows["text"].notna() & rows["number"].isna() & ~rows["has_answer_code"]
    coded = empty & rows["value_is_coded"].eq(True) & ~is_text
    note(rows[coded], FindingKind.ANSWER_NOT_LISTED, "measure", path="value", **where)
    note(
        rows[empty & is_text],
        FindingKind.TEXT_NOT_PARSED,
        "measure",
        path="value",
        **where,
    )
    lost = rows["value_value"].notna() & rows["number"].isna()
    note(rows[lost], FindingKind.IMPLAUSIBLE_VALUE, "measure", path="value", **where)
    other = rows["value_is_other"].eq(True) | rows["value_boolean"].notna() | rows["number"].notna()
    note(rows[empty & other], FindingKind.VALUE_TYPE_NOT_READ, "measure", path="value", **where)
    note(rows[rows["value"] < 0], FindingKind.IMPLAUSIBLE_VALUE, "measure", path="value", **where)
