"""What a result rests on in the cohort reconstructed from the paper: `basis.csv`, applied here and nowhere else.

Results are built with the basis "data"; those of physics and design say so themselves, for they rest on no patient. The
reconstructed cohort was searched for so that the published values come out, so there "data" says too little: a published
value forces a number (printed), limits it (bounded) or leaves it open (free). On any other cohort nothing here applies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.opened_book import is_reconstruction
from analysis.paper.ranges import with_range
from analysis.results import Result

BASIS = Path(__file__).with_name("basis.csv")
WITHOUT_ROW = "free"  # what the table does not name was not published: the search chose it


def settle(result: Result, manifest: Mapping[str, Any]) -> Result:
    """`result` with its basis and range if the cohort is the reconstruction, else `result` itself."""
    return with_range(with_basis(result)) if is_reconstruction(manifest) else result


def with_basis(result: Result) -> Result:
    """`result` of the reconstruction with the basis of its row; one of physics or design is returned unchanged."""
    return replace(result, basis=basis_of(result.id)) if result.basis == "data" else result


@cache
def basis_of(result_id: str) -> str:
    """Printed, bounded or free: the basis of a result in the reconstruction. Free without a row in `basis.csv`.

    Raises ValueError when two rows match, which would leave the basis to their order.
    """
    bases = [row.basis for row in matching_rows(result_id).itertuples()]
    if len(bases) > 1:
        raise ValueError(f"{result_id} matches {len(bases)} rows of {BASIS.name}")
    return str(bases[0]) if bases else WITHOUT_ROW


def matching_rows(result_id: str) -> pd.DataFrame:
    """Rows of `basis_table` whose pattern matches an id."""
    table = basis_table()
    return table[[bool(re.fullmatch(expression, result_id)) for expression in table["expression"]]]


@cache
def basis_table() -> pd.DataFrame:
    """One row per id or pattern: pattern, basis, why, expression (the pattern as a regular expression). Do not change it.

    In a pattern "|" parts alternatives, "*" is any one part of an id between dots, a last "**" all further parts or none.
    """
    table = pd.read_csv(BASIS, dtype="string")
    return table.assign(expression=[_expression(str(pattern)) for pattern in table["pattern"]])


def _expression(pattern: str) -> str:
    whole, rest = (pattern.removesuffix(".**"), r"(?:\..+)?") if pattern.endswith(".**") else (pattern, "")
    parts = ("[^.]+" if part == "*" else f"(?:{part})" for part in whole.split("."))
    return r"\.".join(parts) + rest
