"""The printed results of lesions and uptake, computed straight from the cohort files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from adapters.synthetic.search.measurements.lesions import NAMES, response
from adapters.synthetic.search.statistics import kruskal_p, median
from analysis.statistics.rank_tests import signed_rank

Frames = Mapping[str, pd.DataFrame]
Values = dict[str, tuple[float, ...]]
Scan = dict[str, tuple[float, float]]  # diameter in mm and SUVmax by lesion
Pair = NDArray[np.float64]
ALPHA = 0.05
NAN = float("nan")


def lesion_values(frames: Frames) -> Values:
    """All targets `resp.*`, `suv.*`, `case.*` and the counts of the imaging subgroup."""
    people = frames["patients"]
    subgroup = people.loc[people["in_imaging_subgroup"].eq(True), ["key", "tracer"]]
    tracers = dict(zip(subgroup["key"], subgroup["tracer"], strict=True))
    cycles: dict[str, list[int]] = {key: [] for key in tracers}
    for key, day in zip(frames["cycles"]["key"], frames["cycles"]["day"], strict=True):
        cycles.setdefault(key, []).append(int(day))
    plan = frames["sirt"].dropna(subset=["day"])
    sirt = {key: int(day) for key, day in zip(plan["key"], plan["day"], strict=True)}
    scans = _scans(frames["lesion_measurements"], set(tracers))
    lu, after_sirt, weeks = {}, {}, []
    for key, own in scans.items():
        day = sirt.get(key)
        if day is None or day > 0:
            until = max(own) if day is None else day
            lu[key] = _pair(own, [d for d in own if d < 0], [d for d in own if max(cycles[key]) < d <= until])
        if day is not None:
            later = [d for d in own if d > day]
            after_sirt[key] = _pair(own, [d for d in own if d < day], later)
            weeks.append((min(later) - day) / 7)
    return {
        **_groups(tracers, lu, after_sirt),
        **_responses("lu", lu),
        **_responses("sirt", after_sirt),
        "resp.sirt.followup": (float(np.mean(weeks)), min(weeks), max(weeks)),
        **_uptake(tracers, lu, after_sirt),
        **_stories(lu, after_sirt, cycles, scans, frames["disease_status"]),
    }


def _scans(rows: pd.DataFrame, keys: set[str]) -> dict[str, dict[int, Scan]]:
    """Diameter and SUVmax by key, day of the scan and lesion; a PET up to three days after CT or MRI belongs to it."""
    own = rows[rows["key"].isin(keys)].sort_values(["key", "day"])
    scans: dict[str, dict[int, Scan]] = {}
    for key, lesion, day, mm, suv in zip(
        own["key"], own["lesion"], own["day"], own["diameter_mm"], own["suv_max"], strict=True
    ):
        days = scans.setdefault(key, {})
        start = next((d for d in days if d >= day - 3), int(day))
        known = days.setdefault(start, {}).get(lesion, (NAN, NAN))
        days[start][lesion] = (known[0] if mm != mm else float(mm), known[1] if suv != suv else float(suv))
    return scans


def _pair(own: dict[int, Scan], before: list[int], after: list[int]) -> Pair:
    """Diameter and SUVmax before and after of each lesion: last scan before and first scan after a therapy; a lesion
    without a diameter before is new.
    """
    first, last = own[max(before)], own[min(after)]
    lesions = sorted({*first, *last})
    return np.array([[*first.get(name, (NAN, NAN)), *last.get(name, (NAN, NAN))] for name in lesions])


def _known(pair: Pair) -> Pair:
    return pair[~np.isnan(pair[:, 0])]


def _change(pair: Pair) -> Pair:
    known = _known(pair)
    return 100 * (known[:, 2] / known[:, 0] - 1)


def _patient_response(pair: Pair) -> str:
    known = _known(pair)
    total = 100 * (known[:, 2].sum() / known[:, 0].sum() - 1)
    return response(float(total), new_lesion=len(known) < len(pair))


def _responses(therapy: str, pairs: dict[str, Pair]) -> Values:
    names = [_patient_response(pair) for pair in pairs.values()]
    several = [change for change in map(_change, pairs.values()) if len(change) > 1]
    best, worst = np.array([c.min() for c in several]), np.array([c.max() for c in several])
    test = signed_rank(worst - best)
    p = 1.0 if test is None else test.p_spss
    values: Values = {f"resp.{therapy}.{n}": (100 * names.count(n) / len(names),) for n in NAMES}
    values |= {f"resp.{therapy}.best": (median(best),), f"resp.{therapy}.worst": (median(worst),)}
    return values | {f"resp.{therapy}.best_worst_p": (p,), f"resp.{therapy}.best_worst_sig": (float(p < ALPHA),)}


def _uptake(tracers: dict[str, str], lu: dict[str, Pair], after_sirt: dict[str, Pair]) -> Values:
    known = np.concatenate([_known(pair) for key, pair in lu.items() if tracers[key] == "ga68_psma_11"])
    labels = np.array([response(float(change)) for change in _change(known)])
    suv = known[:, 1]
    values: Values = {f"suv.{name}": (median(suv[labels == name]),) for name in NAMES}
    values["suv.p"] = (kruskal_p(suv, np.where(labels == "pd", "pd", "rest")),)
    change = [median(100 * (pair[:, 3] / pair[:, 1] - 1)) for pair in after_sirt.values()]
    return values | {"resp.sirt.psma": (median(np.array(change)), min(change), max(change))}


def _groups(tracers: dict[str, str], lu: dict[str, Pair], after_sirt: dict[str, Pair]) -> Values:
    numbers = {
        "n.subgroup": len(tracers),
        "n.subgroup_lu": len(lu),
        "n.subgroup_sirt": len(after_sirt),
        "n.subgroup_multi": sum(len(_change(pair)) > 1 for pair in lu.values()),
        "n.subgroup_68ga": sum(tracers[key] == "ga68_psma_11" for key in lu),
    }
    return {target_id: (float(n),) for target_id, n in numbers.items()}


def _stories(
    lu: dict[str, Pair],
    after_sirt: dict[str, Pair],
    cycles: dict[str, list[int]],
    scans: dict[str, dict[int, Scan]],
    status: pd.DataFrame,
) -> Values:
    """Cycles of patient 6 (smaller lesions in between, progressive at last) and of patient 1; patient 3's order."""
    outside = status[status["site"].eq("extrahepatic")].sort_values("day")
    elsewhere = outside.groupby("key")["category"].agg(list)
    progressive = [key for key, pair in lu.items() if _patient_response(pair) == "pd"]
    rebound, first = [], []
    for key in progressive:
        start = _known(lu[key])[:, 0].sum()
        between = [scan for day, scan in scans[key].items() if 0 < day < max(cycles[key])]
        if any(sum(mm for mm, _ in scan.values()) < start for scan in between):
            rebound.append(len(cycles[key]))
        responding = key in after_sirt and _patient_response(after_sirt[key]) == "pr"
        if responding and "improved" in elsewhere[key] and elsewhere[key][-1] == "progressive":
            first.append(len(cycles[key]))
    single = {"case.p6.cycles": rebound, "case.p1.cycles": first}
    values: Values = {target_id: (float(n[0]) if len(n) == 1 else NAN,) for target_id, n in single.items()}
    return values | {"case.p3.order": (float(sum(key not in lu for key in after_sirt) == 1),)}
