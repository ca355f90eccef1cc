"""What the print of the paper allows: how far each number runs over many cohorts that all give the same print.

The reconstructed cohort is one of many. `ranges.csv` gives, for every number of the book, the smallest and largest
value over them, `ranges.toml` how many they were and which ones. Both come from `range_frame`, fed with the results
of each cohort; a committed file, because computing them takes minutes and depends on nothing that a reader brings.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.report.format import style_of
from analysis.results import BASES, Range, Result, missing

RANGES = Path(__file__).with_name("ranges.csv")
ORIGIN = Path(__file__).with_name("ranges.toml")
DECIDED_BY_THE_RECONSTRUCTION = ("bounded", "free")
LIMITS = ("low", "high", "lower_low", "lower_high", "upper_low", "upper_high")
COLUMNS = ("id", "cohorts", *LIMITS, "texts")
BETWEEN_TEXTS = "|"
DIGITS = 12  # what differs beyond is rounding of the machine


def range_frame(cohorts: Iterable[Sequence[Result]]) -> pd.DataFrame:
    """One row per result id over the results of many cohorts: columns as `COLUMNS`, sorted by id.

    cohorts: how many cohorts gave it a value; low to upper_high: smallest and largest value, lower and upper limit;
    texts: its values where they are words or yes and no, sorted.
    """
    rows = [(r.id, r.value, r.lower, r.upper) for results in cohorts for r in results]
    values = pd.DataFrame(rows, columns=["id", "value", "lower", "upper"]).astype({"value": "object"})
    ranges = [_row(str(key), rows) for key, rows in values.groupby("id", sort=True)]
    return pd.DataFrame(ranges, columns=list(COLUMNS))


def _row(key: str, rows: pd.DataFrame) -> dict[str, Any]:
    values = rows["value"].dropna()
    numbers = pd.Series([v for v in values if not isinstance(v, str | bool)], dtype="float64")
    words = sorted({_word(v) for v in values if isinstance(v, str | bool)})
    row: dict[str, Any] = {"id": key, "cohorts": len(values)}
    for name, column in (("", numbers), ("lower_", rows["lower"]), ("upper_", rows["upper"])):
        known = column.astype("float64").dropna().round(DIGITS)
        row |= {f"{name}low": known.min(), f"{name}high": known.max()}
    return row | {"texts": BETWEEN_TEXTS.join(words)}


def _word(value: str | bool) -> str:
    return value if isinstance(value, str) else "yes" if value else "no"


def interval_is_open(result: Result, span: Range) -> bool:
    """Whether a limit of the interval runs over more than one unit of its last digit: more than printing it leaves open."""
    unit = 10.0 ** -style_of(result).decimals
    spans = ((span.lower_low, span.lower_high), (span.upper_low, span.upper_high))
    return any(low is not None and high is not None and high - low > unit for low, high in spans)


@cache
def load_ranges() -> Mapping[str, Range]:
    """The committed ranges by result id."""
    searched = int(load_origin()["reconstructions"])
    table = pd.read_csv(RANGES, dtype={"texts": "string"}, keep_default_na=False, na_values=[""])
    return {str(row["id"]): _range(row, searched) for row in table.to_dict("records")}


def load_origin() -> dict[str, Any]:
    """What the ranges were computed from: reconstructions (how many) and inputs (a hash of their files)."""
    with ORIGIN.open("rb") as file:
        return tomllib.load(file)


def _range(row: Mapping[str, Any], searched: int) -> Range:
    limits = {name: None if pd.isna(row[name]) else float(row[name]) for name in LIMITS}
    texts = () if pd.isna(row["texts"]) else tuple(str(row["texts"]).split(BETWEEN_TEXTS))
    return Range(**limits, cohorts=int(row["cohorts"]), searched=searched, texts=texts)


def with_range(result: Result, ranges: Mapping[str, Range] | None = None) -> Result:
    """`result` with its range where the reconstruction decides about it; its own value lies within, for it is one of them.

    A printed result has one only where its interval, which the print does not give, is open; one that rests on physics or on
    the design has none.
    """
    span = (load_ranges() if ranges is None else ranges).get(result.id)
    if span is None:
        return result
    if result.basis not in DECIDED_BY_THE_RECONSTRUCTION:
        open_limits = result.basis == "printed" and interval_is_open(result, span)
        return replace(result, range=span) if open_limits else result
    if isinstance(result.value, str | bool):
        return replace(result, range=replace(span, texts=tuple(sorted({*span.texts, _word(result.value)}))))
    if result.value is None or span.low is None or span.high is None:
        return replace(result, range=span)
    value = float(result.value)
    return replace(result, range=replace(span, low=min(span.low, value), high=max(span.high, value)))


def counts(results: Iterable[Result], *, applies: bool) -> list[Result]:
    """How many reconstructions there are and how many results rest on what: print.reconstructions, print.<basis>."""
    keys = ("reconstructions", *(basis for basis in BASES if basis != "data"))
    if not applies:
        return [missing(f"print.{key}", "only_reconstruction", unit="count", basis="design") for key in keys]
    bases = [result.basis for result in results]
    numbers = [int(load_origin()["reconstructions"]), *(bases.count(key) for key in keys[1:])]
    methods = ["cohorts found that give every printed result", *(f"results whose basis is {key}" for key in keys[1:])]
    return [
        Result(f"print.{key}", number, unit="count", method=method, basis="design")
        for key, number, method in zip(keys, numbers, methods, strict=True)
    ]
