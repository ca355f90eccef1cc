"""Can the P that the paper prints for a laboratory value come from an asymptotic test of its two arms?"""

from __future__ import annotations

from collections.abc import Sequence

from analysis.paper.discrepancies import NEITHER, ROUNDS, TRUNCATES, verdict
from analysis.paper.published import Printed, load_printed
from analysis.report.format import Style, number
from analysis.statistics.attainable_p import minimum_attainable_p_asymptotic

FITS = {ROUNDS: "rounds to it", TRUNCATES: "gives it only if cut off", NEITHER: "does not give it"}
DIGITS = Style(5)  # one more than the smallest printed P has


def asymptotic_p_sentence(measure: str, printed: Sequence[Printed] | None = None) -> str:
    """Say whether an asymptotic Mann-Whitney test could give the P that the paper prints for a laboratory value.

    `measure`: short name of a laboratory value ("ggt"). `printed`: the printed values; by default the committed ones.
    The sentence is empty where the paper prints no P for this value.
    """
    by_id = {row.id: row for row in (load_printed() if printed is None else printed)}
    with_sirt, alone, p = (by_id.get(f"tox.{measure}.{end}") for end in ("lu_sirt", "lu", "p"))
    if with_sirt is None or alone is None or p is None:
        return ""
    least = minimum_attainable_p_asymptotic("mann_whitney", (int(with_sirt.n), int(alone.n))) or 1.0
    return (
        f"The smallest asymptotic P with {with_sirt.n} and {alone.n} patients is {number(least, DIGITS)} without ties, "
        f"which {FITS[verdict(p.value, least)]}."
    )
