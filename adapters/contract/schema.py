"""How one promised table is described and enforced: columns, dtypes, keys; nothing about which tables there are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from adapters.errors import ContractError

if TYPE_CHECKING:
    import pandera.pandas as pa

DTYPES: dict[str, str] = {
    "id": "string",
    "text": "string",
    "int": "Int64",
    "day": "Int64",
    "float": "float64",
    "bool": "boolean",
    "cat": "category",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One promised column: `kind` of DTYPES, `unit` of its numbers, `missing` = what a missing cell means."""

    name: str
    kind: str
    description: str
    unit: str = ""
    missing: str = ""
    categories: tuple[str, ...] = ()
    minimum: float | None = None

    @property
    def required(self) -> bool:
        """True where a cell is never missing."""
        return not self.missing

    @property
    def dtype(self) -> Any:
        """The pandas dtype of this column; categories are ordered and always complete."""
        if self.kind == "cat":
            return pd.CategoricalDtype(list(self.categories), ordered=True)
        return pd.api.types.pandas_dtype(DTYPES[self.kind])


@dataclass(frozen=True, slots=True)
class Table:
    """One promised table: `grain` = what a row stands for, `keys` = columns that name a row and sort the table."""

    name: str
    grain: str
    description: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    unique: bool = True

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError where the table promises none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> list[str]:
        """Column names in the promised order."""
        return [column.name for column in self.columns]

    def dictionary(self) -> list[dict[str, str]]:
        """Rows of the data dictionary: one per column, in words."""
        return [
            {
                "table": self.name,
                "column": column.name,
                "type": column.kind,
                "unit": column.unit,
                "values": ", ".join(column.categories),
                "description": column.description,
                "missing": column.missing or "never",
            }
            for column in self.columns
        ]

    def empty(self) -> pd.DataFrame:
        """The table without rows, with the dtypes of the contract."""
        return pd.DataFrame({column.name: pd.Series([], dtype=column.dtype) for column in self.columns})


@lru_cache
def pandera_schema(table: Table) -> pa.DataFrameSchema:
    """The pandera schema built from the declaration of `table`: exact columns, dtypes, required cells, keys."""
    import pandera.pandas as pa

    def checks(column: Column) -> list[pa.Check]:
        return [] if column.minimum is None else [pa.Check.ge(column.minimum)]

    columns = {
        column.name: pa.Column(column.dtype, nullable=not column.required, checks=checks(column))
        for column in table.columns
    }
    return pa.DataFrameSchema(
        columns, strict=True, ordered=True, name=table.name, unique=list(table.keys) if table.unique else None
    )


def sort_by_keys(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """`frame` ordered by the keys of `table`; numbers inside ids count as numbers ("S01-P2" before "S01-P10")."""
    if frame.empty:
        return frame.reset_index(drop=True)
    ranks: dict[str, Any] = {}
    for position, name in enumerate(table.keys):
        values = frame[name]
        if table.column(name).kind == "id":
            places, different = pd.factorize(values.astype(object).fillna(""))
            texts, numbers = zip(*map(_split_number, different), strict=True)
            ranks[f"{position} text"] = pd.factorize(np.array(texts, dtype=object), sort=True)[0][places]
            ranks[f"{position} number"] = np.array(numbers)[places]
        else:
            ranks[f"{position}"] = (values.cat.codes if table.column(name).kind == "cat" else values).array
    keys = pd.DataFrame(ranks)
    order = keys.sort_values(list(keys.columns), kind="stable").index
    return frame.iloc[order].reset_index(drop=True)


def _split_number(text: str) -> tuple[str, int]:
    """The text before its last digits, and these as a number (-1 for none)."""
    before = text.rstrip("0123456789")
    return before, int(text[len(before) :] or -1)


def conform_table(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with the columns, dtypes and order of `table`; ContractError names table, column and rule."""
    _same_columns(table, [str(name) for name in frame.columns])
    typed = pd.DataFrame({column.name: typed_column(table, column, frame[column.name]) for column in table.columns})
    if typed.empty:  # the dtypes are right, and no row can be wrong
        return typed.reset_index(drop=True)
    ordered = sort_by_keys(typed, table)
    if not _is_sound(table, ordered):
        _complain(table, ordered)
    return ordered


def _same_columns(table: Table, given: list[str]) -> None:
    missing = [name for name in table.names if name not in given]
    extra = [name for name in given if name not in table.names]
    if missing or extra:
        raise ContractError(f"table {table.name}: missing columns {missing}, columns without a promise {extra}")


def typed_column(table: Table, column: Column, values: pd.Series) -> pd.Series:
    """`values` with the dtype of `column`; ContractError where they do not fit."""
    try:
        if column.kind != "cat":
            return values.astype(column.dtype)
        typed = pd.Series(pd.Categorical(values, dtype=column.dtype), index=values.index)
    except (TypeError, ValueError):
        raise ContractError(f"table {table.name}, column {column.name}: not of type {column.kind}") from None
    if typed.isna().sum() > values.isna().sum():
        raise ContractError(f"table {table.name}, column {column.name}: value outside the closed list")
    return typed


def _is_sound(table: Table, frame: pd.DataFrame) -> bool:
    """Whether typed columns keep what the table promises besides: required cells, minimum, keys."""
    for column in table.columns:
        values = frame[column.name]
        if column.required and values.hasnans:
            return False
        if column.minimum is not None and (values < column.minimum).any():
            return False
    return not (table.unique and frame.duplicated(list(table.keys)).any())


def _complain(table: Table, frame: pd.DataFrame) -> None:
    """Raises ContractError with the rules that pandera finds broken."""
    from pandera.errors import SchemaErrors

    try:
        pandera_schema(table).validate(frame, lazy=True)
    except SchemaErrors as errors:
        broken = errors.failure_cases[["column", "check"]].drop_duplicates().astype(str)
        rules = "; ".join(f"{row.column}: {row.check}" for row in broken.itertuples())
        raise ContractError(f"table {table.name}: {rules}") from None
