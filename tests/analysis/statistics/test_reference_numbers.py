"""The public data sets and pins of the statistics, each with the R call (in tests/reference/*.R) or the SPSS syntax.

Where the book does not use a library's default, the test shows what that default gives instead.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, isnan, log

import numpy as np
import pandas as pd
import pytest
from firthmodels import FirthCoxPH
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import restricted_mean_survival_time
from scipy import stats
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight

from analysis.statistics.cox import CONVERGENCE, cox_efron, cox_firth
from analysis.statistics.kaplan_meier import loglog_median, logrank, restricted_mean, spss_median
from analysis.statistics.rank_tests import mann_whitney, signed_rank
from analysis.statistics.rmst_permutation import restricted_mean_test
from analysis.statistics.time_varying_exposure import simon_makuch_curve, start_stop
from tests.support.paths import REFERENCE
from tests.support.r_scripts import output_of

R = pd.read_csv(REFERENCE / "reference_numbers.csv").set_index("key")["value"].to_dict()
DATASETS = pd.read_csv(REFERENCE / "datasets.csv")

Sample = tuple[np.ndarray, np.ndarray]
AML_TIME = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161, 5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45]
AML_EVENT = [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
DRUG = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
DRUG_EVENT = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
# one arrangement of 31 and 5 patients that meets the printed medians, intervals and log-rank P
EXAMPLE = [21, 21, 30, 38, 49, 60, 68, 68, 79, 79, 111, 123, 148, 148, 168, 168, 173, 173, 183, 236, 257, 275, 297, 322,
           322, 382, 420, 466, 527, 615, 788, 184, 206, 256, 492, 655]  # fmt: skip
EXAMPLE_EVENT = [1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, *[1] * 19, 0, 1, 1, 1, 1, 0]
EXAMPLE_SIRT = [0] * 31 + [1] * 5
PER_MONTH = 30.4375


def data(name: str) -> pd.DataFrame:
    """time, event, group (1, 2) and, where it exists, age of a reference data set."""
    if name == "aml":
        return pd.DataFrame({"time": AML_TIME, "event": AML_EVENT, "group": [1] * 11 + [2] * 12})
    if name == "freireich":
        events = [1] * 21 + DRUG_EVENT
        return pd.DataFrame({"time": PLACEBO + DRUG, "event": events, "group": [1] * 21 + [2] * 21})
    if name == "spss":  # the rule of a fixture whose unrounded output SPSS 31.0.1.0 gave
        i = np.arange(1, 73)
        columns = {"time": 20 + 37 * i % 500, "event": (~np.isin(i % 10, [1, 4, 7])).astype(int)}
        return pd.DataFrame({**columns, "group": np.where(i % 2 == 1, 1, 2), "age": 40 + 11 * i % 41})
    return DATASETS[DATASETS["set"].eq(name)].reset_index(drop=True)


def arms(name: str) -> dict[int, Sample]:
    return {int(key): (part["time"].to_numpy(), part["event"].to_numpy()) for key, part in data(name).groupby("group")}


@pytest.mark.program
@pytest.mark.parametrize("script", ["reference_numbers", "datasets"])
def test_committed_numbers_are_what_r_gives_now(script, golden):
    output = output_of(REFERENCE / f"{script}.R")
    assert output == golden.text(REFERENCE / f"{script}.csv", output)


# SPSS KM time BY group /STATUS=event(1) /PRINT TABLE MEAN: median, its SE and limits, mean and its SE. lung: the formula
# that gives SPSS's own output of the fixture to ten digits; Freireich: also as printed in SPSS textbooks, to 3 decimals.
SPSS = {
    ("lung", 1): (270, 27.638737, 215.8281, 324.1719, 326.084110, 22.911563),
    ("lung", 2): (426, 46.557399, 334.7475, 517.2525, 455.904088, 32.917416),
    ("freireich", 1): (8, 1.669046, 8 - 1.96 * 1.669046, 8 + 1.96 * 1.669046, 8.666667, 1.377390),
    ("freireich", 2): (23, 5.255376, 23 - 1.96 * 5.255376, 23 + 1.96 * 5.255376, 23.287395, 2.827468),
}


@pytest.mark.parametrize(("name", "group"), SPSS)
def test_median_and_mean_by_spss_rules(name, group):
    sample = arms(name)[group]
    median, mean = spss_median(*sample), restricted_mean(*sample)
    found = (median.value, median.se, median.lower, median.upper, mean.value, mean.se)
    np.testing.assert_allclose(found, SPSS[name, group], atol=6e-5)


@pytest.mark.parametrize("name", ["aml", "lung", "spss", "freireich"])
def test_mean_up_to_the_own_last_time_equals_r(name):
    for group, sample in arms(name).items():
        mean = restricted_mean(*sample)
        assert mean.value == pytest.approx(R[f"{name}.{group}.mean"], rel=1e-9)
        assert mean.se == pytest.approx(R[f"{name}.{group}.mean.se"], rel=1e-8)


def test_r_prints_by_default_a_mean_to_the_common_last_time_which_spss_does_not():
    assert R["spss.common.2.rmst"] == pytest.approx(289.579, abs=5e-4)
    assert restricted_mean(*arms("spss")[2]).value == pytest.approx(289.537, abs=5e-4)


@pytest.mark.parametrize("name", ["aml", "lung", "spss", "freireich"])
def test_loglog_interval_of_the_median_equals_r(name):
    for group, sample in arms(name).items():
        found = loglog_median(*sample)
        expected = [R[f"{name}.{group}.{part}"] for part in ("median", "log-log.lower", "log-log.upper")]
        shown = [np.nan if value is None else value for value in (found.value, found.lower, found.upper)]
        np.testing.assert_array_equal(shown, expected)


# statsmodels SurvfuncRight.quantile_ci(0.5, method): R's conf.type. R's default is "log", that of lifelines "log-log".
KINDS = {"plain": "linear", "log": "log", "log-log": "cloglog", "logit": "logit"}
INTERVALS = {
    ("aml", 1): {"plain": (18, 48), "log": (18, None), "log-log": (13, None), "logit": (13, None)},
    ("aml", 2): {"plain": (8, 33), "log": (8, None), "log-log": (5, 33), "logit": (8, 43)},
    ("lung", 1): {"plain": (212, 306), "log": (212, 310), "log-log": (210, 306)},
    ("lung", 2): {"plain": (345, 524), "log": (348, 550), "log-log": (345, 524)},
    ("spss", 1): {"plain": (241, 463), "log": (315, 481), "log-log": (223, 463)},
    ("spss", 2): {"plain": (204, 370), "log": (222, 426), "log-log": (186, 370)},
    ("freireich", 1): {"plain": (4, 11), "log": (4, 12), "log-log": (4, 11)},
    ("freireich", 2): {"plain": (13, None), "log": (16, None), "log-log": (13, None)},
}
# R drops the band where the curve is 0, statsmodels does not; at a height of exactly one limit they break the tie apart
STATSMODELS_DIFFERS = {("aml", 2, "log"), ("spss", 1, "log"), ("spss", 2, "log"), ("lung", 2, "plain")}


@pytest.mark.parametrize(("name", "group"), INTERVALS)
def test_other_intervals_of_the_median_differ_by_their_scale(name, group):
    times, events = arms(name)[group]
    curve = SurvfuncRight(times, events)
    for kind, (lower, upper) in INTERVALS[name, group].items():
        in_r = [R[f"{name}.{group}.{kind}.{side}"] for side in ("lower", "upper")]
        assert [None if isnan(limit) else limit for limit in in_r] == [lower, upper]
        if (name, group, kind) not in STATSMODELS_DIFFERS:
            found = [float(limit) for limit in curve.quantile_ci(0.5, method=KINDS[kind])]
            assert [limit if np.isfinite(limit) else None for limit in found] == [lower, upper], kind


@pytest.mark.parametrize(
    ("name", "horizon", "expected"),
    [
        ("aml", 30, ((24.602273, 2.313149), (19.694444, 3.054198))),
        ("lung", 365, ((241.495, 10.3582), (297.465, 10.7913))),
        ("pbc", 10, ((7.14649, 0.282775), (7.28342, 0.295478))),
    ],
)
def test_restricted_mean_equals_r(name, horizon, expected):
    unit = 365.25 if name == "pbc" else 1
    for group, (times, events) in arms(name).items():
        found = restricted_mean(times / unit, events, horizon)
        np.testing.assert_allclose([found.value, found.se], expected[group - 1], rtol=4e-6)
        in_r = [R[f"{name}.{group}.rmst"], R[f"{name}.{group}.rmst.se"]]
        np.testing.assert_allclose([found.value, found.se], in_r, rtol=1e-8)


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")  # lifelines integrates a step function
@pytest.mark.slow
def test_what_lifelines_calls_the_variance_of_a_restricted_mean_is_another_quantity():
    for group, wrong in ((1, 56.967), (2, 111.267)):
        times, events = arms("aml")[group]
        fitted = KaplanMeierFitter().fit(times, events)
        variance = restricted_mean_survival_time(fitted, t=30, return_variance=True)[1]
        assert variance == pytest.approx(wrong, abs=5e-3)
        assert variance > 3 * restricted_mean(times, events, 30).se ** 2


@pytest.mark.parametrize(
    ("name", "chi2", "p"),
    [
        ("aml", 3.396388699, 0.06533932),
        ("lung", 10.32674195, 0.00131116),
        ("spss", 1.6424068833783, 0.19999555379145),
        ("freireich", 16.792941, 4.1688e-5),
    ],
)
def test_logrank_equals_r_survdiff(name, chi2, p):
    frame = data(name)
    found = logrank(frame["time"], frame["event"], frame["group"])
    np.testing.assert_allclose(found, (chi2, p), rtol=3e-5)
    np.testing.assert_allclose(found, (R[f"{name}.logrank.chi2"], R[f"{name}.logrank.p"]), rtol=1e-7)


def test_weighted_rank_tests_are_different_tests():
    def chi2(name: str, **weights: object) -> float:
        frame = data(name)
        return multivariate_logrank_test(frame["time"], frame["group"], frame["event"], **weights).test_statistic

    assert chi2("aml", weightings="fleming-harrington", p=1, q=0) == pytest.approx(R["aml.rho1.chi2"], rel=1e-6)
    assert R["aml.rho1.chi2"] == pytest.approx(2.779279545, abs=1e-8)
    frame = data("freireich")
    columns = (frame["time"], frame["event"], frame["group"])
    assert logrank(*columns, "wilcoxon")[0] == pytest.approx(13.457852, abs=1e-6)
    assert logrank(*columns, "tarone-ware")[0] == pytest.approx(15.123575, abs=1e-6)
    assert chi2("freireich", weightings="peto") == pytest.approx(14.084140, abs=1e-6)


# coxph(Surv(time, death) ~ group [+ age], ties = ...): coefficient and standard error
COX = {
    "aml": {"efron": (0.915532575, 0.511934275), "breslow": (0.904219724, 0.512247907), "exact": (0.921760869, 0.516248401)},
    "freireich": {
        "efron": (-1.572125149, 0.4123967), "breslow": (-1.509191413, 0.4095644), "exact": (-1.628243952, 0.4331313),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", COX)
def test_cox_by_the_handling_of_ties(name):
    for ties, (coefficient, error) in COX[name].items():
        assert R[f"{name}.{ties}.group"] == pytest.approx(coefficient, abs=1e-9)
        assert R[f"{name}.{ties}.group.se"] == pytest.approx(error, abs=1e-7)
    frame = data(name)
    exposed = frame["group"].eq(2)
    efron = cox_efron(frame["time"], frame["event"], exposed)
    assert log(efron.value) == pytest.approx(COX[name]["efron"][0], abs=1e-6)
    assert log(efron.upper / efron.lower) / (2 * 1.959963985) == pytest.approx(COX[name]["efron"][1], abs=1e-6)
    breslow = PHReg(frame["time"], exposed.astype(float), status=frame["event"], ties="breslow").fit(disp=0)
    assert breslow.params[0] == pytest.approx(COX[name]["breslow"][0], abs=1e-8)


def test_cox_of_aml_as_a_ratio_and_its_tests():
    frame = data("aml")
    found = cox_efron(frame["time"], frame["event"], frame["group"].eq(2))
    np.testing.assert_allclose([found.value, found.lower, found.upper], [2.498105, 0.915907, 6.813496], rtol=2e-6)
    assert R["aml.efron.lrt"] == pytest.approx(3.384447, abs=5e-7)
    assert R["aml.exact.score"] == pytest.approx(R["aml.logrank.chi2"], abs=1e-8), "the score test is the log-rank test"


def test_lifelines_stops_short_of_the_maximum_so_that_its_coefficients_hold_to_1e_5():
    frame = data("aml").assign(exposed=lambda rows: rows.pop("group").eq(2).astype(float))
    early = CoxPHFitter().fit(frame, "time", "event").params_.iloc[0]
    assert early == pytest.approx(0.91553154, abs=1e-8)
    assert 1e-7 < abs(early - COX["aml"]["efron"][0]) < 1e-5


@pytest.mark.parametrize(
    ("name", "group", "age"),
    # SPSS COXREG time /STATUS=event(1) /METHOD=ENTER age sex, and coxph(..., ties = "efron")
    [("spss", 0.3783598345, -0.0156419256), ("lung", -0.5132185171, 0.0170453318)],
)
def test_cox_with_age(name, group, age):
    fitted = CoxPHFitter().fit(data(name)[["time", "event", "group", "age"]], "time", "event", fit_options=CONVERGENCE)
    np.testing.assert_allclose(fitted.params_[["group", "age"]], (group, age), atol=1e-5)
    np.testing.assert_allclose((R[f"{name}.efron.group"], R[f"{name}.efron.age"]), (group, age), atol=1e-9)
    assert -2 * fitted.log_likelihood_ == pytest.approx(R[f"{name}.efron.minus2ll"], abs=1e-5)
    errors = [R[f"{name}.efron.{term}.se"] for term in ("group", "age")]
    np.testing.assert_allclose(fitted.standard_errors_[["group", "age"]], errors, rtol=1e-5)


def test_cox_of_the_fixture_as_spss_prints_it():
    errors = [R["spss.efron.age.se"], R["spss.efron.group.se"]]
    np.testing.assert_allclose(errors, [0.0126386003, 0.2874149580], atol=1e-10)
    likelihoods = [R["spss.efron.minus2ll0"], R["spss.efron.minus2ll"]]
    np.testing.assert_allclose(likelihoods, [336.93695708, 333.73774879], atol=1e-7)
    ties = [R[f"spss.{ties}.group"] for ties in ("efron", "breslow", "exact")]
    assert ties == [ties[0]] * 3, "no tied deaths: the fixture cannot tell the rules apart"


def test_cox_of_lung_by_the_handling_of_ties():
    breslow = [R["lung.breslow.group"], R["lung.breslow.age"]]
    np.testing.assert_allclose(breslow, [-0.5125647915, 0.0170128892], atol=1e-10)
    exact = [R["lung.exact.group"], R["lung.exact.age"]]
    np.testing.assert_allclose(exact, [-0.5138634696, 0.0170603237], atol=1e-10)
    frame = data("lung")
    fitted = PHReg(frame["time"], frame[["group", "age"]], status=frame["event"], ties="breslow").fit(disp=0)
    np.testing.assert_allclose(fitted.params, breslow, atol=1e-8)


def test_firth_of_aml():
    frame = data("aml")
    exposed = frame["group"].eq(2)
    model = FirthCoxPH().fit(exposed.to_numpy(float)[:, None], (frame["event"].astype(bool), frame["time"]))
    assert model.coef_[0] == pytest.approx(0.86878848, abs=1e-7)
    assert model.bse_[0] == pytest.approx(0.50972114, abs=1e-7)
    found = cox_firth(frame["time"], frame["event"], exposed)
    expected = (0.86878790, -0.078058, 1.902828)  # an independent maximiser of the penalised likelihood
    np.testing.assert_allclose([log(found.value), log(found.lower), log(found.upper)], expected, atol=5e-6)
    assert found.p == pytest.approx(0.07235171, abs=1e-7)


def test_mann_whitney_5_against_31_by_option():
    second, first = np.arange(1, 32, dtype=float), np.array([27.5, 27.6, 27.7, 27.8, 27.9])
    found = mann_whitney(first, second)
    expected = (0.0059682964, 0.0085330114, 0.0091246944)
    np.testing.assert_allclose([R["mw.exact"], R["mw.asymptotic"], R["mw.corrected"]], expected, atol=5e-11)
    np.testing.assert_allclose([found.p_exact, found.p_asymptotic], expected[:2], atol=5e-11)
    corrected = stats.mannwhitneyu(first, second, method="asymptotic").pvalue
    assert corrected == pytest.approx(expected[2], abs=5e-11), "scipy's default corrects for continuity, SPSS does not"


def test_mann_whitney_with_ties_by_option():
    first, second = [3, 5, 5, 8, 9], [1, 2, 2, 4, 5, 6, 7, 3, 0, 1]
    expected = {"asymptotic": 0.05609052, "corrected": 0.06449998, "permutation": 0.06426906}
    for key, p in expected.items():
        assert R[f"mw.ties.{key}"] == pytest.approx(p, abs=5e-9)
    assert mann_whitney(first, second).p_asymptotic == pytest.approx(expected["asymptotic"], abs=5e-9)
    assert stats.mannwhitneyu(first, second).pvalue == pytest.approx(expected["corrected"], abs=5e-9)

    def rank_sum(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        return stats.rankdata(np.concatenate([x, y], axis=axis), axis=axis)[..., : x.shape[axis]].sum(axis=axis)

    doubled = stats.permutation_test((first, second), rank_sum, vectorized=True, n_resamples=np.inf).pvalue
    assert doubled == pytest.approx(0.06060606, abs=5e-9), "scipy doubles the smaller tail"


def test_signed_rank_by_option():
    differences = [0, 1, 1, -2, 3, 4, 5, -1, 6, 8]
    found = signed_rank(differences)
    assert found.p_spss == pytest.approx(0.04980367, abs=5e-9)
    assert found.p_spss == pytest.approx(R["sr.asymptotic"], abs=1e-9)
    assert R["sr.corrected"] == pytest.approx(0.05714468, abs=5e-9), "R's default corrects for continuity"
    assert found.p_exact == pytest.approx(0.0546875)
    pratt = {"asymptotic": 0.05186541, "exact": 0.06445313}
    for method, p in pratt.items():
        got = stats.wilcoxon(differences, zero_method="pratt", correction=False, method=method).pvalue
        assert got == pytest.approx(p, abs=5e-9)
    assert stats.wilcoxon(differences, zero_method="pratt").pvalue == pytest.approx(0.0546875)


def test_simon_makuch_curve_equals_r_survfit_with_late_entry():
    days = pd.array([105 if sirt else None for sirt in EXAMPLE_SIRT], dtype="Int64")
    columns = {"patient_id": range(36), "time_days": EXAMPLE, "death_observed": np.array(EXAMPLE_EVENT, dtype=bool)}
    curve = simon_makuch_curve(start_stop(pd.DataFrame({**columns, "exposure_day": days})))
    expected = {key: value for key, value in R.items() if key.startswith("sm.")}
    assert len(expected) > 40
    at = curve.drop_duplicates(["exposed", "time"]).set_index(["exposed", "time"])
    for key, value in expected.items():
        _, side, day, column = key.split(".")
        assert at.loc[(side == "1", float(day)), column] == pytest.approx(value, abs=1e-9), key


def test_who_enters_on_the_day_of_a_death_is_not_at_risk_of_it():
    columns = {"patient_id": ["A", "B"], "start": [0.0, 10.0], "stop": [10.0, 20.0], "death": [True, True]}
    curve = simon_makuch_curve(pd.DataFrame({**columns, "exposed": [1.0, 1.0]}))
    assert curve.loc[curve["time"].eq(10), ["survival", "at_risk"]].iloc[0].tolist() == [0.0, 1]


EXPECTED_MEANS = {12: (9.045, 6.897, 0.28), 9: (None, None, 0.23)}


@pytest.mark.parametrize("horizon_months", EXPECTED_MEANS)
def test_permuted_difference_of_restricted_means(horizon_months):
    months = np.array(EXAMPLE) / PER_MONTH
    exposed, events = np.array(EXAMPLE_SIRT, dtype=bool), np.array(EXAMPLE_EVENT, dtype=bool)
    sirt, alone, p = EXPECTED_MEANS[horizon_months]
    found = restricted_mean_test(months, events, exposed, horizon_months)
    areas = [restricted_mean(months[side], events[side], horizon_months).value for side in (exposed, ~exposed)]
    assert found.difference == pytest.approx(areas[0] - areas[1], abs=1e-9)
    assert found.p == pytest.approx(p, abs=0.015)
    if sirt:
        np.testing.assert_allclose(areas, (sirt, alone), atol=5e-4)


def coverage(size: int, interval: Callable[..., object]) -> float:
    """Share of 400 exponential samples without censoring whose nominal 95% interval holds the true median."""
    random = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        found = interval(random.exponential(5.7 / log(2), size), np.ones(size))
        lower = -np.inf if found.lower is None else found.lower
        hits += lower <= 5.7 <= (np.inf if found.upper is None else found.upper)
    return hits / 400


@pytest.mark.slow
def test_the_printed_kind_of_interval_holds_the_median_of_five_in_two_of_three_samples():
    assert coverage(5, spss_median) == pytest.approx(0.69, abs=0.06)
    assert coverage(31, spss_median) == pytest.approx(0.89, abs=0.05)
    assert coverage(5, loglog_median) == pytest.approx(0.94, abs=0.04)


def test_a_ratio_of_firth_lies_nearer_to_one_than_that_of_cox():
    cox, firth = cox_efron(EXAMPLE, EXAMPLE_EVENT, EXAMPLE_SIRT), cox_firth(EXAMPLE, EXAMPLE_EVENT, EXAMPLE_SIRT)
    # the example: Efron .522 (Wald .181-1.508), Firth .583 (profile .184-1.453)
    np.testing.assert_allclose([cox.value, cox.lower, cox.upper], [0.522, 0.181, 1.508], atol=6e-4)
    np.testing.assert_allclose([firth.value, firth.lower, firth.upper], [0.583, 0.184, 1.453], atol=6e-4)
    assert exp(0) > firth.value > cox.value
