"""How many random draws a test takes, from which seed, and when a draw counts as extreme as the data.

Every simulation of the analysis takes its numbers from here. A cohort of thousands needs no fine grain and would fill
the memory, so the draws fall with its size, but never below a least number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TIE_TOLERANCE = 1e-9  # a draw this close to the data counts as equal: sums in another order differ in the last digits


@dataclass(frozen=True, slots=True)
class Draws:
    """Seed, usual and least number of draws, and how many values (draws times values of a draw) are affordable."""

    seed: int
    usual: int
    least: int
    values: int

    def generator(self) -> np.random.Generator:
        """A new generator from the seed, so that a test depends on no other."""
        return np.random.default_rng(self.seed)

    def affordable(self, values_per_draw: int, usual: int | None = None) -> int:
        """Number of draws for draws of so many values; `usual` replaces the usual number."""
        wanted = self.usual if usual is None else usual
        return max(self.least, min(wanted, self.values // values_per_draw))


EXACT_LOGRANK = Draws(20200501, 200_000, 10_000, 100_000_000)
LESIONS = Draws(20200501, 4000, 200, 4_000_000)
IMMORTAL_TIME = Draws(20200502, 4000, 200, 1_000_000)
RESTRICTED_MEAN = Draws(20200503, 10_000, 1000, 4_000_000)
INTERVAL_COVERAGE = Draws(20200504, 4000, 200, 1_000_000)


def monte_carlo_p(extreme: int, draws: int) -> float:
    """P value of `extreme` of `draws` at least as extreme as the data, which count too: (extreme + 1) / (draws + 1).

    So P is never 0.
    """
    return (1 + extreme) / (1 + draws)
