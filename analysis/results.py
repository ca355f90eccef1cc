"""One number of the book: what it is, what it rests on, or why it cannot be given.

Every analysis module hands its numbers over as `Result` objects; the book glues them into the prose and writes them to
`results.json`. A number that cannot be computed carries one of the closed list of `REASONS` instead of a value.
"""

from __future__ import annotations

from dataclasses import dataclass

BASES = ("printed", "bounded", "free", "physics", "design", "data")

REASONS: dict[str, str] = {
    "no_patients": "no patient in this group",
    "arm_empty": "a group is empty",
    "too_few_patients": "too few patients for this estimate",
    "too_few_events": "too few events for this estimate",
    "no_events": "no event was observed",
    "not_reached": "not reached: fewer than half had the event",
    "few_censored": "too few were censored to reach half",
    "interval_not_reached": "the curve ends before the interval can be formed",
    "no_day_zero": "no day 0: the defining therapy was not given",
    "no_measurements": "not measured in this cohort",
    "no_baseline": "no baseline value",
    "no_followup": "no value after therapy",
    "no_lesions": "no liver lesion was measured",
    "no_multiple_lesions": "no patient with several lesions",
    "no_reference_range": "no upper or lower limit of normal was recorded",
    "no_comparable_tracer": "no pair of scans with the same tracer",
    "same_patients": "the same patients stand in both groups, which this test does not allow",
    "constant_values": "all values are equal, the test is not defined",
    "separation": "events separate the groups completely: a hazard or odds ratio is not estimable",
    "not_converged": "the estimate did not converge",
    "not_recorded": "not recorded in these data",
    "only_reconstruction": "defined for the reconstructed cohort only",
    "not_applicable": "does not apply to this cohort",
}


@dataclass(frozen=True, slots=True)
class Range:
    """How far a result of the reconstructed cohort runs over all cohorts that give the published values as well.

    low, high: smallest and largest value; lower_low to upper_high the same for the limits of its interval; None where it
    is no number or never has a value. texts: its values where they are words. cohorts: how many gave a value, of searched.
    """

    low: float | None
    high: float | None
    cohorts: int
    searched: int
    lower_low: float | None = None
    lower_high: float | None = None
    upper_low: float | None = None
    upper_high: float | None = None
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """A number with unit, interval, n, method and basis; `reason` is set exactly when `value` is None.

    `basis` says what the value rests on: "data" (patients), "physics" or "design" (no patient data, the same for every
    cohort). On the reconstructed cohort `analysis.paper.reconstruction.settle` replaces "data" by printed, bounded or
    free. Raises ValueError for value and reason together or neither, for an unknown reason or basis, and for NaN.
    """

    id: str
    value: float | int | str | bool | None
    lower: float | None = None
    upper: float | None = None
    n: int | None = None
    unit: str = ""
    method: str = ""
    interval: str = ""
    basis: str = "data"
    reason: str | None = None
    percent: float | None = None
    events: int | None = None
    denominator: int | None = None
    range: Range | None = None  # only where the reconstruction decides: basis bounded or free, or the interval alone

    def __post_init__(self) -> None:
        if (self.value is None) != (self.reason is not None):
            raise ValueError(f"{self.id}: a result has either a value or a reason")
        if self.reason is not None and self.reason not in REASONS:
            raise ValueError(f"{self.id}: '{self.reason}' is not in the closed list of reasons")
        if self.basis not in BASES:
            raise ValueError(f"{self.id}: '{self.basis}' is not a basis")
        for name in ("value", "lower", "upper", "percent"):
            number = getattr(self, name)
            if isinstance(number, float) and number != number:
                raise ValueError(f"{self.id}: {name} is NaN; give a reason instead")


def missing(
    result_id: str, reason: str, *, n: int | None = None, unit: str = "", method: str = "", basis: str = "data"
) -> Result:
    """A result that cannot be computed, with the key of the reason from `REASONS`."""
    return Result(result_id, None, n=n, unit=unit, method=method, basis=basis, reason=reason)
