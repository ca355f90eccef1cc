"""Words for numbers: "5.7 months (95% CI 2.9–8.5; n = 31)". The only place of the project that rounds.

How many digits a unit or an id gets is in `digits.toml`. Half is rounded up, as a reader does by hand. A
result without a value is given as its reason in words. On the reconstructed cohort a number that the print of the paper
does not force carries a mark, so that nobody takes a choice of the reconstruction for a finding.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fnmatch import fnmatchcase
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from analysis.results import REASONS, Result

MINUS = "\u2212"
SMALLEST_P = Decimal("0.0001")
WHOLE_FROM = 1000

# The mark of a number of the reconstructed cohort: sign after the number, words shown on hover.
MARKS = {
    "bounded": ("○", "The paper's print limits this number but does not fix it: see what the print allows."),
    "free": ("◇", "The reconstruction chose this number; the paper's print does not: it is not a finding."),
}
SAYS_ITSELF = "not reached"  # a reason that stands in a sentence without "not given"
OPEN_INTERVAL = "The paper prints this value without the interval, which the reconstruction chose."


@dataclass(frozen=True, slots=True)
class Style:
    """How a number is written: digits after the point, the label behind it, whether + is shown."""

    decimals: int
    label: str = ""
    sign: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A ready piece of prose: plain text and, where it carries a mark, the HTML that shows it."""

    text: str
    html: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def style_of(result: Result) -> Style:
    """Digits and label by the first pattern that fits the id, else by unit, else the default."""
    settings = _settings()
    for pattern, style in settings["id"].items():
        if fnmatchcase(result.id, pattern):
            return Style(**style)
    return Style(**settings["unit"].get(result.unit, settings["default"]))


def number(value: float, style: Style) -> str:
    """The value with its digits, half rounded up, a real minus sign; whole and with commas from 1,000 on; no label."""
    exact = Decimal(repr(float(value)))
    rounded = exact.quantize(Decimal(1).scaleb(-style.decimals), rounding=ROUND_HALF_UP)
    if abs(rounded) >= WHOLE_FROM:  # more figures than anything measured here has
        rounded = exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    sign = MINUS if rounded < 0 else "+" if style.sign and rounded > 0 else ""
    return f"{sign}{abs(rounded):,}"


def p_value(p: float) -> str:
    """ "0.227", "0.0003", "< 0.0001": three digits, or one more figure where three would print 0.000."""
    exact = Decimal(repr(float(p)))
    if exact < SMALLEST_P:
        return f"< {SMALLEST_P}"
    digits = Decimal("0.001") if exact >= Decimal("0.001") else SMALLEST_P
    return str(exact.quantize(digits, rounding=ROUND_HALF_UP))


def value_text(result: Result) -> str:
    """The value alone with its label, or the reason why there is none."""
    if result.value is None:
        return REASONS[str(result.reason)]
    if isinstance(result.value, bool):
        return "yes" if result.value else "no"
    if isinstance(result.value, str):
        return result.value + (style_of(result).label if result.unit else "")
    if result.unit == "P":
        return p_value(result.value)
    style = style_of(result)
    return number(result.value, style) + style.label


def interval_text(result: Result) -> str:
    """The interval with its kind, "95% CI 2.9–8.5"; empty where the result has none."""
    if result.lower is None and result.upper is None:
        return ""
    kind = result.interval.split(",")[0] or "interval"
    style = style_of(result)
    lower, upper = ("not reached" if limit is None else number(limit, style) for limit in (result.lower, result.upper))
    plain = "not reached" not in (lower, upper) and not {MINUS, "+"} & set(lower + upper)
    joined = f"{lower}–{upper}" if plain else f"{lower} to {upper}"
    return f"{kind} {joined}{'%' if style.label == '%' else ''}"


def count_text(result: Result) -> str:
    """Numerator and denominator, "5 of 9", where the result has both; empty otherwise."""
    if result.denominator is not None:
        top = result.events if result.events is not None else result.value
        return f"{top:,} of {result.denominator:,}" if isinstance(top, int) else ""
    counted = result.unit == "count" and isinstance(result.value, int) and result.n is not None
    return f"{result.value:,} of {result.n:,}" if counted and int(result.value or 0) <= (result.n or 0) else ""


def n_text(result: Result) -> str:
    """ "n = 31", or empty."""
    return "" if result.n is None else f"n = {result.n:,}"


def percent_text(result: Result) -> str:
    """The percentage that belongs to a count, "58.1%", or empty."""
    return "" if result.percent is None else number(result.percent, Style(1)) + "%"


def text(result: Result) -> str:
    """The whole statement: value, then in brackets what belongs to it."""
    if result.value is None:
        return not_given(result, n_text(result))
    counts = count_text(result)
    if isinstance(result.value, str | bool):
        head, behind = value_text(result), [n_text(result)]
    elif result.unit == "count" and counts:
        head, behind = counts if result.n != result.value else value_text(result), [percent_text(result)]
    else:
        head = _p_text(result) if result.unit == "P" else value_text(result)
        behind = [counts, percent_text(result), interval_text(result), "" if counts else n_text(result)]
    inside = "; ".join(part for part in behind if part)
    return f"{head} ({inside})" if inside else head


