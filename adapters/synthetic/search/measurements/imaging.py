"""Liver lesions of every patient: which there are, when they were measured, and what was found."""

from __future__ import annotations

import numpy as np

from adapters.synthetic.search.climb import again
from adapters.synthetic.search.measurements.lesions import (
    baseline_suv,
    lesion_search,
    response,
    uptake_after_sirt,
)
from adapters.synthetic.search.patients.timeline import FOUR_CYCLES, SIRT_FIRST, SIX_CYCLES, Person
from adapters.synthetic.search.statistics import Floats

SINGLE_LESION = ("P08", "P10")  # seven of the nine had several liver metastases
SEGMENTS = ("II", "III", "IVa", "IVb", "V", "VI", "VII", "VIII")
FOLLOW_UP_SHARE = 0.4  # of the other patients: CT after therapy, no PET

Row = dict[str, object]
Rows = dict[str, list[Row]]


def lesion_rows(people: list[Person], rng: np.random.Generator) -> Rows:
    """Rows of lesions.csv, lesion_measurements.csv and the scans in procedures.csv; fills the response to 177Lu-PSMA and
    SIRT into `facts`. Raises NotFoundError.
    """
    rows: Rows = {"lesions": [], "lesion_measurements": [], "procedures": []}
    subgroup = {p.key: p for p in people if p.in_subgroup}
    _subgroup_rows(subgroup, rows, rng)
    for person in people:
        if not person.in_subgroup:
            _other_rows(person, rows, rng)
    return rows


def _subgroup_rows(subgroup: dict[str, Person], rows: Rows, rng: np.random.Generator) -> None:
    judged = [k for k in sorted(subgroup) if k != SIRT_FIRST]
    counts = [1 if k in SINGLE_LESION else int(rng.integers(2, 5)) for k in judged]
    owner = np.repeat(np.arange(len(judged)), counts)
    wanted, new = _responses_to_lu(judged, subgroup, rng)
    lu = again(lambda: lesion_search("lu", owner, _sizes(len(owner), rng), wanted, new, rng), times=8)
    counted = np.array([subgroup[judged[i]].tracer == "ga68_psma_11" for i in owner])
    suv = baseline_suv([response(p) for p in lu.percent()], counted, rng)
    suv_after = np.maximum(0.9, suv * np.exp(rng.normal(-0.3, 0.35, len(suv)))).round(1)
    for place, key in enumerate(judged):
        mine = owner == place
        person, side = subgroup[key], rng.choice(["ct", "mri"])
        _lesions(rows, key, int(mine.sum()), rng)
        _scan(rows, person, person.baseline_scan, side, (lu.before[mine], suv[mine]), rng)
        if person.mid_scan is not None:
            _mid_scan(rows, person, side, (lu.before[mine], suv[mine]), rng)
        extra = _new_lesion(rows, key, int(mine.sum()), rng) if new[place] else []
        sizes, uptake = [*lu.after[mine], *extra], [*suv_after[mine], *(round(rng.uniform(2.5, 7), 1) for _ in extra)]
        _scan(rows, person, _day(person.restaging), side, (np.array(sizes), np.array(uptake)), rng)
        person.facts |= {
            "response": "pd" if new[place] else wanted[place],
            "sizes": sizes,
            "uptake": uptake,
            "side": side,
        }
    _sirt_rows(subgroup, rows, rng)


def _day(day: int | None) -> int:
    if day is None:
        raise ValueError("the scan has no day")
    return day


def _responses_to_lu(
    keys: list[str], subgroup: dict[str, Person], rng: np.random.Generator
) -> tuple[list[str], list[bool]]:
    """Five of nine progressive: those who went on to SIRT, patient 6, and one more, at times by a new lesion."""
    sure = {k for k in keys if subgroup[k].role == "lu_sirt"} | {SIX_CYCLES}
    rest = [k for k in keys if k not in sure]
    fifth = str(rng.choice(rest))
    by_new = bool(rng.random() < 0.5)
    return ["pd" if k in sure or k == fifth else "sd" for k in keys], [by_new and k == fifth for k in keys]


def _sizes(n: int, rng: np.random.Generator) -> Floats:
    return np.clip((27 * np.exp(rng.normal(0, 0.38, n))).round(), 12, 80)


def _lesions(rows: Rows, key: str, n: int, rng: np.random.Generator, first: int = 1) -> None:
    segments = rng.permutation(SEGMENTS)
    for i in range(n):
        lesion = {"lesion": f"L{first + i}", "organ": "liver", "segment": str(segments[i % len(SEGMENTS)])}
        rows["lesions"].append({"key": key, **lesion, "hypervascular": True})


def _new_lesion(rows: Rows, key: str, known: int, rng: np.random.Generator) -> list[float]:
    _lesions(rows, key, 1, rng, first=known + 1)
    return [float(rng.integers(11, 20))]


