"""Interlesional heterogeneity: is the range from best to worst lesion wider than measurement error makes it?

The paper tests best against worst with a signed-rank test. Worst is never below best, so the P of that test is 2/2^n
for n patients, whatever the data. The question behind it has another null hypothesis: all lesions of a patient share
one true change, and only measurement error separates them. The expected range then follows from published
repeatability, by number and size of the lesions (`repeatability.csv`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import comb
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import integrate, stats

from analysis.statistics.monte_carlo import LESIONS, TIE_TOLERANCE, monte_carlo_p

REPEATABILITY = Path(__file__).with_name("repeatability.csv")
LIMIT_FACTOR = 1.959963984540054  # limits of agreement are mean +- 1.96 standard deviations of the difference
ALLOCATIONS_MAX = 200_000


@cache
def repeatability() -> dict[str, tuple[str, float]]:
    """Model name to kind and standard deviation of the difference of two readings (percent or mm)."""
    table = pd.read_csv(REPEATABILITY)
    spread = (table["upper"] - table["lower"]) / (2 * LIMIT_FACTOR)
    return {
        str(model): (str(kind), float(sd))
        for model, kind, sd in zip(table["model"], table["kind"], spread, strict=True)
    }


@cache
def repeatability_words() -> dict[str, str]:
    """Model name to its words for the reader, in the order of the file."""
    table = pd.read_csv(REPEATABILITY)
    return dict(zip(table["model"].astype(str), table["words"].astype(str), strict=True))


@cache
def expected_range(lesions: int) -> float:
    """Expected range of `lesions` independent normal values, in standard deviations: 1.13, 1.69, 2.06 for 2, 3, 4."""
    if lesions < 2:
        return 0.0

    def outside(x: float) -> float:
        below = stats.norm.cdf(x)
        return float(1 - below**lesions - (1 - below) ** lesions)

    return float(integrate.quad(outside, -np.inf, np.inf)[0])


def change_sd_pct(model: str, reference_mm: np.ndarray, true_change_pct: np.ndarray) -> np.ndarray:
    """Standard deviation (percentage points) of the measured change of lesions with these sizes and true change.

    change: as published for an interval change; relative: two readings, each with the published relative error;
    absolute: two readings, each with the published error in mm, so that small lesions vary more.
    """
    kind, sd = repeatability()[model]
    growth = 1 + true_change_pct / 100
    if kind == "change":
        return np.full(reference_mm.shape, sd)
    one_reading = sd / np.sqrt(2)
    if kind == "relative":
        return one_reading * np.abs(growth) * np.sqrt(2)
    return 100 * one_reading * np.sqrt(1 + growth**2) / reference_mm


def in_fixed_order(rows: pd.DataFrame, values: list[str]) -> pd.DataFrame:
    """Rows ordered by their values and not by study ids: patients by number and values of lesions, lesions by value.

    rows: one per lesion with patient_id and the columns `values`. Seeded draws then fall on the same lesions whatever
    the study ids are.
    """
    ordered = rows.sort_values(values, kind="stable")
    content: dict[str, list[tuple[float, ...]]] = {}
    for patient, *cells in ordered[["patient_id", *values]].itertuples(index=False):
        content.setdefault(patient, []).append(tuple(cells))
    by_content = sorted(content, key=lambda patient: (len(content[patient]), content[patient]))
    place = {patient: number for number, patient in enumerate(by_content)}
    return ordered.iloc[np.argsort(ordered["patient_id"].map(place).to_numpy(), kind="stable")]


@dataclass(frozen=True, slots=True)
class RangeTest:
    """Median range from best to worst lesion, observed and under one true change a patient (percentage points).

    expected_pct and expected_upper_pct: median and 95th percentile of the draws.
    """

    model: str
    patients: int
    observed_pct: float
    expected_pct: float
    expected_upper_pct: float
    p: float
    draws: int


def range_test(
    targets: pd.DataFrame, model: str, draws: int = LESIONS.usual, seed: int = LESIONS.seed
) -> RangeTest | None:
    """Monte Carlo test of the median range from best to worst lesion under one true change a patient.

    targets: one row per evaluable target lesion with patient_id, reference_mm, followup_mm, change_pct; patients with
    one lesion are left out. The true change of a patient is that of its sum of diameters. P is the share of draws with
    at least the observed range; the observation counts as a draw, so P is never 0. None without a patient with two
    lesions. Raises KeyError for a model that `repeatability.csv` does not have.
    """
    rows = targets[targets.groupby("patient_id")["change_pct"].transform("size").ge(2)]
    if rows.empty:
        return None
    rows = in_fixed_order(rows, ["reference_mm", "change_pct"])
    code, names = pd.factorize(rows["patient_id"])
    draws = LESIONS.affordable(len(rows), draws)
    noise = np.random.default_rng(seed).standard_normal((draws, len(rows))) * _error_sd_pct(rows, model)
    starts = np.flatnonzero(np.diff(code, prepend=-1))
    observed, drawn = _median_range(rows["change_pct"].to_numpy()[None, :], starts)[0], _median_range(noise, starts)
    return RangeTest(
        model=model,
        patients=len(names),
        observed_pct=float(observed),
        expected_pct=float(np.median(drawn)),
        expected_upper_pct=float(np.quantile(drawn, 0.95)),
        p=monte_carlo_p(int((drawn >= observed - TIE_TOLERANCE).sum()), draws),
        draws=draws,
    )


def _error_sd_pct(rows: pd.DataFrame, model: str) -> np.ndarray:
    """Standard deviation of the measured change of each lesion if its true change is that of the patient's sum."""
    sums = rows.groupby("patient_id")[["reference_mm", "followup_mm"]].transform("sum")
    shared = (100 * (sums["followup_mm"] / sums["reference_mm"] - 1)).to_numpy()
    return change_sd_pct(model, rows["reference_mm"].to_numpy(), shared)


