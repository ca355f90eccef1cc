"""The numbers of interlesional heterogeneity: ranges, implied error, intraclass correlation, dispersion."""

from __future__ import annotations

import pandas as pd

from analysis.datasets.imaging_subgroup import Evaluation, several_lesions_reason
from analysis.datasets.lesions import best_and_worst
from analysis.estimates import centre_result, p_result
from analysis.response.heterogeneity import (
    dispersion_test,
    implied_sd_pct,
    intraclass_correlation,
    range_test,
    repeatability,
)
from analysis.results import Result, missing
from analysis.statistics.attainable_p import minimum_attainable_p

SHARED_CHANGE = "one true change a patient, measurement error of {model}; Monte Carlo, {draws} draws"


def targets(evaluation: Evaluation, therapy: str) -> pd.DataFrame:
    """Evaluable target lesions after `therapy`, as `range_test` and `intraclass_correlation` take them."""
    changes = evaluation.changes[therapy]
    return changes[changes["is_target"] & changes["change_pct"].notna()]


def range_frame(evaluation: Evaluation) -> pd.DataFrame:
    """Median range from best to worst lesion, observed and by measurement error alone, for each repeatability.

    Columns therapy, model, patients, observed_pct, expected_pct, expected_upper_pct (95th percentile), p, draws;
    ranges in percentage points. Therapies without a patient with two lesions have no row.
    """
    tests = [
        (therapy, range_test(targets(evaluation, therapy), model))
        for therapy in evaluation.changes
        for model in repeatability()
    ]
    columns = ["model", "patients", "observed_pct", "expected_pct", "expected_upper_pct", "p", "draws"]
    rows = [[therapy, *(getattr(test, column) for column in columns)] for therapy, test in tests if test is not None]
    return pd.DataFrame(rows, columns=["therapy", *columns])


def heterogeneity_results(evaluation: Evaluation) -> list[Result]:
    """resp.*.gap*, resp.*.forced_p, resp.*.likeness*, resp.spread.*; reasons where the cohort does not allow one."""
    rows = []
    frame = range_frame(evaluation)
    for therapy in evaluation.changes:
        pairs = best_and_worst(evaluation.changes[therapy])
        gaps = pairs["gap_pct"].to_numpy()
        reason = several_lesions_reason(evaluation, therapy)
        forced = "smallest P that the signed-rank test can give with this many patients; worst is never below best"
        rows += [
            centre_result(f"resp.{therapy}.gap", gaps, unit="percentage points", reason=reason),
            p_result(
                f"resp.{therapy}.forced_p",
                minimum_attainable_p("signed_rank", (len(pairs),)),
                n=len(pairs),
                method=forced,
                reason=reason,
            ),
            *_range_results(therapy, frame[frame["therapy"].eq(therapy)], pairs, reason),
            *_intraclass_results(evaluation, therapy),
        ]
    return [*rows, *_dispersion_results(evaluation)]


def _range_results(therapy: str, frame: pd.DataFrame, pairs: pd.DataFrame, reason: str) -> list[Result]:
    rows: list[Result] = []
    tests = {row.model: row for row in frame.itertuples()}
    for model in repeatability():
        result_id, unit = f"resp.{therapy}.gap.expected.{model}", "percentage points"
        if model not in tests:
            method = SHARED_CHANGE.format(model=model, draws=0)
            rows.append(missing(result_id, reason, n=0, unit=unit, method=method))
            rows.append(missing(f"resp.{therapy}.gap.p.{model}", reason, n=0, unit="P", method=method))
            continue
        test = tests[model]
        method = SHARED_CHANGE.format(model=model, draws=test.draws)
        rows.append(Result(result_id, test.expected_pct, n=test.patients, unit=unit, method=method))
        rows.append(Result(f"resp.{therapy}.gap.p.{model}", test.p, n=test.patients, unit="P", method=method))
    needed, result_id = implied_sd_pct(pairs), f"resp.{therapy}.gap.needed_sd"
    method = "standard deviation of one lesion's change that alone would give the gap"
    if needed is None:
        return [*rows, missing(result_id, reason, n=0, unit="percentage points", method=method)]
    return [*rows, Result(result_id, needed, n=len(pairs), unit="percentage points", method=method)]


def _intraclass_results(evaluation: Evaluation, therapy: str) -> list[Result]:
    test = intraclass_correlation(targets(evaluation, therapy))
    ids = (f"resp.{therapy}.likeness", f"resp.{therapy}.likeness_p")
    methods = (
        "intraclass correlation of lesion change within patients",
        "lesions permuted across patients, numbers per patient kept",
    )
    if test is None:
        n, reason = len(evaluation.patients[therapy]), several_lesions_reason(evaluation, therapy)
        if len(best_and_worst(evaluation.changes[therapy])):
            reason = "too_few_patients" if n < 2 else "constant_values"
        return [missing(result_id, reason, n=n, method=method) for result_id, method in zip(ids, methods, strict=True)]
    return [
        Result(ids[0], test.coefficient, n=test.patients, method=methods[0], denominator=test.lesions),
        Result(ids[1], test.p, n=test.patients, unit="P", method=methods[1], denominator=test.lesions),
    ]


def _dispersion_results(evaluation: Evaluation) -> list[Result]:
    sides = [best_and_worst(evaluation.changes[therapy]) for therapy in ("lu", "sirt")]
    test = dispersion_test(*sides)
    result_id, unit = "resp.spread.difference", "percentage points"
    method = "median gap over expected range, 177Lu-PSMA minus SIRT; therapies permuted over patients"
    if test is None:
        ids = (result_id, "resp.spread.p", "resp.spread.smallest_p", "resp.spread.overlap")
        without = [therapy for therapy, side in zip(("lu", "sirt"), sides, strict=True) if side.empty]
        reason = several_lesions_reason(evaluation, without[0]) if without else "too_few_patients"
        return [missing(name, reason, n=0, method=method) for name in ids]
    patients = test.first + test.second - test.overlap
    p = None if test.overlap else test.p
    return [
        Result(result_id, test.difference_pct, n=patients, unit=unit, method=method),
        p_result("resp.spread.p", p, n=patients, method=method, reason="same_patients"),
        Result("resp.spread.smallest_p", test.smallest_p, n=patients, unit="P", method=method),
        Result(
            "resp.spread.overlap",
            test.overlap,
            n=patients,
            unit="count",
            method="patients on both sides",
        ),
    ]
