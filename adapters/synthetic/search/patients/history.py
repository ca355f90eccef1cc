"""Conditions, earlier drugs, other procedures and disease status of a patient, as rows of the cohort files."""

from __future__ import annotations

import numpy as np

from adapters.synthetic.search.patients.people import SITES
from adapters.synthetic.search.patients.timeline import FOUR_CYCLES, SIRT_FIRST, Person

Row = dict[str, object]
DRUG_DAYS = {  # how long before day 0 a line began, and how long it lasted, in days
    "docetaxel": ((400, 900), (70, 190)),
    "cabazitaxel": ((120, 330), (50, 110)),
    "abiraterone": ((350, 1000), (120, 330)),
    "enzalutamide": ((260, 800), (100, 250)),
}
RA223_GAP_DAYS = 28
SCINTIGRAPHY_DAYS = 2  # 48 hours after each cycle


def condition_rows(person: Person, rng: np.random.Generator) -> list[Row]:
    """Prostate cancer, castration resistance and metastases by site with the day they were first recorded."""
    start = -int(rng.integers(900, 4200))
    resistant = -int(rng.integers(260, min(-start - 30, 1500)))
    rows = [_condition(person, "prostate_cancer", "prostate", start)]
    rows.append(_condition(person, "castration_resistance", "none", resistant))
    if person.facts.get("site_liver", True):
        rows.append(_condition(person, "metastasis", "liver", person.baseline_scan - int(rng.integers(0, 150))))
    sites = [site for site in SITES.values() if person.facts.get(f"site_{site}")]
    rows += [_condition(person, "metastasis", s, person.baseline_scan - int(rng.integers(0, 900))) for s in sites]
    return rows


def _condition(person: Person, condition: str, site: str, day: int) -> Row:
    return {"key": person.key, "condition": condition, "site": site, "day": day}


def medication_rows(person: Person, rng: np.random.Generator) -> list[Row]:
    """Androgen deprivation, going on, and the earlier lines of the patient, ended before day 0."""
    rows: list[Row] = [{"key": person.key, "drug": "adt", "start_day": -int(rng.integers(800, 2600)), "end_day": None}]
    for drug, ((nearest, farthest), (short, long)) in DRUG_DAYS.items():
        if person.facts.get(drug):
            start = -int(rng.integers(nearest, farthest))
            end = min(start + int(rng.integers(short, long)), -30)
            rows.append({"key": person.key, "drug": drug, "start_day": start, "end_day": end})
    return rows


def procedure_rows(person: Person, rng: np.random.Generator) -> list[Row]:
    """223Ra injections, radiation to bone, scintigraphy after each cycle, angiography with the SIRT work-up."""
    rows: list[Row] = []
    earliest = min(person.baseline_scan, person.workup or 0)
    if person.facts.get("ra223"):
        n = int(rng.integers(3, 7))
        first = earliest - 60 - RA223_GAP_DAYS * (n - 1) - int(rng.integers(0, 200))
        rows += [_procedure(person, "ra223", first + RA223_GAP_DAYS * i, "none") for i in range(n)]
    if person.facts.get("ebrt"):
        rows.append(_procedure(person, "ebrt", earliest - int(rng.integers(40, 900)), "bone"))
    for day in person.cycle_days:
        rows.append(_procedure(person, "lu_scintigraphy", day + SCINTIGRAPHY_DAYS, "none"))
    if person.workup is not None:
        rows.append(_procedure(person, "angiography", person.workup, "liver"))
    return rows


def _procedure(person: Person, procedure: str, day: int, site: str) -> Row:
    return {"key": person.key, "procedure": procedure, "day": day, "site": site, "tracer": ""}


def status_rows(person: Person, rng: np.random.Generator) -> list[Row]:
    """Disease status of liver and extrahepatic disease at each restaging.

    Before SIRT the liver was progressive and the rest controlled; nobody else meets this rule (Patients). Patient 1 then
    had a responding liver and progressive extrahepatic disease (Figure 4).
    """
    if person.role == "lu_sirt":
        return _sirt_status(person)
    seen = person.facts.get("response")
    if seen is None:
        return []
    day = person.restaging if person.restaging is not None else person.facts["restaged"]
    liver = {"pd": "progressive", "sd": "stable", "pr": "improved"}[str(seen)]
    elsewhere = (
        "progressive" if seen == "pd" else str(rng.choice(["progressive", "stable", "improved"], p=[0.4, 0.4, 0.2]))
    )
    rows = []
    if person.mid_scan is not None:
        rows = _status(person, person.mid_scan, "improved", "stable")
    return rows + _status(person, day, liver, elsewhere)


def _sirt_status(person: Person) -> list[Row]:
    before = person.baseline_scan if person.key == SIRT_FIRST else person.restaging
    controlled = "improved" if person.key == FOUR_CYCLES else "stable"
    rows = _status(person, before, "progressive", controlled)
    if person.final_scan is not None:
        liver = {"pr": "improved", "sd": "stable"}[str(person.facts["sirt_response"])]
        rows += _status(person, person.final_scan, liver, "progressive" if person.key == FOUR_CYCLES else "stable")
    return rows


def _status(person: Person, day: object, liver: str, extrahepatic: str) -> list[Row]:
    sites = (("liver", liver), ("extrahepatic", extrahepatic))
    return [{"key": person.key, "day": day, "site": site, "category": category} for site, category in sites]
