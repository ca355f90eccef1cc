"""Search for a cohort that gives every printed result: `python -m adapters.synthetic.search --seed 12 --out FOLDER`.

The patient data of the paper are not public. This search makes values of the 36 patients, and of patients whom the flow
leaves out, such that each printed number comes out again (targets.csv); everything else is drawn to be plausible. One
seed always gives one cohort. The files are described in cohort/README.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from adapters.synthetic.cohort_files import COHORT, COLUMNS, frame_of, write_cohort
from adapters.synthetic.search.climb import NotFoundError
from adapters.synthetic.search.measurements.imaging import lesion_rows
from adapters.synthetic.search.measurements.laboratory import first_and_last, series
from adapters.synthetic.search.measurements.outside import outside_labs, outside_scans
from adapters.synthetic.search.patients.history import condition_rows, medication_rows, procedure_rows, status_rows
from adapters.synthetic.search.patients.others import REJECTED, other_patients
from adapters.synthetic.search.patients.people import describe, sirt_facts
from adapters.synthetic.search.patients.table1 import ages_days
from adapters.synthetic.search.patients.timeline import Person, study_patients

ATTEMPTS = 400
DEMO_SEED = 12  # the committed cohort
Rows = dict[str, list[dict[str, object]]]


def make_cohort(seed: int) -> dict[str, pd.DataFrame]:
    """The frames of the cohort of `seed` by name, columns as in `cohort_files.COLUMNS`.

    Raises NotFoundError when no attempt succeeds.
    """
    for attempt in range(ATTEMPTS):
        rng = np.random.default_rng([seed, attempt])
        try:
            rows = _rows(rng)
        except NotFoundError:
            continue
        return {name: frame_of(name, frame_rows) for name, frame_rows in rows.items()}
    raise NotFoundError(f"no cohort for seed {seed} in {ATTEMPTS} attempts")


def _rows(rng: np.random.Generator) -> Rows:
    people = study_patients(rng)
    describe(people, rng)
    sirt_facts(people, rng)
    is_sirt = np.array([p.role == "lu_sirt" for p in people])
    for person, age in zip(people, ages_days(is_sirt, rng), strict=True):
        person.facts["age_days"] = int(age)
    imaging = lesion_rows(people, rng)
    ends = first_and_last(people, rng)
    rows: Rows = {name: [] for name in COLUMNS} | imaging
    for i, person in enumerate(people):
        own = {m: (float(c.before[i]), float(c.after[i])) for m, c in ends.items()}
        rows["labs"] += series(person, own, rng)
    others = other_patients(rng)
    for person in others:
        rows["labs"] += outside_labs(person, rng)
        outside_scans(person, rows, rng)
    for person in sorted([*people, *others], key=lambda p: p.key):
        _add_person(person, rows, rng)
    return rows


def _add_person(person: Person, rows: Rows, rng: np.random.Generator) -> None:
    facts, has_tracer = person.facts, person.role != "no_therapy"
    rows["patients"].append(
        {
            "key": person.key,
            "role": person.role,
            "birth_day": -int(str(facts["age_days"])),
            "day_zero_date": facts["date"],
            **{name: facts[name] for name in ("weight_kg", "height_cm", "ecog", "gleason")},
            "tracer": person.tracer if has_tracer else "",
            "in_imaging_subgroup": person.in_subgroup,
            "death_day": person.survival if person.died else None,
            "last_contact_day": person.survival,
        }
    )
    for number, (day, gbq) in enumerate(zip(person.cycle_days, person.activities, strict=True), start=1):
        rows["cycles"].append({"key": person.key, "cycle": number, "day": day, "activity_gbq": gbq})
    if person.workup is not None:
        plan = {n: facts[n] for n in ("lung_shunt_pct", "liver_volume_ml", "tumour_volume_ml")}
        given = {"key": person.key, "workup_day": person.workup, "day": person.sirt, "activity_gbq": facts["sirt_gbq"]}
        rows["sirt"].append({**given, **plan, "gi_flow": "absent"})
    rows["conditions"] += condition_rows(person, rng)
    rows["medications"] += medication_rows(person, rng)
    rows["procedures"] += procedure_rows(person, rng)
    rows["disease_status"] += status_rows(person, rng) if person.key != REJECTED else []


def main(arguments: list[str] | None = None) -> None:
    """Command line: write the cohort of a seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=DEMO_SEED)
    parser.add_argument("--out", type=Path, default=COHORT)
    chosen = parser.parse_args(arguments)
    write_cohort(make_cohort(chosen.seed), chosen.out)


if __name__ == "__main__":
    main()
