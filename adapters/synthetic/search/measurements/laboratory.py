"""Laboratory series: a value at baseline, at every cycle and after therapy, as a laboratory prints them.

What the paper prints is fixed first: PSA, ALP, LDH at baseline and the change of ALT, AST, GGT, bilirubin. "After
therapy" is the last value after the last cycle or SIRT; all visits lie within 90 days of it, so that a rule with that
window reads the same value. `measures.csv` lists units, reference ranges and what is typical.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adapters.synthetic.search.climb import NotFoundError
from adapters.synthetic.search.measurements.enzymes import Bounds, Change, bilirubin_differs, enzyme_change
from adapters.synthetic.search.patients.table1 import baseline_values
from adapters.synthetic.search.patients.timeline import SIRT_FIRST, Person
from adapters.synthetic.search.statistics import Floats

MEASURES = Path(__file__).with_name("measures.csv")
FROM_TABLE_1 = {"psa": 1.5, "alp": 0.75, "ldh": 0.75}  # measure: spread of the logarithm within an arm
ENZYMES = {
    "alt": Bounds(8, 150, 700, 330, 480),
    "ast": Bounds(10, 200, 900, 330, 430),
    "ggt": Bounds(14, 1300, 4000, 500, 1150),
}
SIRT_RISE = {"alt": 0.95, "ast": 0.85, "ggt": 1.9}
FOLLOW_UP_DAYS = ((13, 4), (41, 6), (75, 8))  # after the last therapy: centre and half width
SHARES = {
    "neutrophils": (0.66, 0.07, 1.8, 7.7),
    "lymphocytes": (0.19, 0.06, 1.0, 4.0),
}  # of leukocytes; range in 10*9/L

Row = dict[str, object]


@cache
def measures() -> dict[str, dict[str, str]]:
    """The rows of `measures.csv` by measure."""
    with MEASURES.open(encoding="utf-8", newline="") as file:
        return {row["measure"]: row for row in csv.DictReader(file)}


def number(measure: str, column: str, default: float = float("nan")) -> float:
    """A number of the table of measures; `default` where the cell is empty."""
    text = measures()[measure][column]
    return float(text) if text else default


def first_and_last(people: list[Person], rng: np.random.Generator) -> dict[str, Change]:
    """Baseline and last value of each measure for the 36 patients. Raises NotFoundError."""
    is_sirt = np.array([p.role == "lu_sirt" for p in people])
    days = np.array([p.survival for p in people], dtype=float)
    burden = rng.normal(0, 1, len(people)) - 0.5 * np.log(days / 200) - 0.6 * is_sirt
    worsening = rng.normal(0, 1, len(people)) - 0.4 * np.log(days / 200)
    changes: dict[str, Change] = {}
    for measure in measures():
        before = _baseline(measure, is_sirt, burden, rng)
        changes[measure] = _finish(measure, before, worsening, is_sirt, rng)
    return changes


def _baseline(measure: str, is_sirt: NDArray[np.bool_], burden: Floats, rng: np.random.Generator) -> Floats:
    share = number(measure, "burden")
    own = rng.normal(0, 1, len(burden))
    latent = share * burden + np.sqrt(max(0.1, 1 - share**2)) * own
    if measure in FROM_TABLE_1:
        return baseline_values(measure, is_sirt, latent, FROM_TABLE_1[measure], rng)
    median = number(measure, "median") * np.where(is_sirt & (measure == "ggt"), 0.55, 1.0)
    values = median * np.exp(number(measure, "log_sd") * latent)
    high = ENZYMES[measure].high_before if measure in ENZYMES else number(measure, "high")
    low, high = number(measure, "therapy_low", number(measure, "low")), min(high, number(measure, "therapy_high", 1e9))
    return np.clip(values, low, high).round(int(number(measure, "decimals")))


def _finish(
    measure: str, before: Floats, worsening: Floats, is_sirt: NDArray[np.bool_], rng: np.random.Generator
) -> Change:
    spread = number(measure, "change_log_sd")
    for _ in range(50):
        drawn = 0.7 * worsening * np.sign(number(measure, "change_log_mean") or 1) + 0.7 * rng.normal(0, 1, len(before))
        change = number(measure, "change_log_mean") + spread * drawn + SIRT_RISE.get(measure, 0.0) * is_sirt
        change = np.clip(change, number(measure, "change_log_low"), number(measure, "change_log_high") + is_sirt)
        after = np.clip(before * np.exp(change), number(measure, "low"), number(measure, "high"))
        values = Change(before, after.round(int(number(measure, "decimals"))))
        if measure in ENZYMES:
            return enzyme_change(measure, values, is_sirt, ENZYMES[measure], rng)
        if measure != "bilirubin" or not bilirubin_differs(values, is_sirt):
            return values
    raise NotFoundError("bilirubin differs between the arms")


def visit_days(person: Person, rng: np.random.Generator) -> list[int]:
    """Days with blood tests, ascending: baseline, day of or before each therapy, restaging, after the last therapy."""
    days = {person.baseline_day, *(d - int(rng.integers(0, 2)) for d in person.cycle_days[1:])}
    if person.key == SIRT_FIRST and person.sirt is not None and person.final_scan is not None:
        days |= {person.sirt - 1, person.final_scan}
    elif person.sirt is not None and person.restaging is not None:
        days |= {person.restaging, person.sirt - 1}
    elif person.restaging is not None and person.restaging - person.last_therapy > 20:
        days.add(person.restaging)
    last = person.last_therapy
    after = [last + centre + int(rng.integers(-width, width + 1)) for centre, width in FOLLOW_UP_DAYS]
    after = [day for day in after if day < person.survival and not any(abs(day - d) < 6 for d in days)]
    if not any(day > last for day in (*after, *days)):
        after = [min(last + int(rng.integers(6, 10)), person.survival - 1)]
    return sorted(days | set(after))


def series(person: Person, ends: dict[str, tuple[float, float]], rng: np.random.Generator) -> list[Row]:
    """Rows (key, day, measure, value, limits, unit) of one patient; first and last value as in `ends`."""
    days = visit_days(person, rng)
    therapy = sorted({d for d in days if d <= person.last_therapy})
    rows: list[Row] = []
    for measure in ends:
        chosen = days if measure != "albumin" else [person.baseline_day, days[-1]]
        values = _path(measure, chosen, therapy, ends[measure], person.baseline_day, rng)
        rows += [_row(person.key, measure, d, v) for d, v in zip(chosen, values, strict=True)]
        if measure == "leukocytes":
            rows += _differential(person.key, chosen, values, rng)
    if rng.random() < 0.5:  # a screening value before baseline, as outpatient laboratories send them
        screening = min(days) - int(rng.integers(14, 40))
        value = round(float(ends["psa"][0] * np.exp(rng.normal(-0.15, 0.12))), 1)
        rows.append(_row(person.key, "psa", screening, max(0.1, value)))
    return rows


def _path(
    measure: str,
    days: list[int],
    therapy: list[int],
    ends: tuple[float, float],
    baseline: int,
    rng: np.random.Generator,
) -> list[float]:
    """Geometric way from the baseline value to the last one with noise in between, within the limits for therapy."""
    first, last = ends
    share = np.clip((np.array(days) - baseline) / (days[-1] - baseline), -0.3, 1)
    noise = number(measure, "noise") * rng.normal(0, 1, len(days))
    path = first * (last / first) ** share * np.exp(noise)
    low, high = number(measure, "low"), number(measure, "high")
    decimals = int(number(measure, "decimals"))
    values = []
    for day, value in zip(days, path, strict=True):
        limit = (max(low, number(measure, "therapy_low", low)), min(high, number(measure, "therapy_high", high)))
        limited = np.clip(value, *limit) if day in therapy else np.clip(value, low, high)
        values.append(float(np.round(limited, decimals if limited < 1000 else 0)))
    values[days.index(baseline)], values[-1] = float(first), float(last)
    return values


def _differential(key: str, days: list[int], leukocytes: list[float], rng: np.random.Generator) -> list[Row]:
    rows = []
    for measure, (share, spread, lower, upper) in SHARES.items():
        own = np.clip(rng.normal(share, spread), share - 1.5 * spread, share + 1.5 * spread)
        for day, total in zip(days, leukocytes, strict=True):
            value = round(float(total * np.clip(own + rng.normal(0, spread / 3), 0.05, 0.8)), 2)
            rows.append(_laboratory_row(key, measure, day, value, (lower, upper), "10*9/L"))
    return rows


def _row(key: str, measure: str, day: int, value: float) -> Row:
    limits = number(measure, "lower_limit"), number(measure, "upper_limit")
    return _laboratory_row(key, measure, day, value, limits, measures()[measure]["unit"])


def _laboratory_row(key: str, measure: str, day: int, value: float, limits: tuple[float, float], unit: str) -> Row:
    bounds = dict(zip(("lower_limit", "upper_limit"), limits, strict=True))
    return {"key": key, "day": day, "measure": measure, "value": value, **bounds, "unit": unit}
