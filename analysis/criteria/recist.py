"""What would RECIST 1.1 proper have said, where the paper used a variant of it?

At most two targets an organ and five in all, each at least 10 mm (nodes 15 mm short axis); progression against the
smallest sum so far, by 20 % and 5 mm; complete response with nodes below 10 mm; new lesions; non-target lesions;
overall response by the table of RECIST 1.1. Limits are in `recist_1_1.csv`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import isnan
from pathlib import Path

import pandas as pd

from analysis.criteria.paper_response import DIGITS

LIMITS = Path(__file__).with_name("recist_1_1.csv")
NON_TARGET = ("complete_response", "non_cr_non_pd", "progressive", "none")


def limit(key: str) -> float:
    """A limit of RECIST 1.1 such as `progression_absolute`, in the unit of the file; KeyError if unknown."""
    return _limits()[key]


@cache
def _limits() -> dict[str, float]:
    table = pd.read_csv(LIMITS)
    return dict(zip(table["key"], table["value"].astype(float), strict=True))


def target_response(sums_mm: Sequence[float], *, all_gone: bool = False) -> str | None:
    """Response of the targets at the last of `sums_mm` (baseline first); None when baseline or last sum is missing.

    Progression is measured against the smallest earlier sum, response against the baseline. `all_gone`: every target
    has disappeared and every target node is below 10 mm, whatever the sum. A sum that is NaN in between is passed
    over.
    """
    baseline, current = sums_mm[0], sums_mm[-1]
    if isnan(baseline) or isnan(current) or baseline <= 0 or len(sums_mm) < 2:
        return None
    if all_gone:
        return "complete_response"
    nadir = min(size for size in sums_mm[:-1] if not isnan(size))
    rise = round(current - nadir, DIGITS)
    grown = nadir == 0 or round(100 * rise / nadir, DIGITS) >= limit("progression_increase")
    if rise >= limit("progression_absolute") and grown:
        return "progressive"
    fallen = round(100 * (baseline - current) / baseline, DIGITS)
    return "partial_response" if fallen >= limit("partial_response_decrease") else "stable"


def overall_response(target: str | None, non_target: str, *, new_lesion: bool) -> str | None:
    """Overall response at one time point; None (not evaluable) only without progression.

    non_target: one of `NON_TARGET`; "none" when the patient has no non-target lesion. Raises ValueError for another word.
    Source: RECIST 1.1, table of overall responses.
    """
    if non_target not in NON_TARGET:
        raise ValueError(f"non_target is one of {', '.join(NON_TARGET)}")
    if new_lesion or target == "progressive" or non_target == "progressive":
        return "progressive"
    if target == "complete_response":
        return "complete_response" if non_target in ("complete_response", "none") else "partial_response"
    return target


def is_measurable(size_mm: float, *, is_node: bool) -> bool:
    """True for a lesion that may be a target: long axis of at least 10 mm, node with a short axis of at least 15 mm.

    size_mm: long axis, for a node the short axis. Source: RECIST 1.1; limits in `recist_1_1.csv`.
    """
    return size_mm >= limit("measurable_node_short_axis" if is_node else "measurable_long_axis")


def is_gone(size_mm: float, *, is_node: bool) -> bool:
    """True when a target counts as disappeared: 0 mm, for a node a short axis below 10 mm.

    Source: RECIST 1.1; limits in `recist_1_1.csv`.
    """
    return size_mm < limit("normal_node_short_axis") if is_node else size_mm == 0


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lesion at every scan from baseline on: sizes in mm (short axis for nodes), NaN where it was not measured."""

    lesion_id: str
    organ: str
    is_node: bool
    sizes_mm: tuple[float, ...]


def target_choices(lesions: Sequence[Lesion], vary: str = "liver") -> list[tuple[Lesion, ...]]:
    """Every admissible choice of two targets in the organ `vary`, the largest lesions of every other organ with it.

    Sizes at baseline decide. The first choice is the one RECIST asks for (the largest of each organ); where organs give
    more than five targets the largest five stay. Empty when nothing is measurable.
    """
    measurable = [lesion for lesion in lesions if is_measurable(lesion.sizes_mm[0], is_node=lesion.is_node)]
    measurable.sort(key=_largest_first)
    organs: dict[str, list[Lesion]] = {}
    for lesion in measurable:
        organs.setdefault(lesion.organ, []).append(lesion)
    most = int(limit("targets_per_organ"))
    fixed = [lesion for organ, members in organs.items() if organ != vary for lesion in members[:most]]
    varied = organs.get(vary, [])
    choices = [[*pair, *fixed] for pair in combinations(varied, min(len(varied), most))]
    trimmed = (tuple(sorted(chosen, key=_largest_first)[: int(limit("targets_total"))]) for chosen in choices)
    return [chosen for chosen in dict.fromkeys(trimmed) if chosen]


def _largest_first(lesion: Lesion) -> tuple[float, str]:
    return -lesion.sizes_mm[0], lesion.lesion_id


def response_of_choice(chosen: Sequence[Lesion]) -> str | None:
    """Target response of one choice at the last scan, from the sums of its diameters (mm).

    None unless every target was measured at baseline and at the last scan.
    """
    sums = [sum(sizes) for sizes in zip(*(lesion.sizes_mm for lesion in chosen), strict=True)]
    gone = all(is_gone(lesion.sizes_mm[-1], is_node=lesion.is_node) for lesion in chosen)
    return target_response(sums, all_gone=gone)
