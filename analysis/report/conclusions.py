"""One sentence from estimate, interval, n and basis: the only place where the book draws a conclusion.

A sentence says which values the interval leaves open, never that an effect is there or is not. It never rests on a
number that the reconstruction chose, and it names a small n, because an interval from five patients is itself unsure.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.report.format import Style, number, style_of
from analysis.results import REASONS, Result

SMALL_N = 10  # below, the sentence says how few patients it rests on


@dataclass(frozen=True, slots=True)
class Contrast:
    """What is compared: `lower` and `higher` complete "lies with ..." for values below and above `null`."""

    subject: str
    null: float
    lower: str
    higher: str
    smallest_group: int | None = None


def conclusion(result: Result, contrast: Contrast) -> str:
    """The sentence. For a free result it says that nothing can be concluded; without a value it gives the reason."""
    if result.value is None:
        return f"{contrast.subject} cannot be given: {REASONS[str(result.reason)]}."
    if result.basis == "free":
        return f"{contrast.subject} was chosen by the reconstruction, so nothing follows from it."
    if result.lower is None or result.upper is None:
        return f"{contrast.subject} has no interval here, so nothing follows from it alone."
    kind = result.interval.split(",")[0] or "interval"
    return _reading(result.lower, result.upper, kind, contrast, style_of(result)) + _small(contrast)


def _reading(lower: float, upper: float, kind: str, contrast: Contrast, style: Style) -> str:
    limits = f"{number(lower, style)} to {number(upper, style)}"
    if lower <= contrast.null <= upper:
        return (
            f"{contrast.subject} may lie anywhere from {limits} ({kind}): both {contrast.lower} and {contrast.higher} "
            "remain possible"
        )
    null = number(contrast.null, Style(style.decimals))
    side = contrast.lower if upper < contrast.null else contrast.higher
    return f"{contrast.subject} lies on one side of {null} over its whole interval ({kind} {limits}): {side}"


def _small(contrast: Contrast) -> str:
    if contrast.smallest_group is None or contrast.smallest_group >= SMALL_N:
        return "."
    return f"; the smaller group has {contrast.smallest_group} patient{'s' if contrast.smallest_group != 1 else ''}."
