"""The figures of the lesion chapter, ready to be shown: frames of the evaluation under their descriptions."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.datasets.arms import Tables
from analysis.datasets.imaging_subgroup import Evaluation
from analysis.report import charts_estimates
from analysis.report.charts import Drawn, Stack
from analysis.report.format import text, value_text
from analysis.response import charts as charts_response
from analysis.response import frames
from analysis.response.heterogeneity_results import gap_frame
from analysis.response.results import suv_by_response
from analysis.response.rows import THERAPIES, claim_ways, repeatability_words
from analysis.results import Result
from analysis.settings import Study

Results = Mapping[str, Result]


def limits(study: Study) -> list[float]:
    """Change (percent) from which partial response and progression count, for the lines in the charts."""
    rules = study.response
    return [-rules.partial_response_decrease_pct, rules.progression_increase_pct]


def patients(found: Evaluation, results: Results, study: Study) -> Stack:
    """Waterfall of the sum of target diameters, one bar a patient, for each therapy."""
    said = {
        "lu": f"Waterfall of target diameters after 177Lu-PSMA. Progressive: {text(results['resp.lu.pd'])}.",
        "sirt": f"Waterfall of target diameters after SIRT. Partial response: {text(results['resp.sirt.pr'])}.",
    }
    return charts_response.by_therapy(
        lambda rows, words: charts_response.waterfall(rows, limits(study), words, unit="patient_id"),
        frames.patient_waterfall(found),
        said,
    )


def progression(results: Results) -> Drawn:
    """Forest of progression after each therapy, as judged and with the best and worst case of those not judged."""
    lu, sirt = text(results["resp.lu.pd"]), text(results["resp.sirt.pd"])
    said = f"Progression: {lu} after 177Lu-PSMA, {sirt} after SIRT."
    return charts_estimates.forest(charts_estimates.forest_frame(claim_ways(results)), "Progression (%)", said)


def lesions(found: Evaluation, study: Study) -> Drawn:
    """Waterfall of every evaluable lesion after 177Lu-PSMA, grouped by patient."""
    rows = frames.lesion_waterfall(found)
    said = "Waterfall of single liver lesions after 177Lu-PSMA, grouped by patient, coloured by response."
    return charts_response.waterfall(rows[rows["therapy"] == "lu"], limits(study), said)


def best_and_worst(found: Evaluation, results: Results, study: Study) -> Stack:
    """Best and worst lesion of each patient with several, for each therapy."""
    medians = {name: [text(results[f"resp.{name}.{end}"]) for end in ("best", "worst")] for name in THERAPIES}
    said = {name: f"Best and worst lesion. Medians {best} and {worst}." for name, (best, worst) in medians.items()}
    return charts_response.by_therapy(
        lambda rows, words: charts_response.best_and_worst(rows, limits(study), words),
        frames.best_worst_frame(found),
        said,
    )


def gaps(found: Evaluation, results: Results) -> Stack:
    """Gap between best and worst lesion as seen, beside what measurement error alone gives, for each therapy."""
    seen = {name: text(results[f"resp.{name}.gap"]) for name in THERAPIES}
    said = {name: f"Observed gap {gap} beside what measurement error alone gives." for name, gap in seen.items()}
    rows = gap_frame(found).replace({"model": repeatability_words()})
    return charts_response.by_therapy(charts_response.gap_against_error, rows, said)


def uptake(found: Evaluation, results: Results) -> Drawn:
    """SUVmax at baseline of every lesion by its later response."""
    progressive, stable, partial = (value_text(results[f"suv.{name}"]) for name in ("pd", "sd", "pr"))
    medians = f"progressive {progressive}, stable {stable}, partial response {partial}"
    said = f"Strip plot of SUVmax at baseline by lesion response. Medians: {medians}."
    return charts_response.uptake_by_response(suv_by_response(found), said)


def spider(tables: Tables, study: Study, found: Evaluation) -> Drawn:
    """Diameter of every lesion against its baseline over time."""
    rows = frames.lesion_lines(tables, study, found)
    return charts_response.spider(rows, limits(study), "Spider plot of lesion diameters against baseline over time.")
