"""Printed values of the paper beside the computed ones.

Only this module reads the printed values, and only after all results exist. Agreement was built into the reconstructed
cohort: it tests the way from resources to results, not the paper. On any other cohort no verdict is given.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.paper.discrepancies import NEITHER, ROUNDS, TRUNCATES, verdict
from analysis.report.format import p_value
from analysis.results import REASONS, Result
from analysis.statistics.multiplicity import Family, adjust

PUBLISHED = Path(__file__).with_name("published_results.csv")
MAY_DISAGREE = Path(__file__).with_name("may_disagree.csv")
LIMITS_OF_RULES = frozenset({"methods", "discussion"})  # there "<" belongs to a rule of the paper, not to a P value
IN_PRINTED_UNIT = {("GBq", "MBq"): 1000.0, ("MBq", "GBq"): 0.001}  # (computed, printed) -> factor
TAKEN_OVER = ("physics", "design")  # bases of what no patient can change
ORIGINAL = {"value": "value", "lower": "lower limit", "upper": "upper limit", "percent": "percentage"}


@dataclass(frozen=True, slots=True)
class Printed:
    """A printed value with its digits as text; a field is empty where the paper prints nothing."""

    id: str
    where: str
    arm: str
    measure: str
    statistic: str
    unit: str
    operator: str
    value: str
    text: str
    lower: str
    upper: str
    interval: str
    n: str
    percent: str
    note: str

    @property
    def words(self) -> str:
        """As the paper prints it: "5.7 (2.9 to 8.5)", "21 (67.8%)", "< 0.05", "no"."""
        sign = "" if self.operator in ("=", "is", "") else f"{self.operator} "
        head = self.text or (f"{sign}{self.value}" if self.value else "")
        interval = f"{self.lower} to {self.upper}" if self.lower else ""
        behind = [part for part in (f"{self.percent}%" if self.percent else "", interval) if part]
        return f"{head} ({'; '.join(behind)})" if head and behind else head or interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """A printed value beside the computed one.

    agrees: None where no verdict is due (another cohort). how: "rounds", "truncates" (which parts) or why not.
    """

    printed: Printed
    computed: Result | None
    agrees: bool | None
    how: str


def load_printed(path: Path | None = None) -> list[Printed]:
    """All printed values in their order. Raises FileNotFoundError without the file."""
    with (path or PUBLISHED).open(encoding="utf-8", newline="") as file:
        return [Printed(**row) for row in csv.DictReader(file)]


@cache
def may_disagree() -> dict[str, str]:
    """The ids that may disagree on the reconstruction, each with its reason in words."""
    with MAY_DISAGREE.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["reason"] for row in csv.DictReader(file)}


def compare(results: Iterable[Result], *, agrees: bool, printed: Sequence[Printed] | None = None) -> list[Comparison]:
    """Every printed value with its result; `agrees`: whether a verdict is due (the reconstructed cohort only)."""
    by_id = {result.id: result for result in results}
    rows = load_printed() if printed is None else printed
    return [_compared(row, by_id.get(row.id), agrees) for row in rows]


def _compared(printed: Printed, computed: Result | None, agrees: bool) -> Comparison:
    if not agrees:
        return Comparison(printed, computed, None, "")
    holds, how = judge(printed, computed)
    return Comparison(printed, computed, holds, how if holds else may_disagree().get(printed.id, how))


def judge(printed: Printed, computed: Result | None) -> tuple[bool, str]:
    """Whether a result agrees with the published value, and how ("rounds", "truncates: upper limit") or what does not."""
    if computed is None:
        return False, "not computed"
    if computed.value is None:
        return False, REASONS[str(computed.reason)]
    if printed.text:
        return _same_text(printed, computed)
    if printed.operator in ("<", ">") and printed.where not in LIMITS_OF_RULES:
        return _inequality(printed, computed)
    return _same_digits(printed, computed)


def _same_text(printed: Printed, computed: Result) -> tuple[bool, str]:
    """A printed word ("yes") against the computed one; True and False are read as yes and no."""
    word = {True: "yes", False: "no"}.get(computed.value) if isinstance(computed.value, bool) else computed.value
    return word == printed.text, ROUNDS if word == printed.text else f"{word} against {printed.text}"


def _same_digits(printed: Printed, computed: Result) -> tuple[bool, str]:
    """Value, interval and percentage against the published digits."""
    verdicts = {part: _part(printed, computed, part) for part in ORIGINAL if getattr(printed, part)}
    wrong = _parts(verdicts, NEITHER)
    if wrong or not verdicts:
        return False, f"neither rounds nor truncates to the print: {', '.join(wrong)}"
    truncated = _parts(verdicts, TRUNCATES)
    return True, f"{TRUNCATES}: {', '.join(truncated)}" if truncated else ROUNDS


def _parts(verdicts: Mapping[str, str], wanted: str) -> list[str]:
    """The parts with this verdict, in words."""
    return [ORIGINAL[part] for part, seen in verdicts.items() if seen == wanted]


def _part(printed: Printed, computed: Result, part: str) -> str:
    number = getattr(computed, part)
    if number is None or isinstance(number, str):
        return NEITHER
    text, unit = getattr(printed, part), printed.unit.split(" ")[0]
    factor = IN_PRINTED_UNIT.get((computed.unit, unit), 1.0) if part != "percent" else 1.0
    return verdict(text, float(number) * factor)


def _inequality(printed: Printed, computed: Result) -> tuple[bool, str]:
    """A printed "P < 0.05" is met by any smaller P; a bound outside 0 to 1 is no bound of a P value."""
    bound, number = float(printed.value), computed.value
    if isinstance(number, str) or number is None or not 0 < bound <= 1:
        return False, f"no inequality of P values: {printed.operator} {printed.value}"
    holds = number < bound if printed.operator == "<" else number > bound
    return holds, f"{printed.operator} {printed.value} {'holds' if holds else 'does not hold'}"


def beside_print(results: Sequence[Result], rows: Sequence[Mapping[str, Any]], *, agrees: bool) -> list[dict[str, Any]]:
    """`rows` (objects of results.json, one per result, with an id) with what the paper prints.

    For a printed id: printed (number or text), printed_lower, printed_upper, printed_percent and printed_operator where
    the paper has them; with `agrees` also agrees, and reason where it does not agree.
    """
    comparisons = {comparison.printed.id: comparison for comparison in compare(results, agrees=agrees)}
    return [dict(row) | (_fields(comparisons[row["id"]]) if row["id"] in comparisons else {}) for row in rows]


def _fields(comparison: Comparison) -> dict[str, Any]:
    printed = comparison.printed
    fields: dict[str, Any] = {"printed": printed.text or _number(printed.value) or printed.words}
    if printed.value and _number(printed.value) == 0:
        fields["printed"] = 0
    for part in ("lower", "upper", "percent"):
        if text := getattr(printed, part):
            fields[f"printed_{part}"] = _number(text)
    if printed.operator not in ("=", "is"):
        fields["printed_operator"] = printed.operator
    if comparison.agrees is not None:
        fields["agrees"] = comparison.agrees
        if not comparison.agrees:
            fields["reason"] = comparison.how
    return fields


def _number(text: str) -> float | int | None:
    if not text:
        return None
    return float(text) if "." in text else int(text)


def printed_tests(tests: Iterable[str], printed: Sequence[Printed] | None = None) -> pd.DataFrame:
    """Printed P values of `tests`: id, p, operator ("=" or "<"), words; p is missing where the paper prints none."""
    rows = {row.id: row for row in (load_printed() if printed is None else printed) if row.unit == "P"}
    wanted = [(key, rows.get(key)) for key in tests]
    table = [(key, float(r.value), r.operator, r.words) if r else (key, None, "=", "") for key, r in wanted]
    return pd.DataFrame(table, columns=["id", "p", "operator", "words"]).astype({"p": float})


def holm_of_print(families: Mapping[str, Family]) -> pd.DataFrame:
    """Holm on the printed P in each family of the settings: family, id, printed (words), holm_p, words ("< 0.035").

    A printed "<" is taken as its bound, so the adjusted values of such a family are the largest that fit the print; one is
    given as a bound itself when the P that decides it is one, its own or one ahead whose larger value it takes over. A test
    without a printed P counts in its family with P = 1.
    """
    known = printed_tests(dict.fromkeys(key for family in families.values() for key in family.tests))
    table = adjust(known, families).merge(known[["id", "words"]].rename(columns={"words": "printed"}), on="id")
    parts = [_with_bounds(part) for _, part in table.groupby("family", sort=False)]
    return pd.concat(parts, ignore_index=True)[["family", "id", "printed", "holm_p", "operator", "words"]]


def with_holm_of_print(rows: Sequence[Mapping[str, Any]], families: Mapping[str, Family]) -> list[dict[str, Any]]:
    """`rows` (objects of results.json) with printed_holm and its operator where the paper prints a P for that test."""
    known = holm_of_print(families).dropna(subset=["holm_p"])
    corrected = {f"mult.{row.family}.{row.id}": row for row in known.itertuples()}
    return [
        dict(row)
        | (
            {"printed_holm": float(corrected[row["id"]].holm_p), "printed_holm_operator": corrected[row["id"]].operator}
            if row["id"] in corrected
            else {}
        )
        for row in rows
    ]


def _with_bounds(family: pd.DataFrame) -> pd.DataFrame:
    ranked = family.sort_values("p", kind="stable")
    own = pd.Series(range(len(ranked), 0, -1), index=ranked.index) * ranked["p"]
    decides = own.where(own.eq(own.cummax())).notna()  # where its own P gives the adjusted value
    bound = ranked["operator"].where(decides).ffill()
    words = [
        f"{sign} {p_value(min(p, 1.0))}".removeprefix("= ") if pd.notna(p) else ""
        for sign, p in zip(bound, ranked["holm_p"], strict=True)
    ]
    return ranked.assign(operator=bound, words=words).reindex(family.index)


def comparison_frame(comparisons: Iterable[Comparison]) -> pd.DataFrame:
    """One row per printed value.

    Columns id, where, measure, arm, unit, printed (words), computed (`Result` or None), agrees, how, note.
    """
    rows = [
        {
            "id": item.printed.id,
            "where": item.printed.where,
            "measure": item.printed.measure,
            "arm": item.printed.arm,
            "unit": item.printed.unit,
            "printed": item.printed.words,
            "computed": item.computed,
            "agrees": item.agrees,
            "how": item.how,
            "note": item.printed.note,
        }
        for item in comparisons
    ]
    columns = ["id", "where", "measure", "arm", "unit", "printed", "computed", "agrees", "how", "note"]
    return pd.DataFrame(rows, columns=columns)


def tally(comparisons: Iterable[Comparison]) -> dict[str, int]:
    """How many printed values there are, agree, agree only by truncation, hold as inequality, and disagree.

    settings: how many of them are no results but limits, activities and constants that the book takes over from the paper;
    settings_agree: how many of these agree.
    """
    compared = list(comparisons)
    settings = [item for item in compared if item.computed and item.computed.basis in TAKEN_OVER]
    agreeing = [item for item in compared if item.agrees]
    return {
        "printed": len(compared),
        "agree": len(agreeing),
        "truncated": sum(item.how.startswith(TRUNCATES) for item in agreeing),
        "inequalities": sum(item.how.endswith("holds") for item in agreeing),
        "disagree": sum(item.agrees is False for item in compared),
        "settings": len(settings),
        "settings_agree": sum(bool(item.agrees) for item in settings),
    }


def percent_audit(printed: Sequence[Printed] | None = None) -> pd.DataFrame:
    """Every printed percentage of a count against its own fraction: id, count, n, printed, exact, verdict."""
    rows = load_printed() if printed is None else printed
    audited = []
    for row in rows:
        if row.percent and row.value and row.n:
            exact = 100 * int(row.value) / int(row.n)
            audited.append((row.id, int(row.value), int(row.n), row.percent, exact, verdict(row.percent, exact)))
    return pd.DataFrame(audited, columns=["id", "count", "n", "printed", "exact", "verdict"])