def not_given(result: Result, *behind: str) -> str:
    """A result without value, as a sentence can take it: "not given (no baseline value; n = 0)", "not reached: ..."."""
    reason = REASONS[str(result.reason)]
    if reason.startswith(SAYS_ITSELF):
        return " ".join([reason, *(f"({part})" for part in behind if part)])
    return f"not given ({'; '.join([reason, *(part for part in behind if part)])})"


def _p_text(result: Result) -> str:
    value = value_text(result)
    return f"P {value}" if value.startswith("<") else f"P = {value}"


def mark(basis: str, range_words: str = "") -> str:
    """The sign behind a number that the published values do not fix, as HTML with its meaning and range; empty for others."""
    if basis not in MARKS:
        return ""
    sign, meaning = MARKS[basis]
    title = escape(f"{meaning} {range_words}".strip())
    return f'<sup class="basis basis-{basis}"><abbr title="{title}">{sign}</abbr></sup>'


def range_text(result: Result) -> str:
    """The range over all cohorts that give the published values: "0.43 to 0.58", "13 to 58%", "no or yes"; or empty."""
    found = result.range
    if found is None or (found.low is None and not found.texts):
        return ""
    if found.texts:
        return " or ".join(found.texts)
    percent = "%" if result.unit != "P" and style_of(result).label == "%" else ""
    return " to ".join(dict.fromkeys(limit_text(result, limit) for limit in (found.low, found.high))) + percent


def limit_text(result: Result, limit: float | None) -> str:
    """A number in the digits of `result`, without its label; "not given" for None."""
    if limit is None:
        return "not given"
    return p_value(limit) if result.unit == "P" else number(limit, style_of(result))


def _range_words(result: Result) -> str:
    shown, found = range_text(result), result.range
    if not shown or found is None:
        return ""
    verb = "it is" if " to " not in shown else "it runs from"
    return f"Over {found.cohorts:,} cohorts that give the same print {verb} {shown}."


def has_open_interval(result: Result) -> bool:
    """Whether the paper publishes the value and the reconstruction chose its interval."""
    return result.basis == "printed" and result.range is not None


def _open_interval_mark(result: Result) -> str:
    limits = limits_text(result)
    title = escape(f"{OPEN_INTERVAL} Over {result.range.cohorts if result.range else 0:,} cohorts {limits}.")
    return f'<sup class="basis basis-free"><abbr title="{title}">{MARKS["free"][0]}</abbr></sup>'


def limits_text(result: Result) -> str:
    """How far the limits of the interval run: "its lower limit runs from 0.07 to 0.19, its upper from 1.35 to 1.47"."""
    if result.range is None or result.range.lower_low is None or result.range.upper_low is None:
        return "no interval"
    found = result.range
    lower, upper = ((found.lower_low, found.lower_high), (found.upper_low, found.upper_high))
    shown = [" to ".join(limit_text(result, limit) for limit in pair) for pair in (lower, upper)]
    return f"its lower limit runs from {shown[0]}, its upper from {shown[1]}"


def words(result: Result, plain: str, *, interval: str = "") -> Words:
    """Plain text of a result with its mark: behind all of it, or behind `interval` where that alone is open.

    interval: the interval in words; where `plain` does not hold it, an open interval needs no mark.
    """
    sign = MARKS[result.basis][0] if result.basis in MARKS and result.value is not None else ""
    shown = mark(result.basis, _range_words(result)) if sign else ""
    head, behind = plain, ""
    if interval and interval in plain and has_open_interval(result):
        sign, shown = MARKS["free"][0], _open_interval_mark(result)
        before, found, behind = plain.rpartition(interval)
        head = before + found
    return Words(
        head + sign + behind,
        f'<span class="result" data-id="{escape(result.id)}">{escape(head)}{shown}{escape(behind)}</span>',
    )


def pieces(result: Result) -> dict[str, Words]:
    """All pieces a chapter may glue: the id alone is the whole statement, the suffixes its parts.

    Every result has every piece, so that a sentence holds for any cohort; a part that is not there says so.
    """
    parts = {
        "": text(result),
        ":value": not_given(result) if result.value is None else value_text(result),
        ":interval": interval_text(result) or "no interval",
        ":n": n_text(result) or "n not stated",
        ":count": count_text(result) or "no count",
        ":percent": percent_text(result) or "no percentage",
        ":range": range_text(result) or "no range",
    }
    limits = interval_text(result)
    return {result.id + suffix: words(result, plain, interval=limits) for suffix, plain in parts.items()}


def cell(result: Result) -> Words:
    """A result in a table that names unit and group already: value, then percentage or interval in brackets."""
    if result.value is None:
        return words(result, value_text(result))
    interval = "" if result.percent is not None else _bare_interval(result)
    behind = percent_text(result) or interval
    head = (
        str(result.value) if isinstance(result.value, str) else value_text(result).removesuffix(style_of(result).label)
    )
    return words(result, f"{head} ({behind})" if behind else head, interval=interval)


def _bare_interval(result: Result) -> str:
    """The interval as a table shows it: a range says so, since the header or caption speaks of intervals."""
    whole = interval_text(result)
    kind = result.interval.split(",")[0] or "interval"
    return whole if kind == "range" else whole.removeprefix(kind).strip()


@cache
def _settings() -> dict[str, Any]:
    return tomllib.loads((files("analysis.report") / "digits.toml").read_text("utf-8"))
