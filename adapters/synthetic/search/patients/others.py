"""Patients whom the flow of the study leaves out: what the hospital has besides the 36.

X01 to X03: 177Lu-PSMA without liver metastases. X04: worked up for SIRT, not treated because of rapid progression; no
177Lu-PSMA, so days count from the work-up. X05 and X06: castration-resistant, no therapy; days count from a first visit.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from adapters.synthetic.search.patients.people import FIRST_DATE, LAST_DATE, tracer_on
from adapters.synthetic.search.patients.timeline import Person

NO_LIVER, REJECTED, NO_THERAPY = ("X01", "X02", "X03"), "X04", ("X05", "X06")


def other_patients(rng: np.random.Generator) -> list[Person]:
    """The six patients with all facts; nothing printed limits them but that one SIRT candidate was not treated."""
    people = [_no_liver(key, rng) for key in NO_LIVER]
    people.append(_rejected(rng))
    people += [_common(Person(key, "no_therapy", survival=int(rng.integers(60, 900))), rng) for key in NO_THERAPY]
    return people


def _common(person: Person, rng: np.random.Generator) -> Person:
    height = float(rng.integers(166, 188))
    person.died = bool(rng.random() < 0.6)
    person.facts |= {
        "age_days": int(rng.integers(58 * 365, 84 * 365)),
        "ecog": int(rng.choice([0, 1, 2], p=[0.35, 0.5, 0.15])),
        "gleason": int(rng.choice([7, 8, 9], p=[0.4, 0.35, 0.25])),
        "height_cm": height,
        "weight_kg": float(round(rng.uniform(22, 30) * (height / 100) ** 2, 1)),
        "date": _date(rng),
        "site_bone": True,
        "site_lymph_node": bool(rng.random() < 0.7),
        "site_liver": False,
    }
    for drug, share in (("docetaxel", 0.7), ("cabazitaxel", 0.2), ("abiraterone", 0.8), ("enzalutamide", 0.7)):
        person.facts[drug] = bool(rng.random() < share)
    person.tracer = tracer_on(person.facts["date"])
    return person


def _date(rng: np.random.Generator) -> date:
    day = FIRST_DATE + timedelta(days=int(rng.integers(0, (LAST_DATE - FIRST_DATE).days)))
    return day - timedelta(days=max(0, day.weekday() - 3))


def _no_liver(key: str, rng: np.random.Generator) -> Person:
    cycles, survival = int(rng.integers(2, 6)), int(rng.integers(380, 1000))
    person = _common(Person(key, "no_liver_metastases", survival=survival), rng)
    person.cycle_days = [0]
    for _ in range(cycles - 1):
        person.cycle_days.append(person.cycle_days[-1] + int(rng.integers(49, 61)))
    person.activities = [float(round(rng.uniform(5.8, 7.1), 2)) for _ in person.cycle_days]
    person.baseline_day, person.baseline_scan = -int(rng.integers(0, 4)), -int(rng.integers(6, 29))
    return person


def _rejected(rng: np.random.Generator) -> Person:
    person = _common(Person(REJECTED, "sirt_rejected", survival=int(rng.integers(50, 120)), died=True), rng)
    person.died = True
    person.workup, person.baseline_scan, person.baseline_day = 0, -int(rng.integers(5, 15)), -1
    person.facts |= {"site_liver": True, "sirt_gbq": None, "lung_shunt_pct": round(float(rng.uniform(4, 12)), 1)}
    person.facts |= {
        "liver_volume_ml": float(rng.integers(1700, 2400)),
        "tumour_volume_ml": float(rng.integers(350, 800)),
    }
    return person
