"""Laboratory values and scans of the patients outside the study: plausible, free of any target."""

from __future__ import annotations

import numpy as np

from adapters.synthetic.search.measurements.laboratory import measures, number, series
from adapters.synthetic.search.patients.others import NO_LIVER, REJECTED
from adapters.synthetic.search.patients.timeline import Person

Rows = dict[str, list[dict[str, object]]]
TYPICAL = {"psa": (85.0, 1.2), "alp": (140.0, 0.5), "ldh": (270.0, 0.3)}  # median, standard deviation of the logarithm


def outside_labs(person: Person, rng: np.random.Generator) -> list[dict[str, object]]:
    """Rows of labs.csv: a series with therapy for those without liver metastases, two visits for the others."""
    ends = {measure: _ends(measure, rng) for measure in measures()}
    if person.key in NO_LIVER:
        return series(person, ends, rng)
    person.cycle_days = [0]  # the visits of a patient without therapy hang on the day of the work-up or first visit
    rows = series(person, ends, rng)
    person.cycle_days = []
    return rows


def _ends(measure: str, rng: np.random.Generator) -> tuple[float, float]:
    typical = TYPICAL.get(measure, (number(measure, "median"), number(measure, "log_sd")))
    low, high = number(measure, "low"), number(measure, "high")
    low, high = max(low, number(measure, "therapy_low", low)), min(high, number(measure, "therapy_high", high))
    before = np.clip(typical[0] * np.exp(typical[1] * rng.normal()), low, high)
    change = number(measure, "change_log_mean") + 0.5 * number(measure, "change_log_sd") * rng.normal()
    after = np.clip(before * np.exp(change), low, high)
    decimals = int(number(measure, "decimals"))
    return round(float(before), decimals), round(float(after), decimals)


def outside_scans(person: Person, rows: Rows, rng: np.random.Generator) -> None:
    """PET before therapy; for the rejected candidate also liver lesions that grew fast and the two status records."""
    if person.role == "no_therapy":
        return
    scan = {
        "key": person.key,
        "procedure": "psma_pet",
        "day": person.baseline_scan,
        "site": "",
        "tracer": person.tracer,
    }
    rows["procedures"].append(scan)
    if person.key != REJECTED:
        return
    earlier = person.baseline_scan - int(rng.integers(45, 70))
    for day in (earlier, person.baseline_scan):
        rows["procedures"].append({**scan, "procedure": "ct", "day": day, "tracer": ""})
    for i in range(3):
        lesion, size = f"L{i + 1}", float(rng.integers(18, 40))
        place = {"key": person.key, "lesion": lesion}
        rows["lesions"].append({**place, "organ": "liver", "segment": ("II", "V", "VII")[i], "hypervascular": True})
        grown = float(round(size * rng.uniform(1.5, 1.9)))
        for day, mm, suv in ((earlier, size, None), (person.baseline_scan, grown, float(round(rng.uniform(4, 14), 1)))):
            entry: dict[str, object] = {**place, "day": day, "diameter_mm": mm, "suv_max": suv, "modality": "ct"}
            rows["lesion_measurements"].append(entry)
    for site in ("liver", "extrahepatic"):
        for day, category in ((earlier, "stable"), (person.baseline_scan, "progressive")):
            rows["disease_status"].append({"key": person.key, "day": day, "site": site, "category": category})
