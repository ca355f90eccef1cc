"""Who the patients are: body, ECOG, Gleason score, sites of metastases, earlier therapy, with the printed counts."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from adapters.synthetic.search.climb import NotFoundError
from adapters.synthetic.search.patients.timeline import LU_SUBGROUP, SIRT_FIRST, SIRT_KEYS, Person
from adapters.synthetic.search.targets import count, targets, window

ARM_OF = {"lu": "lu", "lu_sirt": "lu_sirt"}
SITES = {"bone": "bone", "node": "lymph_node", "lung": "lung", "other": "other"}
DRUGS = ("docetaxel", "cabazitaxel")
FIRST_DATE, LAST_DATE, TRACER_SWITCH = date(2014, 12, 2), date(2018, 6, 28), date(2017, 6, 1)
F18_PATIENTS = (SIRT_FIRST, "P09")  # two of the ten were imaged with 18F-PSMA-1007; patient 3 is not in the eight
GLEASON_SHARES = {6: 0.04, 7: 0.24, 8: 0.34, 9: 0.31, 10: 0.07}


def describe(people: list[Person], rng: np.random.Generator) -> None:
    """Fill `facts` of the 36 patients in place. Raises NotFoundError."""
    scores = _gleason([p.role == "lu_sirt" for p in people], rng)
    for role in ARM_OF:
        members = [p for p in people if p.role == role]
        _flag_arm(role, members, rng)
    for person, score in zip(people, scores, strict=True):
        person.facts["gleason"] = score
        person.facts["date"] = _calendar_day(person, rng)
        person.tracer = tracer_on(person.facts["date"])
        _body(person, rng)


def tracer_on(day: object) -> str:
    """The tracer in use on a calendar day: the department switched once (Imaging)."""
    return "f18_psma_1007" if isinstance(day, date) and day >= TRACER_SWITCH else "ga68_psma_11"


def _flag_arm(role: str, members: list[Person], rng: np.random.Generator) -> None:
    frailty = np.argsort(np.argsort([p.survival + rng.normal(0, 120) for p in members]))
    by_frailty = [members[i] for i in np.argsort(frailty)]
    worst, middle = count(f"t1.ecog3.{role}"), count(f"t1.ecog2.{role}")
    for place, person in enumerate(by_frailty):
        person.facts["ecog"] = (
            3 if place < worst else 2 if place < worst + middle else int(rng.choice([0, 1], p=[0.35, 0.65]))
        )
    for short, site in SITES.items():
        _mark(members, f"site_{site}", count(f"t1.{short}.{role}"), rng)
    for drug in DRUGS:
        _mark(members, drug, count(f"t1.{drug}.{role}"), rng)
    _mark(members, "ra223", count(f"t1.ra223.{role}"), rng)
    _mark([p for p in members if p.facts["site_bone"]], "ebrt", count(f"t1.ebrt_bone.{role}"), rng)
    _hormonal_agents(role, members, rng)


def _mark(members: list[Person], fact: str, number: int, rng: np.random.Generator) -> None:
    chosen = set(rng.permutation(len(members))[:number].tolist())
    for i, person in enumerate(members):
        person.facts[fact] = i in chosen


def _hormonal_agents(role: str, members: list[Person], rng: np.random.Generator) -> None:
    """Abiraterone and enzalutamide with the printed numbers of each and of both."""
    both = count(f"t1.abi_enza.{role}")
    only_abiraterone = count(f"t1.abiraterone.{role}") - both
    only_enzalutamide = count(f"t1.enzalutamide.{role}") - both
    for place, i in enumerate(rng.permutation(len(members))):
        members[i].facts["abiraterone"] = place < both + only_abiraterone
        late = both + only_abiraterone <= place < both + only_abiraterone + only_enzalutamide
        members[i].facts["enzalutamide"] = place < both or late


def _gleason(is_sirt: list[bool], rng: np.random.Generator) -> list[int]:
    """Scores whose medians are printed alike in both arms and together."""
    sirt = np.array(is_sirt)
    for _ in range(500):
        scores = rng.choice(list(GLEASON_SHARES), len(sirt), p=list(GLEASON_SHARES.values()))
        arms = {"lu": scores[~sirt], "lu_sirt": scores[sirt], "all": scores}
        if all(np.median(x) == targets()[f"t1.gleason.{arm}"].number for arm, x in arms.items()):
            return [int(s) for s in scores]
    raise NotFoundError("no Gleason scores fit")


def _calendar_day(person: Person, rng: np.random.Generator) -> date:
    """A working day of the first cycle; the imaging subgroup lies on the side of the change of tracers that it needs."""
    low, high = FIRST_DATE, LAST_DATE
    if person.key in F18_PATIENTS:
        low = TRACER_SWITCH + timedelta(days=60)
    elif person.key in (*LU_SUBGROUP, *SIRT_KEYS):
        high = date(2016, 10, 1)
    day = low + timedelta(days=int(rng.integers(0, (high - low).days)))
    return day - timedelta(days=max(0, day.weekday() - 3))


def _body(person: Person, rng: np.random.Generator) -> None:
    height = float(np.clip(rng.normal(176.5, 6.5), 161, 193).round())
    person.facts["height_cm"] = height
    person.facts["weight_kg"] = float((np.clip(rng.normal(26.3, 3.2), 19.5, 35.5) * (height / 100) ** 2).round(1))


def sirt_facts(people: list[Person], rng: np.random.Generator) -> None:
    """Activity, lung shunt and volumes of those who had SIRT: mean activity and range as printed. Raises NotFoundError.

    Activity follows body surface area and tumour share (EANM 2011: BSA - 0.2 + share); the smallest one is reduced for
    its lung shunt. A larger body goes with a larger activity.
    """
    treated = [p for p in people if p.role == "lu_sirt"]
    printed = targets()["tx.sirt_activity"]
    for _ in range(2000):
        middle = rng.uniform(2.1, float(printed.upper), len(treated) - 2)
        given = np.concatenate([[float(printed.lower)], middle, [float(printed.upper)]]).round(2)
        given[[0, -1]] += rng.integers(-4, 5, 2) / 100
        summary = (given.mean(), given.min(), given.max())
        frames = (window(printed.value), window(printed.lower), window(printed.upper))
        if all(frame.holds(x) for frame, x in zip(frames, summary, strict=True)):
            break
    else:
        raise NotFoundError("no SIRT activities fit")
    for person, gbq in zip((treated[i] for i in rng.permutation(len(treated))), given, strict=True):
        _sirt_plan(person, float(round(gbq, 2)), bool(gbq == given.min()), rng)


def _sirt_plan(person: Person, gbq: float, is_reduced: bool, rng: np.random.Generator) -> None:
    planned = gbq / 0.8 if is_reduced else gbq * rng.uniform(0.97, 1.03)
    share = float(np.clip(planned - 1.85 + rng.normal(0, 0.04), 0.05, 0.42))
    surface = planned + 0.2 - share
    height = float(np.clip(np.rint(172 + 38 * (surface - 1.85) + rng.normal(0, 2)), 163, 196))
    person.facts["height_cm"] = height
    person.facts["weight_kg"] = round((surface / (0.007184 * height**0.725)) ** (1 / 0.425), 1)  # Du Bois 1916
    liver = float(np.rint(rng.uniform(1500, 2300)))
    shunt = rng.uniform(10.5, 14.5) if is_reduced else rng.uniform(2, 8.5)
    person.facts |= {
        "sirt_gbq": gbq,
        "lung_shunt_pct": round(float(shunt), 1),
        "liver_volume_ml": liver,
        "tumour_volume_ml": float(np.rint(liver * share)),
    }
