"""Many tests, one study: what adjustment leaves, and the smallest P value that each design could have given.

Families and their reasons are in `study.toml` ([multiplicity]); P values come in as arguments, printed or computed. A
printed inequality is a bound: its adjusted value is a bound too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pandas as pd
from statsmodels.stats.multitest import multipletests


class Family(Protocol):
    """Tests that are corrected together, by id, and the reason for it."""

    @property
    def tests(self) -> Sequence[str]:
        """The result ids of the P values."""

    @property
    def reason(self) -> str:
        """Why they are corrected together, as a sentence."""


def holm(p_values: pd.Series) -> pd.Series:
    """Holm-adjusted P values (Holm 1979, Scand J Stat 6:65-70) in the order given; missing P values stay missing.

    A test without a P value still belongs to its family, so it counts in the number of tests with P = 1, the value that
    favours it least.
    """
    if p_values.empty:
        return p_values.astype(float)
    adjusted = multipletests(p_values.astype(float).fillna(1.0), method="holm")[1]
    return pd.Series(adjusted, index=p_values.index).where(p_values.notna())


def adjust(tests: pd.DataFrame, families: Mapping[str, Family]) -> pd.DataFrame:
    """Tests with their Holm-adjusted P in each family that names them.

    `tests`: columns id, p, operator ("=" or "<"). `families`: name -> its tests (ids) and reason. Returns family, id,
    operator, p, holm_p, tests_in_family, reason; one row per family and test, in the order of the family. Raises
    KeyError when a family names a test that is not given.
    """
    known = tests.set_index("id")
    parts = []
    for name, family in families.items():
        unknown = [key for key in family.tests if key not in known.index]
        if unknown:
            raise KeyError(f"family '{name}' names tests that are not given: {', '.join(unknown)}")
        rows = known.loc[list(family.tests)].reset_index()
        rows = rows.assign(
            family=name, holm_p=holm(rows["p"]).to_numpy(), tests_in_family=len(rows), reason=family.reason
        )
        parts.append(rows[["family", "id", "operator", "p", "holm_p", "tests_in_family", "reason"]])
    return pd.concat(parts, ignore_index=True)
