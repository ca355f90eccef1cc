"""The printed results of lesions and uptake, computed straight from the cohort files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from adapters.synthetic.search_lesions import NAMES, kruskal_p, response
from adapters.synthetic.search_statistics import median
from analysis.response_rank_tests import signed_rank

Frames = Mapping[str, pd.DataFrame]
Values = dict[str, tuple[float, ...]]
ALPHA = 0.05


def lesion_values(frames: Frames) -> Values:
    """All targets `resp.*`, `suv.*`, `case.*` and the counts of the imaging subgroup."""
    people = frames["patients"].set_index("key")
    cycles = frames["cycles"].groupby("key")["day"]
    sirt = frames["sirt"].dropna(subset=["day"]).set_index("key")["day"].astype(int)
    scans = _scans(frames["lesion_measurements"])
    members = people.index[people["in_imaging_subgroup"].astype(bool)]
    lu: dict[str, pd.DataFrame] = {}
    after_sirt: dict[str, pd.DataFrame] = {}
    weeks = []
    for key in members:
        own = {day: rows for (k, day), rows in scans.items() if k == key}
        first, last = int(cycles.min()[key]), int(cycles.max()[key])
        treated = int(sirt[key]) if key in sirt.index else None
        if treated is None or treated > first:
            until = max(own) if treated is None else treated
            lu[key] = _pair(own, [d for d in own if d < 0], [d for d in own if last < d <= until])
        if treated is not None:
            later = [d for d in own if d > treated]
            after_sirt[key] = _pair(own, [d for d in own if d < treated], later)
            weeks.append((min(later) - treated) / 7)
    return {
        **_groups(people, members, lu, after_sirt),
        **_responses("lu", lu),
        **_responses("sirt", after_sirt),
        "resp.sirt.followup": (float(np.mean(weeks)), min(weeks), max(weeks)),
        **_uptake(people, lu, after_sirt),
        **_stories(lu, after_sirt, frames, scans),
    }


def _scans(rows: pd.DataFrame) -> dict[tuple[str, int], pd.DataFrame]:
    """Lesions of each scan, index lesion; a PET up to three days after CT or MRI belongs to it."""
    scans: dict[tuple[str, int], pd.DataFrame] = {}
    for key, own in rows.groupby("key"):
        days = own["day"].astype(int).to_numpy()
        start = [min(x for x in days if day - 3 <= x <= day) for day in days]
        for first, scan in own.groupby(np.array(start)):
            scans[str(key), int(first)] = scan.groupby("lesion")[["diameter_mm", "suv_max"]].first()
    return scans


def _pair(own: dict[int, pd.DataFrame], before: list[int], after: list[int]) -> pd.DataFrame:
    """Last scan before and first scan after a therapy, one row a lesion; a lesion without `mm_before` is new."""
    return own[max(before)].join(own[min(after)], how="outer", lsuffix="_before", rsuffix="_after")


def _change(pair: pd.DataFrame) -> np.ndarray:
    known = pair.dropna(subset=["diameter_mm_before"])
    return (100 * (known["diameter_mm_after"] / known["diameter_mm_before"] - 1)).to_numpy()


def _patient_response(pair: pd.DataFrame) -> str:
    known = pair.dropna(subset=["diameter_mm_before"])
    total = 100 * (known["diameter_mm_after"].sum() / known["diameter_mm_before"].sum() - 1)
    return response(float(total), new_lesion=len(known) < len(pair))


def _responses(therapy: str, pairs: dict[str, pd.DataFrame]) -> Values:
    names = [_patient_response(pair) for pair in pairs.values()]
    several = [change for change in map(_change, pairs.values()) if len(change) > 1]
    best, worst = np.array([c.min() for c in several]), np.array([c.max() for c in several])
    test = signed_rank(worst - best)
    p = 1.0 if test is None else test.p_spss
    found: Values = {f"resp.{therapy}.{n}": (100 * names.count(n) / len(names),) for n in NAMES}
    found |= {f"resp.{therapy}.best": (median(best),), f"resp.{therapy}.worst": (median(worst),)}
    return found | {f"resp.{therapy}.best_worst_p": (p,), f"resp.{therapy}.best_worst_sig": (float(p < ALPHA),)}


def _uptake(people: pd.DataFrame, lu: dict[str, pd.DataFrame], after_sirt: dict[str, pd.DataFrame]) -> Values:
    gallium = [pair for key, pair in lu.items() if people["tracer"][key] == "ga68_psma_11"]
    known = pd.concat([pair.dropna(subset=["diameter_mm_before", "suv_max_before"]) for pair in gallium])
    labels = np.array([response(float(change)) for change in _change(known)])
    suv = known["suv_max_before"].to_numpy()
    found: Values = {f"suv.{name}": (median(suv[labels == name]),) for name in NAMES}
    found["suv.p"] = (kruskal_p(suv, np.where(labels == "pd", "pd", "rest")),)
    change = [median((100 * (p["suv_max_after"] / p["suv_max_before"] - 1)).to_numpy()) for p in after_sirt.values()]
    return found | {"resp.sirt.psma": (median(np.array(change)), min(change), max(change))}


def _groups(
    people: pd.DataFrame, members: pd.Index, lu: dict[str, pd.DataFrame], after_sirt: dict[str, pd.DataFrame]
) -> Values:
    numbers = {
        "n.subgroup": len(members),
        "n.subgroup_lu": len(lu),
        "n.subgroup_sirt": len(after_sirt),
        "n.subgroup_multi": sum(len(_change(pair)) > 1 for pair in lu.values()),
        "n.subgroup_68ga": sum(people["tracer"][key] == "ga68_psma_11" for key in lu),
    }
    return {id: (float(n),) for id, n in numbers.items()}


def _stories(
    lu: dict[str, pd.DataFrame],
    after_sirt: dict[str, pd.DataFrame],
    frames: Frames,
    scans: dict[tuple[str, int], pd.DataFrame],
) -> Values:
    """Cycles of patient 6 (smaller lesions in between, progressive at last) and of patient 1; patient 3's order."""
    days = frames["cycles"].groupby("key")["day"].agg(list)
    status = frames["disease_status"]
    elsewhere = status[status["site"].eq("extrahepatic")].sort_values("day").groupby("key")["category"].agg(list)
    rebound, first = [], []
    for key, pair in lu.items():
        between = [day for (k, day) in scans if k == key and 0 < day < max(days[key])]
        progressive = _patient_response(pair) == "pd"
        start = pair["diameter_mm_before"].sum()
        if progressive and any(scans[key, day]["diameter_mm"].sum() < start for day in between):
            rebound.append(len(days[key]))
        responding = key in after_sirt and _patient_response(after_sirt[key]) == "pr"
        if progressive and responding and "improved" in elsewhere[key] and elsewhere[key][-1] == "progressive":
            first.append(len(days[key]))
    reversed_order = [key for key in after_sirt if key not in lu]
    single = {"case.p6.cycles": rebound, "case.p1.cycles": first}
    found: Values = {id: (float(n[0]) if len(n) == 1 else float("nan"),) for id, n in single.items()}
    return found | {"case.p3.order": (float(len(reversed_order) == 1),)}
