"""Liver lesions of the imaging subgroup: diameters and SUVmax that give the printed responses.

Nine patients are judged after 177Lu-PSMA, seven of them with several lesions; four are judged after SIRT. Diameters
are whole millimetres, SUVmax has one decimal. The reference of SIRT is the restaging scan before it (Figure 1B); for the
patient who had SIRT first it is the baseline scan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from adapters.synthetic.search.climb import climb
from adapters.synthetic.search.statistics import Floats, kruskal_p, median
from adapters.synthetic.search.targets import targets, window

PROGRESSIVE_PCT, PARTIAL_PCT = 20.0, -30.0  # Response Evaluation
NAMES = {"pd": "progressive", "sd": "stable", "pr": "partial_response"}
SMALLEST_MM, LARGEST_MM = 10.0, 95.0


@dataclass(frozen=True, slots=True)
class Scans:
    """Diameters in mm of the lesions of several patients before and after a therapy; `owner` is the patient's place."""

    owner: np.ndarray
    before: Floats
    after: Floats

    def percent(self) -> Floats:
        """Change of each lesion in percent."""
        return 100 * (self.after - self.before) / self.before

    def sums_percent(self) -> Floats:
        """Change of the sum of diameters of each patient in percent."""
        before = np.bincount(self.owner, weights=self.before)
        return 100 * (np.bincount(self.owner, weights=self.after) - before) / before

    def best_and_worst(self) -> tuple[Floats, Floats]:
        """Lowest and highest change of each patient with several lesions."""
        percent = self.percent()
        several = [percent[self.owner == i] for i in np.unique(self.owner) if (self.owner == i).sum() > 1]
        return np.array([p.min() for p in several]), np.array([p.max() for p in several])


def response(percent: float, new_lesion: bool = False) -> str:
    """The paper's category of one change (limits count); a new lesion is progression."""
    if new_lesion or percent >= PROGRESSIVE_PCT - 1e-9:
        return "pd"
    return "pr" if percent <= PARTIAL_PCT + 1e-9 else "sd"


def lesion_search(
    therapy: str, owner: np.ndarray, before: Floats, wanted: list[str], new: list[bool], rng: np.random.Generator
) -> Scans:
    """Diameters after `therapy` ("lu" or "sirt") from the sizes `before`, movable unless they are already fixed.

    wanted[i], new[i]: response of patient i and whether a new lesion settles it. Raises NotFoundError.
    """
    best, worst = targets()[f"resp.{therapy}.best"], targets()[f"resp.{therapy}.worst"]
    movable = therapy == "lu"

    def penalty(scans: Scans) -> float:
        low, high = scans.best_and_worst()
        missing = best.miss(median(low)) / 10 + worst.miss(median(high)) / 10
        missing += _spread_penalty(therapy, scans.percent())
        for change, name, has_new in zip(scans.sums_percent(), wanted, new, strict=True):
            missing += _class_miss(change, name, has_new)
        return missing

    def propose(scans: Scans, rng: np.random.Generator) -> Scans:
        i, before, after = rng.integers(len(owner)), scans.before.copy(), scans.after.copy()
        if movable and rng.random() < 0.3:
            before[i] = np.clip(before[i] + rng.integers(-4, 5), SMALLEST_MM + 1, LARGEST_MM)
        after[i] = np.clip(round(after[i] + rng.normal(0, rng.choice([1.5, 8.0]))), 4, 130)
        return replace(scans, before=before, after=after)

    shift = {"pd": 1.35, "sd": 0.95, "pr": 0.6}
    factor = np.array([shift["sd" if new[i] else wanted[i]] for i in owner])
    start = Scans(owner, before, np.maximum(4, (before * factor * np.exp(rng.normal(0, 0.3, len(owner)))).round()))
    return climb(start, propose, penalty, rng, steps=8000)


def _class_miss(change: float, wanted: str, has_new: bool) -> float:
    """Distance in steps of 10 % from the sizes that give the wanted response; half a percent clear of the limits."""
    low, high = {"pd": (20.5, 130.0), "sd": (-29.5, 19.5), "pr": (-85.0, -30.5)}["sd" if has_new else wanted]
    return max(low - change, change - high, 0.0) / 10


def _spread_penalty(therapy: str, percent: Floats) -> float:
    """177Lu-PSMA: six lesions of each response, so that SUV groups can differ; nothing beyond -75 and +170 (+12) %."""
    highest = 170 if therapy == "lu" else 12
    missing = (np.clip(percent - highest, 0, None) + np.clip(-75 - percent, 0, None)).sum() / 50
    if therapy == "lu":
        classes = [response(p) for p in percent]
        missing += sum(max(0, 6 - classes.count(name)) for name in NAMES) / 2
    return float(missing)


def baseline_suv(classes: list[str], counted: np.ndarray, rng: np.random.Generator) -> Floats:
    """Baseline SUVmax of each lesion: the printed medians by response over the `counted` (68Ga) lesions, P < 0.005.

    Not-counted lesions follow the same distributions. Raises NotFoundError.
    """
    labels = np.array(classes)
    centre = np.array([targets()[f"suv.{name}"].number for name in classes])
    width = np.where(labels == "pd", 0.45, 0.35)
    start = np.clip(centre * np.exp(rng.normal(0, width)), 2.1, 58).round(1)

    def penalty(suv: Floats) -> float:
        missing = sum(targets()[f"suv.{n}"].miss(median(suv[(labels == n) & counted])) for n in NAMES)
        return missing / 10 + (not uptake_differs(suv[counted], labels[counted]))

    def propose(suv: Floats, rng: np.random.Generator) -> Floats:
        changed, i = suv.copy(), rng.integers(len(suv))
        drawn = suv[i] + rng.normal(0, 0.3) if rng.random() < 0.5 else centre[i] * np.exp(rng.normal(0, width[i]))
        changed[i] = np.clip(round(drawn, 1), 2.1, 58)
        return changed

    return climb(start, propose, penalty, rng)


def uptake_differs(suv: Floats, labels: np.ndarray) -> bool:
    """Whether both readings of the printed test (progressive against others; three groups) give P < 0.005."""
    limit = targets()["suv.p"].number
    progressive = np.where(labels == "pd", "pd", "rest")
    return kruskal_p(suv, progressive) < limit and kruskal_p(suv, labels) < limit


def uptake_after_sirt(owner: np.ndarray, before: Floats, rng: np.random.Generator) -> Floats:
    """SUVmax after SIRT: the median change over patients (each the median of its lesions) and the range as printed."""
    printed = targets()["resp.sirt.psma"]
    half_gap = rng.uniform(2, 35)
    levels = [float(printed.upper), printed.number + half_gap, printed.number - half_gap, float(printed.lower)]
    level = rng.permutation(levels)[owner]
    after = np.maximum(0.8, before * (1 + (level + rng.normal(0, 4, len(owner))) / 100)).round(1)

    def penalty(suv: Floats) -> float:
        change = 100 * (suv - before) / before
        patients = np.array([median(change[owner == i]) for i in np.unique(owner)])
        frames = (window(printed.value), window(printed.lower), window(printed.upper))
        summary = (median(patients), patients.min(), patients.max())
        return sum(frame.miss(x) for frame, x in zip(frames, summary, strict=True)) / 10

    def propose(suv: Floats, rng: np.random.Generator) -> Floats:
        changed, i = suv.copy(), rng.integers(len(suv))
        changed[i] = max(0.8, round(suv[i] + rng.normal(0, rng.choice([0.2, 1.5])), 1))
        return changed

    return climb(after, propose, penalty, rng)
