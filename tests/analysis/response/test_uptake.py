"""SUVmax by response with patients as clusters: pinned to nlme, exact where patients are few."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.response.uptake import clustering_results, estimating_equation, kruskal_p, mixed_model, patient_test
from analysis.statistics.attainable_p import minimum_attainable_p
from analysis.statistics.random_intercept import random_intercept
from tests.support.paths import REFERENCE

PINS = REFERENCE / "response"
PATIENT = np.repeat(np.arange(1, 7), [4, 3, 2, 4, 1, 3])
SUV = np.array([5.1, 6.2, 4.8, 5.9, 21, 18, 25, 9, 11, 30, 28, 35, 33, 14, 7, 8.5, 6.6])
PROGRESSIVE = np.array([1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0])
ORDER = {"alike": np.arange(17), "apart": np.array([1, 9, 5, 13, 2, 10, 6, 14, 3, 11, 7, 15, 4, 12, 8, 16, 17]) - 1}


@pytest.mark.parametrize("row", pd.read_csv(PINS / "mixed.csv").to_dict("records"), ids=lambda row: row["data"])
def test_random_intercept_equals_nlme(row):
    design = np.column_stack([np.ones(17), PROGRESSIVE])
    fit = random_intercept(np.log(SUV[ORDER[row["data"]]]), design, PATIENT)
    assert fit.effects == pytest.approx([row["intercept"], row["effect"]], rel=1e-4)
    assert fit.errors[1] == pytest.approx(row["error"], rel=1e-4)
    assert fit.between_sd == pytest.approx(row["between_sd"], abs=1e-3)
    assert fit.within_sd == pytest.approx(row["within_sd"], rel=1e-4)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed; the committed numbers stand")
def test_reference_numbers_come_from_the_committed_script():
    run = subprocess.run(["Rscript", "mixed.R"], cwd=PINS, capture_output=True, text=True, timeout=60, check=False)
    if run.returncode:
        pytest.skip("R is there without nlme")
    assert run.stdout == (PINS / "mixed.csv").read_text()


def rows(suv=SUV, progressive=PROGRESSIVE, patient=PATIENT) -> pd.DataFrame:
    response = np.where(np.asarray(progressive) == 1, "progressive", "stable")
    return pd.DataFrame(
        {
            "patient_id": [f"S{p}" for p in patient],
            "lesion_id": [f"L{n}" for n in range(len(suv))],
            "suv_max": np.asarray(suv, dtype=float),
            "response": pd.Categorical(response),
            "is_progressive": np.asarray(progressive) == 1,
        }
    )


def test_mixed_model_and_estimating_equation_give_a_ratio_with_interval():
    for fit in (mixed_model(rows()), estimating_equation(rows())):
        assert fit.lower < fit.ratio < fit.upper
        assert (fit.patients, fit.lesions) == (6, 17)


@pytest.mark.parametrize(("patients", "quantile"), [(6, 2.776445), (8, 2.446912)])
def test_interval_and_p_of_few_clusters_use_t_with_two_fewer_degrees_than_patients(patients, quantile):
    # qt(0.975, patients - 2)
    frame = rows()
    if patients > 6:
        frame = pd.concat([frame, rows(suv=[12, 9], progressive=[0, 1], patient=[7, 8])], ignore_index=True)
    fit = mixed_model(frame)
    error = np.log(fit.upper / fit.lower) / (2 * quantile)
    plain = random_intercept(
        np.log(frame["suv_max"].to_numpy()),
        np.column_stack([np.ones(len(frame)), frame["is_progressive"]]).astype(float),
        frame["patient_id"].to_numpy(),
    )
    assert error == pytest.approx(plain.errors[1], rel=1e-5)
    assert fit.p == pytest.approx(2 * stats.t.sf(abs(np.log(fit.ratio)) / error, patients - 2), rel=1e-4)


def test_four_against_four_patients_cannot_go_below_0_029():
    assert minimum_attainable_p("mann_whitney_halves", (8,)) == pytest.approx(2 / 70)
    assert minimum_attainable_p("mann_whitney_halves", (1,)) is None


def test_patient_permutation_of_perfect_order_by_hand():
    # four patients in perfect opposite order: 2 of 4! = 24 orders are as extreme
    frame = rows(suv=[4, 3, 2, 1, 1], progressive=[0, 0, 1, 1, 1], patient=[1, 2, 3, 4, 4])
    frame = pd.concat([frame, rows(suv=[3], progressive=[1], patient=[2])], ignore_index=True)
    test = patient_test(frame)
    assert test.exact
    assert test.patients == 4
    assert test.correlation == pytest.approx(-0.9487, abs=1e-3)
    assert test.p == pytest.approx(4 / 24), "two patients share the share of progressive lesions"


def test_many_patients_are_permuted_by_seeded_draws():
    generator = np.random.default_rng(1)
    patient = np.repeat(np.arange(12), 2)
    frame = rows(suv=generator.uniform(2, 30, 24), progressive=np.tile([0, 1, 0, 0], 6), patient=patient)
    first, second = patient_test(frame), patient_test(frame)
    assert first == second
    assert not first.exact
    assert 0 < first.p <= 1


def test_kruskal_needs_two_categories_and_different_values():
    assert kruskal_p(rows(progressive=np.ones(17))) is None
    assert kruskal_p(rows(suv=np.ones(17))) is None
    assert 0 < kruskal_p(rows()) < 1


CASES = {
    "none": (rows().head(0), "no_measurements"),
    "one category": (rows(progressive=np.zeros(17)), "arm_empty"),
    "three patients": (rows().query("patient_id in ['S1', 'S2', 'S3']"), "too_few_patients"),
    "one value": (rows(suv=np.full(17, 5.0)), "constant_values"),
}


@pytest.mark.parametrize("name", CASES)
def test_small_cohorts_give_reasons(name):
    frame, reason = CASES[name]
    found = {row.id: row for row in clustering_results(frame)}
    assert found["suv.ratio.gee"].reason == found["suv.ratio.mixed"].reason == reason
    assert len(found) == len(clustering_results(rows()))
