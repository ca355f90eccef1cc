"""How many draws a simulation takes, and the P value that follows."""

import pytest

from analysis.statistics.monte_carlo import Draws, monte_carlo_p

DRAWS = Draws(seed=1, usual=4000, least=200, values=1_000_000)


@pytest.mark.parametrize(("size", "draws"), [(1, 4000), (250, 4000), (1000, 1000), (5000, 200), (1_000_000, 200)])
def test_draws_fall_with_the_size_of_the_cohort_but_not_below_the_least(size, draws):
    assert DRAWS.affordable(size) == draws


def test_another_usual_number_keeps_both_limits():
    assert DRAWS.affordable(10, usual=50) == 200
    assert DRAWS.affordable(100, usual=20_000) == 10_000


def test_every_generator_starts_anew():
    assert DRAWS.generator().random() == DRAWS.generator().random()


@pytest.mark.parametrize(("extreme", "p"), [(0, 1 / 100), (99, 1.0)])
def test_the_data_count_as_a_draw(extreme, p):
    assert monte_carlo_p(extreme, 99) == pytest.approx(p)
