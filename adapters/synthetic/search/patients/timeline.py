"""When each patient was treated and imaged and how long observed: survival, cycles, SIRT and scans put together.

The stories of the paper: patient 1 (four cycles, then SIRT), patient 3 (SIRT before 177Lu-PSMA), patient 6 (six cycles,
a scan after four). P01 to P10 form the imaging subgroup, P01 to P04 and P11 had SIRT.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from adapters.synthetic.search.climb import NotFoundError, again
from adapters.synthetic.search.patients.survival import Arm, survival_arms
from adapters.synthetic.search.patients.table1 import Ints, activities, cycle_counts, spans
from adapters.synthetic.search.targets import targets, window

LU_SUBGROUP = ("P05", "P06", "P07", "P08", "P09", "P10")
SIRT_KEYS = ("P01", "P02", "P03", "P04", "P11")
LU_KEYS = (*LU_SUBGROUP, *(f"P{i:02d}" for i in range(12, 37)))
SIRT_FIRST, SIX_CYCLES, FOUR_CYCLES, SIRT_NOT_IMAGED = "P03", "P06", "P01", "P11"
WORKUP_LEAD_DAYS = 14  # 99mTc-MAA two weeks before SIRT
RESTAGING_DELAY_DAYS = 24  # from the last cycle, at least
LONG_PAUSE_DAYS = 140  # the wide interval of the + SIRT column needs one patient with long pauses
LAST_VISIT_DAYS = 10  # from the last cycle to the end of observation, at least


@dataclass
class Person:
    """One patient: days relative to the first 177Lu-PSMA; None where something did not happen."""

    key: str
    role: str = "lu"
    survival: int = 0
    died: bool = True
    cycle_days: list[int] = field(default_factory=list)
    activities: list[float] = field(default_factory=list)
    baseline_day: int = -1
    baseline_scan: int = -14
    mid_scan: int | None = None
    restaging: int | None = None
    workup: int | None = None
    sirt: int | None = None
    final_scan: int | None = None
    tracer: str = "ga68_psma_11"
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def in_subgroup(self) -> bool:
        """Whether PET exists before and after therapy."""
        return self.key in LU_SUBGROUP or (self.key in SIRT_KEYS and self.key != SIRT_NOT_IMAGED)

    @property
    def last_therapy(self) -> int:
        """Day of the last cycle or SIRT."""
        return max([*self.cycle_days, *([self.sirt] if self.sirt is not None else [])])


def study_patients(rng: np.random.Generator) -> list[Person]:
    """The 36 patients, 177Lu-PSMA alone first, with all therapy and imaging days. Raises NotFoundError."""
    lu, sirt = survival_arms(rng)
    follow_up = _sirt_follow_up(rng)

    def courses() -> tuple[list[Person], Ints, Ints]:
        counts = cycle_counts(rng)
        people = _lu_people(lu, counts[0], rng) + _sirt_people(sirt, counts[1], follow_up, rng)
        cycles = np.array([p.facts["cycles"] for p in people], dtype=np.int64)
        longest = np.array([p.survival - _days_needed_after(p, follow_up) for p in people])
        is_sirt = np.array([p.role == "lu_sirt" for p in people])
        return people, longest, spans(cycles, longest, is_sirt, rng)

    people, longest, span_days = again(courses, times=6)
    cycles = np.array([p.facts["cycles"] for p in people], dtype=np.int64)
    is_sirt = np.array([p.role == "lu_sirt" for p in people])
    given = activities(cycles, is_sirt, rng)
    for person, span, gbq, room in zip(people, span_days, given, longest - span_days, strict=True):
        person.cycle_days = _cycle_days(int(span), int(person.facts.pop("cycles")), rng)  # type: ignore[call-overload]
        person.activities = [float(x) for x in gbq]
        _place_scans(person, follow_up, int(room), rng)
    return people


def _sirt_follow_up(rng: np.random.Generator) -> dict[str, int]:
    """Days from SIRT to the final scan of the four evaluable patients: mean and range as printed."""
    printed = targets()["resp.sirt.followup"]
    low, high, mean = window(printed.lower), window(printed.upper), window(printed.value)
    keys = [k for k in SIRT_KEYS if k != SIRT_NOT_IMAGED]
    for _ in range(1000):
        days = [round(7 * rng.uniform(low.low + 0.1, low.high - 0.1)), round(7 * rng.uniform(high.low + 0.1, 13.4))]
        days += [int(d) for d in rng.integers(30, 90, len(keys) - 2)]
        if mean.holds(sum(days) / len(days) / 7):
            return dict(zip(keys, (int(d) for d in rng.permutation(days)), strict=True))
    raise NotFoundError("no follow-up times fit")


def _days_needed_after(person: Person, follow_up: dict[str, int]) -> int:
    """Days that must remain between the last cycle and the end of observation."""
    if person.key in LU_SUBGROUP:
        return RESTAGING_DELAY_DAYS + LAST_VISIT_DAYS
    if person.role == "lu_sirt" and person.key != SIRT_FIRST:
        return RESTAGING_DELAY_DAYS + 1 + WORKUP_LEAD_DAYS + follow_up.get(person.key, LAST_VISIT_DAYS) + 5
    return LAST_VISIT_DAYS


def _lu_people(arm: Arm, cycles: Ints, rng: np.random.Generator) -> list[Person]:
    """Cycles go to patients who live long enough; then the subgroup is drawn from those who could be imaged again."""
    days, events = arm.days, arm.events
    left, pairs = list(range(len(days))), []
    for count in cycles:
        able = [i for i in left if days[i] >= 50 * (count - 1) + LAST_VISIT_DAYS + 4]
        if not able:
            raise NotFoundError("nobody lives long enough for the cycles")
        chosen = int(rng.choice(able))
        left.remove(chosen)
        pairs.append((chosen, int(count)))
    imaged = [(i, c) for i, c in pairs if c > 1 and days[i] >= 50 * (c - 1) + 60]
    six = [pair for pair in imaged if pair[1] == 6]
    others = [pair for pair in imaged if pair[1] != 6]
    if not six or len(others) < len(LU_SUBGROUP) - 1:
        raise NotFoundError("nobody fits the story of patient 6")
    subgroup = [others[i] for i in rng.permutation(len(others))[: len(LU_SUBGROUP) - 1]]
    subgroup.insert(LU_SUBGROUP.index(SIX_CYCLES), six[rng.integers(len(six))])
    rest = [pair for pair in pairs if pair not in subgroup]
    ordered = subgroup + [rest[i] for i in rng.permutation(len(rest))]
    return [_person(key, "lu", days[i], events[i], c) for key, (i, c) in zip(LU_KEYS, ordered, strict=True)]


def _person(key: str, role: str, days: float, died: bool, cycles: int) -> Person:
    return Person(key, role, survival=int(days), died=bool(died), facts={"cycles": int(cycles)})


def _sirt_people(arm: Arm, cycles: Ints, follow_up: dict[str, int], rng: np.random.Generator) -> list[Person]:
    """Patient 1 has four cycles; who else has, and who lives how long, is drawn until therapy and follow-up fit in."""
    days, events = arm.days, arm.events
    for _ in range(200):
        order = rng.permutation(len(days))
        counts = [cycles[0], *rng.permutation(cycles[1:])]
        people = [
            _person(k, "lu_sirt", days[i], events[i], c) for k, i, c in zip(SIRT_KEYS, order, counts, strict=True)
        ]
        rooms = [p.survival - _days_needed_after(p, follow_up) for p in people]
        gaps = [room / (c - 1) for room, c in zip(rooms, counts, strict=True)]
        if min(gaps) >= 40 and max(gaps) >= LONG_PAUSE_DAYS:
            return people
    raise NotFoundError("SIRT and its follow-up do not fit into the survival times")


def _cycle_days(span: int, cycles: int, rng: np.random.Generator) -> list[int]:
    """Day 0 and the later cycles, `span` days in all, gaps alike but for a few days."""
    if cycles == 1:
        return [0]
    even = np.linspace(0, span, cycles)
    jitter = np.zeros(cycles)
    jitter[1:-1] = rng.integers(-4, 5, cycles - 2)
    return [int(d) for d in (even + jitter).round()]


def _place_scans(person: Person, follow_up: dict[str, int], room: int, rng: np.random.Generator) -> None:
    """Baseline scan, restaging after the last cycle, work-up, SIRT and final scan; `room`: days to spare."""
    last = person.cycle_days[-1]
    person.baseline_day, person.baseline_scan = -int(rng.integers(0, 4)), -int(rng.integers(6, 29))
    spare = int(rng.integers(0, min(room, 24) + 1))
    if person.key == SIRT_FIRST:
        person.sirt = -(follow_up[person.key] + int(rng.integers(9, 36)))
        person.workup = person.sirt - WORKUP_LEAD_DAYS
        person.final_scan = person.sirt + follow_up[person.key]
        person.baseline_scan = person.workup - int(rng.integers(3, 15))
    elif person.role == "lu_sirt":
        person.restaging = last + RESTAGING_DELAY_DAYS + spare // 2
        person.workup = person.restaging + 1 + spare - spare // 2
        person.sirt = person.workup + WORKUP_LEAD_DAYS
        person.final_scan = person.sirt + follow_up[person.key] if person.key in follow_up else None
    elif person.key in LU_SUBGROUP:
        person.restaging = last + RESTAGING_DELAY_DAYS + spare
    if person.key == SIX_CYCLES:
        gap = person.cycle_days[4] - person.cycle_days[3]
        person.mid_scan = person.cycle_days[3] + int(rng.integers(gap * 2 // 3, gap - 3))