def _scan(
    rows: Rows,
    person: Person,
    day: int,
    side: str,
    lesions: tuple[Floats, Floats | None],
    rng: np.random.Generator,
) -> None:
    """PET/CT or PET/MRI of one day; a third of the MRI are done apart, one or two days before the PET.

    `day` is that of the diameters: it is what time to follow-up counts. `lesions`: diameters (mm), and SUVmax if there
    was a PET; both have the shape (lesions,).
    """
    mm, suv = lesions
    apart = side == "mri" and suv is not None and rng.random() < 0.33
    pet_day = day + int(rng.integers(1, 3)) if apart else day
    rows["procedures"].append(_procedure(person.key, str(side), day))
    if suv is not None:
        rows["procedures"].append(_procedure(person.key, "psma_pet", pet_day, person.tracer))
    for i, size in enumerate(mm):
        entry: Row = {"key": person.key, "lesion": f"L{i + 1}", "day": day, "diameter_mm": float(size)}
        uptake = None if suv is None else float(suv[i])
        rows["lesion_measurements"].append({**entry, "suv_max": None if apart else uptake, "modality": str(side)})
        if apart:
            entry |= {"day": pet_day, "diameter_mm": None, "suv_max": uptake, "modality": "pet"}
            rows["lesion_measurements"].append(entry)


def _procedure(key: str, procedure: str, day: int, tracer: str = "", site: str = "") -> Row:
    return {"key": key, "procedure": procedure, "day": day, "site": site, "tracer": tracer}


def _mid_scan(rows: Rows, person: Person, side: str, baseline: tuple[Floats, Floats], rng: np.random.Generator) -> None:
    """Patient 6: all metastases smaller after four cycles (Figure 2B). `baseline`: diameters (mm) and SUVmax."""
    mm, suv = baseline
    smaller = np.maximum(8, (mm * rng.uniform(0.62, 0.85, len(mm))).round())
    uptake = (suv * rng.uniform(0.5, 0.9, len(suv))).round(1)
    _scan(rows, person, _day(person.mid_scan), side, (smaller, uptake), rng)


def _sirt_rows(subgroup: dict[str, Person], rows: Rows, rng: np.random.Generator) -> None:
    treated = [p for p in subgroup.values() if p.role == "lu_sirt"]
    first = subgroup[SIRT_FIRST]
    n = int(rng.integers(2, 5))
    sizes, uptake = _sizes(n, rng), np.clip(14 * np.exp(rng.normal(0, 0.4, n)), 3, 45).round(1)
    first.facts |= {"sizes": list(sizes), "uptake": list(uptake), "side": rng.choice(["ct", "mri"])}
    _lesions(rows, first.key, n, rng)
    _scan(rows, first, first.baseline_scan, str(first.facts["side"]), (sizes, uptake), rng)
    before = [np.array(p.facts["sizes"], dtype=float) for p in treated]
    suv = np.concatenate([np.array(p.facts["uptake"], dtype=float) for p in treated])
    owner = np.repeat(np.arange(len(treated)), [len(b) for b in before])
    stable = str(rng.choice([p.key for p in treated if p.key != FOUR_CYCLES]))
    wanted = ["sd" if p.key == stable else "pr" for p in treated]
    new = [False] * len(treated)
    lesions = again(lambda: lesion_search("sirt", owner, np.concatenate(before), wanted, new, rng), times=8)
    suv_after = again(lambda: uptake_after_sirt(owner, suv, rng), times=8)
    for place, person in enumerate(treated):
        mine, day = owner == place, _day(person.final_scan)
        _scan(rows, person, day, str(person.facts["side"]), (lesions.after[mine], suv_after[mine]), rng)
        person.facts["sirt_response"] = wanted[place]


def _other_rows(person: Person, rows: Rows, rng: np.random.Generator) -> None:
    """Patients outside the subgroup: PET before therapy, at most CT or MRI after it."""
    n = int(rng.choice([1, 2, 3, 4, 5, 6], p=[0.15, 0.22, 0.22, 0.17, 0.14, 0.10]))
    _lesions(rows, person.key, n, rng)
    sizes, side = _sizes(n, rng), str(rng.choice(["ct", "mri"], p=[0.75, 0.25]))
    uptake = np.clip(13 * np.exp(rng.normal(0, 0.6, n)), 2, 60).round(1)
    _scan(rows, person, person.baseline_scan, side, (sizes, uptake), rng)
    day = person.restaging if person.restaging is not None else person.last_therapy + int(rng.integers(28, 60))
    if person.role == "lu_sirt" or (day < person.survival - 3 and rng.random() < FOLLOW_UP_SHARE):
        shift = 0.28 if person.role == "lu_sirt" else rng.normal(0.1, 0.25)
        later = np.maximum(5, (sizes * np.exp(shift + rng.normal(0, 0.15, n))).round())
        _scan(rows, person, day, side, (later, None), rng)
        change = 100 * (later.sum() / sizes.sum() - 1)
        person.facts |= {"response": response(float(change)), "restaged": day}