def _median_range(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    ranges = np.maximum.reduceat(values, starts, axis=1) - np.minimum.reduceat(values, starts, axis=1)
    return np.median(ranges, axis=1)


def implied_sd_pct(pairs: pd.DataFrame) -> float | None:
    """Standard deviation (percentage points) of one lesion's change that would by itself give the observed ranges.

    pairs: from `best_and_worst`. The median over patients of the observed range divided by the expected range of as
    many lesions; None without patients.
    """
    if pairs.empty:
        return None
    scale = pairs["lesions"].map(expected_range)
    return float((pairs["gap_pct"] / scale).median())


@dataclass(frozen=True, slots=True)
class IntraclassCorrelation:
    """Intraclass correlation of lesions within patients, with the P of permuting lesions over patients."""

    patients: int
    lesions: int
    coefficient: float
    p: float
    draws: int


def intraclass_correlation(
    rows: pd.DataFrame, value: str = "change_pct", draws: int = LESIONS.usual, seed: int = LESIONS.seed
) -> IntraclassCorrelation | None:
    """One-way intraclass correlation of `value` within patients, and the P of lesions permuted over all patients.

    rows: one per lesion with patient_id and `value`. The number of lesions of each patient does not change. A small P
    says that lesions of one patient are more alike than lesions of different patients. None unless there are two
    patients, three lesions and two values.
    """
    known = in_fixed_order(rows.dropna(subset=[value]), [value])
    values = known[value].to_numpy(dtype=float)
    code, names = pd.factorize(known["patient_id"])
    if len(names) < 2 or len(values) <= len(names) or np.ptp(values) == 0:
        return None
    sizes = np.bincount(code)
    observed = _between(values[None, :], code, sizes)[0]
    draws = LESIONS.affordable(len(values), draws)
    generator = np.random.default_rng(seed)
    shuffled = generator.permuted(np.tile(values, (draws, 1)), axis=1)
    drawn = _between(shuffled, code, sizes)
    p = monte_carlo_p(int((drawn >= observed - TIE_TOLERANCE * abs(observed)).sum()), draws)
    return IntraclassCorrelation(len(names), len(values), _intraclass(values, code, sizes), p, draws)


def _between(values: np.ndarray, code: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Sum of squares between patients; the total is the same for every shuffle, so this orders like F."""
    sums = np.add.reduceat(values, np.flatnonzero(np.diff(code, prepend=-1)), axis=1)
    return (sums**2 / sizes).sum(axis=1) - values.sum(axis=1) ** 2 / values.shape[1]


def _intraclass(values: np.ndarray, code: np.ndarray, sizes: np.ndarray) -> float:
    total = ((values - values.mean()) ** 2).sum()
    between = float(_between(values[None, :], code, sizes)[0])
    groups, count = len(sizes), len(values)
    mean_between, mean_within = between / (groups - 1), (total - between) / (count - groups)
    typical = (count - (sizes**2).sum() / count) / (groups - 1)
    return float((mean_between - mean_within) / (mean_between + (typical - 1) * mean_within))


@dataclass(frozen=True, slots=True)
class DispersionTest:
    """Dispersion of lesion changes after two therapies, compared by permuting therapies over patients.

    first, second: patients on each side; overlap: patients on both; difference_pct in percentage points.
    """

    first: int
    second: int
    overlap: int
    difference_pct: float
    p: float
    smallest_p: float


def dispersion_test(first: pd.DataFrame, second: pd.DataFrame) -> DispersionTest | None:
    """Difference between two therapies of the median ratio of observed to expected range; therapies are permuted.

    first, second: from `best_and_worst`. Each range is divided by the expected range of as many lesions, so that
    patients with more lesions do not look more dispersed. Exact up to `ALLOCATIONS_MAX` allocations, by seeded
    draws beyond. `overlap` counts patients with both therapies; P is not valid where it is above 0. None when a side
    has fewer than two patients.
    """
    samples = [np.sort(frame["gap_pct"] / frame["lesions"].map(expected_range)) for frame in (first, second)]
    if min(sample.size for sample in samples) < 2:
        return None
    size = samples[0].size
    ways = comb(size + samples[1].size, size)
    test = stats.permutation_test(
        samples,
        lambda x, y, axis: np.median(x, axis=axis) - np.median(y, axis=axis),
        permutation_type="independent",
        vectorized=True,
        n_resamples=ways if ways <= ALLOCATIONS_MAX else LESIONS.usual,
        alternative="two-sided",
        rng=LESIONS.generator(),
    )
    overlap = len(first.index.intersection(second.index))
    return DispersionTest(size, samples[1].size, overlap, float(test.statistic), float(test.pvalue), min(1.0, 2 / ways))
