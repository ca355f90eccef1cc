"""Numbers beside a coded answer (extension ordinalValue), for scores and within the range that means the score."""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files

import numpy as np
import pandas as pd


@lru_cache(maxsize=1)
def _ranges() -> dict[str, tuple[float, float]]:
    """Measure -> smallest and largest ordinal value that is the score itself."""
    text = (files("adapters.tables.measurements") / "ordinal_values.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["measure"]: (float(row["minimum"]), float(row["maximum"])) for row in rows}


def ordinal_values(rows: pd.DataFrame) -> pd.Series:
    """The ordinal value of each row (measure, ordinal_value) where it is a whole number in the range of its measure."""
    values = pd.Series(np.nan, index=rows.index)
    given = rows["ordinal_value"].notna()
    for index, measure, value in zip(
        rows.index[given], rows.loc[given, "measure"], rows.loc[given, "ordinal_value"], strict=True
    ):
        low, high = _ranges().get(measure, (np.inf, -np.inf))
        number = float(value)
        if number.is_integer() and low <= number <= high:
            values[index] = number
    return values
