"""Sentences of the survival chapter whose words depend on what the cohort holds."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.report.conclusions import Contrast, conclusion
from analysis.report.format import range_text, text, value_text
from analysis.results import REASONS, Result

Results = Mapping[str, Result]


def allocations(results: Results) -> str:
    """Whether the exact log-rank test counted all allocations of patients to arms or drew some, and with which error."""
    looked_at, error = results["os.logrank.exact.allocations"], results["os.logrank.exact.error"]
    if looked_at.value is None:
        return f"Here there is none to count: {REASONS[str(looked_at.reason)]}."
    if error.value == 0:
        return f"Here all {value_text(looked_at)} allocations were counted."
    return f"Here {value_text(looked_at)} allocations were drawn; the Monte Carlo error of P is {value_text(error)}."


def from_sirt_on(results: Results) -> str:
    """What the hazard ratio with exposure from the day of SIRT on says: of a reconstruction nothing, only how far it runs."""
    ratio = results["os.hr.time_varying"]
    if ratio.basis == "free" and ratio.range is not None:
        over = f"Over {ratio.range.cohorts:,} cohorts that give the same print it runs from {range_text(ratio)}"
        return f"{over}: the print does not say what remains of the difference."
    exposed = results["os.lu_sirt.deaths"].n
    return conclusion(ratio, Contrast("This ratio", 1.0, "a lower hazard with SIRT", "a higher one", exposed))


def undated_deaths(results: Results) -> str:
    """What deaths on no known day would do to the medians if each had fallen on the next day; or that there are none."""
    count = results["os.undated_deaths"].value
    if not count:
        return "This cohort has none."
    medians = [text(results[f"os.{arm}.undated"]) for arm in ("lu", "lu_sirt")]
    return f"Had they fallen on the next day, the median without SIRT would be {medians[0]}, with SIRT {medians[1]}."
