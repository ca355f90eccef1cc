"""Rank tests, Hodges-Lehmann differences and intervals against R (tests/reference/toxicity)."""

from __future__ import annotations

import csv
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.hodges_lehmann import hodges_lehmann, u_distribution
from analysis.statistics.intervals import mean_interval, median_interval
from analysis.statistics.rank_tests import mann_whitney
from tests.support.golden import Golden
from tests.support.paths import REFERENCE
from tests.support.r_scripts import output_of

PINS = REFERENCE / "toxicity"
ALT_SIRT = [58.2, 129.3, 160.0, 202.2, 469.5]
# fmt: off
ALT_LU = [-55.8, -53.1, -45.6, -39.2, -35.0, -30.0, -24.0, -18.7, -12.2, -11.1, -6.1, 0.6, 9.7, 10.5, 11.1, 14.6,
          14.9, 18.0, 37.6, 55.4, 67.0, 70.4, 92.9, 102.2, 116.6, 116.8, 142.9, 154.7, 173.7, 189.4, 204.5]
# fmt: on
SAMPLES = {
    "alt": (ALT_SIRT, ALT_LU),
    "small": ([1.1, 2.3, 4.8], [0.2, 3.1]),
    "long": ([37 * i % 101 + 20.5 for i in range(1, 26)], [53.0 * i % 97 for i in range(1, 31)]),
}


def reference() -> dict[str, float]:
    with (PINS / "toxicity.csv").open() as file:
        return {row["name"]: float(row["value"]) for row in csv.DictReader(file)}


@pytest.mark.program
def test_the_committed_reference_is_what_r_prints(golden: Golden) -> None:
    output = output_of(PINS / "toxicity.R")
    assert output == golden.text(PINS / "toxicity.csv", output)


@pytest.mark.parametrize("name", SAMPLES)
def test_hodges_lehmann_equals_r(name: str) -> None:
    shift = hodges_lehmann(*SAMPLES[name])
    expected = reference()
    assert shift is not None
    for part in ("estimate", "lower", "upper"):
        found = shift.value if part == "estimate" else getattr(shift, part)
        assert found == pytest.approx(expected[f"{name}.exact.{part}"], abs=1e-9)


def test_coverage_of_very_small_samples_is_said() -> None:
    shift = hodges_lehmann([1.1, 2.3, 4.8], [0.2, 3.1])
    assert shift is not None
    assert shift.coverage == pytest.approx(1 - 2 / comb(5, 2))


def test_an_empty_sample_has_no_difference() -> None:
    assert hodges_lehmann([], [1.0]) is None


def test_mann_whitney_as_spss_prints_it_equals_r() -> None:
    test, expected = mann_whitney(ALT_SIRT, ALT_LU), reference()
    assert test is not None
    assert test.p_spss == pytest.approx(expected["alt.exact.p"], abs=1e-10)
    assert test.p_asymptotic == pytest.approx(expected["alt.asymptotic.p"], abs=1e-10)
    tied = mann_whitney([3, 5, 5, 8, 9], [1, 2, 2, 4, 5, 6, 7, 3, 0, 1])
    assert tied is not None
    assert tied.p_asymptotic == pytest.approx(expected["ties.asymptotic.p"], abs=1e-10)
    assert tied.p_spss == pytest.approx(0.07525808, abs=1e-8)  # SPSS ignores ties in its exact P


@pytest.mark.parametrize(("n1", "n2", "u"), [(5, 31, 0), (5, 31, 8), (5, 31, 20), (5, 31, 77), (20, 20, 130)])
def test_distribution_of_u_equals_r(n1: int, n2: int, u: int) -> None:
    assert u_distribution(n1, n2)[: u + 1].sum() == pytest.approx(reference()[f"pwilcox.{n1}.{n2}.{u}"], rel=1e-10)


@given(st.integers(1, 12), st.integers(1, 12))
def test_distribution_of_u_is_a_distribution_and_symmetric(n1: int, n2: int) -> None:
    found = u_distribution(n1, n2)
    assert found.sum() == pytest.approx(1.0)
    assert np.allclose(found, found[::-1])
    assert found[0] == pytest.approx(1 / comb(n1 + n2, n1))


def test_beyond_sixty_values_the_normal_approximation_is_close_to_the_exact_depth() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(1.0, 1.0, 30), rng.normal(0.0, 1.0, 30)
    exact, approximate = hodges_lehmann(x, y), hodges_lehmann(np.append(x, 1.0), y)
    assert exact is not None
    assert approximate is not None
    assert approximate.lower == pytest.approx(exact.lower, abs=0.1)


def test_t_interval_equals_r() -> None:
    interval = mean_interval([3, 3, 3, 4, 4])
    assert interval == pytest.approx((reference()["cycles.t.lower"], reference()["cycles.t.upper"]))
    assert mean_interval([3]) is None


def test_interval_of_a_median_by_order_statistics() -> None:
    assert median_interval([]) is None
    assert median_interval([4, 1, 3, 2, 5]) == (1, 5, "range")  # 93.75 % at most
    assert median_interval([6, 4, 1, 3, 2, 5]) == (1, 6, "95% CI, order statistics")
    assert median_interval(range(1, 32)) == (10, 22, "95% CI, order statistics")  # binom.test depth for n = 31
