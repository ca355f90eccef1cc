"""What the survival chapter shows: its tables, its figures, and the sentences whose words depend on the cohort."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.datasets.arms import ARMS, analysis_set
from analysis.datasets.censoring import count_ends
from analysis.datasets.time_to_event import overall_survival
from analysis.opened_book import Book
from analysis.report.charts import ARM_NAMES, Drawn
from analysis.report.charts_estimates import forest, forest_frame, lines
from analysis.report.conclusions import Contrast, conclusion
from analysis.report.format import range_text, text, value_text
from analysis.report.labels import labelled
from analysis.report.tables import Folded, Table
from analysis.results import REASONS, Result
from analysis.statistics.time_varying_exposure import start_stop
from analysis.survival import frames, immortal_time
from analysis.survival.charts import kaplan_meier
from analysis.survival.intention_to_treat import intention_frame

Results = Mapping[str, Result]
TARGET_TRIAL = Path(__file__).with_name("target_trial.csv")


def sentences(book: Book) -> dict[str, str]:
    """Sentences of the chapter whose words depend on the cohort, by the key that its text names."""
    return {
        "os.conclusion": hazard_conclusion(book.results),
        "os.from_sirt_on": from_sirt_on(book.results),
        "os.allocations": allocations(book.results),
        "os.undated": undated_deaths(book.results),
    }


def hazard_conclusion(results: Results) -> str:
    """What the interval of the hazard ratio with exposure from day 0 (Firth's penalty) leaves open."""
    subject = "The hazard ratio (SIRT against none, counted from day 0)"
    patients_with_sirt = results["os.lu_sirt.deaths"].n
    contrast = Contrast(subject, 1.0, "a lower hazard with SIRT", "a higher one", patients_with_sirt)
    return conclusion(results["os.hr.firth"], contrast)


def allocations(results: Results) -> str:
    """Whether the exact log-rank test counted all allocations of patients to arms or drew some, and with which error."""
    examined, error = results["os.logrank.exact.allocations"], results["os.logrank.exact.error"]
    if examined.value is None:
        return f"Here there is none to count: {REASONS[str(examined.reason)]}."
    if error.value == 0:
        return f"Here all {value_text(examined)} allocations were counted."
    return f"Here {value_text(examined)} allocations were drawn; the Monte Carlo error of P is {value_text(error)}."


def from_sirt_on(results: Results) -> str:
    """What the hazard ratio with exposure from the day of SIRT on says.

    On the reconstructed cohort the sentence gives only the range over all reconstructions, because the reconstruction
    chose the ratio.
    """
    ratio = results["os.hr.time_varying"]
    if ratio.basis == "free" and ratio.range is not None:
        over = f"Over {ratio.range.cohorts:,} cohorts that give the same print it runs from {range_text(ratio)}"
        return f"{over}: the print does not say what remains of the difference."
    patients_with_sirt = results["os.lu_sirt.deaths"].n
    return conclusion(
        ratio, Contrast("This ratio", 1.0, "a lower hazard with SIRT", "a higher one", patients_with_sirt)
    )


def undated_deaths(results: Results) -> str:
    """The medians if each death on no known day had fallen on the day after the last contact; or that there is none."""
    count = results["os.undated_deaths"].value
    if not count:
        return "This cohort has none."
    without_sirt, with_sirt = (text(results[f"os.{arm}.undated"]) for arm in ARMS)
    return f"Had they fallen on the next day, the median without SIRT would be {without_sirt}, with SIRT {with_sirt}."


def follow_up_ends_table(book: Book) -> Table:
    """What ended each follow-up, number of patients by arm."""
    return Table(
        labelled(count_ends(_survival(book), ARMS), "source"),
        "What ended each follow-up, number of patients by arm",
        "survival_ends",
        headers={
            "source": "End of follow-up",
            "counts_as": "Counts as",
            "meaning": "What was recorded",
            **ARM_NAMES,
        },
    )


def target_trial_table() -> Folded:
    """The trial that would answer the question, beside what these data hold."""
    table = Table(
        pd.read_csv(TARGET_TRIAL),
        "Target trial and what stands in its place",
        "survival_target_trial",
        headers={
            "element": "Element",
            "a trial that would answer the question": "A trial that would answer the question",
            "what these data hold": "What these data hold",
        },
    )
    return Folded("The trial that would answer the question, beside these data", table)


def survival_figure(book: Book) -> Drawn:
    """Kaplan-Meier curves of both arms with 95 % bands, censor marks, medians and numbers at risk."""
    survival, days_per_month = _survival(book), book.study["analysis"]["days_per_month"]
    medians: dict[str, Any] = {arm: book[f"os.{arm}"].value for arm in ARMS}
    return kaplan_meier(
        frames.curve_frame(survival, days_per_month=days_per_month),
        frames.censor_frame(survival, days_per_month=days_per_month),
        frames.at_risk_frame(survival, days_per_month=days_per_month),
        medians,
        f"Kaplan-Meier curves of overall survival. Medians: {book.text('os.lu')} with 177Lu-PSMA alone, "
        f"{book.text('os.lu_sirt')} with SIRT.",
    )


def exposure_figure(book: Book) -> Drawn:
    """Simon-Makuch curves: the same patients by what they had received so far."""
    intervals, days_per_month = start_stop(_survival(book)), book.study["analysis"]["days_per_month"]
    curve, at_risk = immortal_time.exposure_curves(intervals, days_per_month=days_per_month)
    nobody_marked = pd.DataFrame(columns=["arm", "time_months", "survival"])
    ratio = book.text("os.hr.time_varying")
    description = f"Simon-Makuch curves of overall survival by exposure so far. Hazard ratio {ratio}."
    return kaplan_meier(curve, nobody_marked, at_risk, {}, description, immortal_time.EXPOSURE_NAMES)


def hazard_ratio_figure(book: Book) -> Drawn:
    """Forest plot of hazard ratios by the way exposure and time zero are counted."""
    description = (
        f"Forest plot of hazard ratios by method. Firth, counted from day 0: {book.text('os.hr.firth')}. "
        f"Counted from the day of SIRT: {book.text('os.hr.time_varying')}."
    )
    return forest(forest_frame(_hazard_ratios(book)), "Hazard ratio", description, null=1.0, log=True)


def hazard_ratio_table(book: Book) -> Folded:
    """The hazard ratios of `hazard_ratio_figure` as numbers."""
    rows = [{"way": way, "hazard_ratio": ratio, "n": ratio.n} for way, ratio in _hazard_ratios(book)]
    table = Table(
        pd.DataFrame(rows),
        "Hazard ratios of SIRT against none by the way exposure is counted",
        "survival_hazard_ratios",
        headers={"way": "How exposure is counted", "hazard_ratio": "Hazard ratio (95% CI)", "n": "Patients"},
    )
    return Folded("The same hazard ratios as numbers", table)


def landmark_table(book: Book) -> Folded:
    """Patients at risk, excluded and treated later at each landmark day, with the hazard ratio from then on."""
    table = Table(
        immortal_time.landmark_frame(book.results, book.study["survival"]["landmarks_days"]),
        "Landmark comparisons: patients alive and followed on the day, those lost before it, and the exposed among them",
        "survival_landmarks",
        headers={
            "day": "Day",
            "at_risk": "Kept",
            "excluded": "Lost before",
            "exposed": "SIRT by then",
            "treated_later": "SIRT later",
            "hazard_ratio": "Hazard ratio from then (95% CI)",
        },
    )
    return Folded("Landmarks: who is still compared", table)


def immortal_time_figure(book: Book) -> Drawn:
    """Apparent gain in median survival (months) when SIRT does nothing, by the months survived until SIRT."""
    return lines(
        _simulated_bias(book),
        ("waiting_months", "Months survived until SIRT"),
        ("gain_months", "Apparent gain in median survival (months)"),
        "Line chart of the apparent gain in median survival under no effect. It grows with the waiting time.",
        band=("low", "high"),
    )


def immortal_time_table(book: Book) -> Folded:
    """Gain in median, hazard ratio and share of small P values in simulated arms without effect, by waiting time."""
    table = Table(
        _simulated_bias(book).drop(columns=["low", "high"]),
        "Simulated arms under no effect, by the waiting time: gain in median, hazard ratio, and how often the asymptotic "
        "log-rank P is below 0.05",
        "survival_waiting",
        headers={
            "waiting_months": "Months until SIRT",
            "gain_months": "Gain (months)",
            "gain_se": "Monte Carlo error (months)",
            "hazard_ratio": "Cox hazard ratio, median",
            "log_hr_se": "Monte Carlo error of its logarithm",
            "rejected_pct": "P below 0.05 (%)",
            "rejected_se": "Monte Carlo error (%)",
        },
        decimals={
            "gain_months": 2,
            "gain_se": 2,
            "hazard_ratio": 2,
            "log_hr_se": 3,
            "rejected_pct": 1,
            "rejected_se": 1,
        },
    )
    return Folded("What else waiting does to a comparison without effect", table)


def intention_to_treat_figure(book: Book) -> Drawn:
    """Log-rank P if the untreated candidate counts for SIRT, by the months he is assumed to have lived."""
    return lines(
        intention_frame(book.tables, book.study),
        ("assumed_months", "Months the candidate is assumed to have lived"),
        ("logrank_p", "Log-rank P"),
        f"Line chart of the log-rank P by the assumed survival of the candidate: {book.text('os.intention.logrank')}.",
        marks=[book.study["analysis"]["alpha"]],
    )


def _survival(book: Book) -> pd.DataFrame:
    """One row per analysed patient who was followed, as `overall_survival` gives it."""
    return overall_survival(book.tables, analysis_set(book.tables, book.study))


def _hazard_ratios(book: Book) -> list[tuple[str, Result]]:
    return immortal_time.hazard_ratio_ways(book.results, book.study["survival"]["landmarks_days"])


@lru_cache(maxsize=1)
def _simulated_bias(book: Book) -> pd.DataFrame:
    """The simulation is slow, and a figure and a table show it."""
    return immortal_time.simulated_bias(book.results)
