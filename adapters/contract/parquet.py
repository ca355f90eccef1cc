"""Tidy tables as Parquet files in one folder: write them without other patients' values, read them when asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.contract.schema import Table, typed_column
from adapters.errors import ContractError

if TYPE_CHECKING:
    import pyarrow.dataset as ds

MANIFEST = "manifest.json"
REPOSITORY = Path(__file__).resolve().parents[2]

_ARROW = {
    "id": pa.string(),
    "text": pa.string(),
    "int": pa.int64(),
    "day": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "cat": pa.dictionary(pa.int8(), pa.string(), ordered=True),
}


def tables_folder(path: str | Path | None = None) -> Path:
    """Where tables are read from: `path`, else STUDY_TABLES, else data/tables/current of this repository."""
    chosen = Path(path or os.environ.get("STUDY_TABLES") or REPOSITORY / "data" / "tables" / "current")
    inside = chosen / "current"  # a pull that switches `current` meanwhile must not mix two sets of tables
    folder = (inside if (inside / MANIFEST).is_file() else chosen).resolve()
    if not (folder / MANIFEST).is_file():
        raise FileNotFoundError(f"no tables in {chosen}: run `make book`, or `python -m adapters pull SOURCE`")
    return folder


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of `table`: strings, 64-bit numbers, ordered dictionaries."""
    return pa.schema([pa.field(column.name, _ARROW[column.kind]) for column in table.columns])


def write(table: Table, frame: pd.DataFrame, folder: Path) -> Path:
    """Write a frame that keeps the contract of `table` to FOLDER/<table>.parquet; returns the path.

    A dictionary on disk holds the closed list of the contract and nothing else, so rows that were filtered away leave
    no trace. Missing floats are nulls on disk.
    """
    path = folder / f"{table.name}.parquet"
    arrow = pa.Table.from_pandas(frame, schema=arrow_schema(table), preserve_index=False)
    pq.write_table(arrow, path, compression="zstd")
    return path


def read(table: Table, folder: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """`table` of FOLDER with the contract's dtypes; ContractError where the file does not fit the contract."""
    path = folder / f"{table.name}.parquet"
    if not path.is_file():
        raise ContractError(f"table {table.name}: no file {path.name} beside the manifest; pull again")
    names = table.names if columns is None else list(columns)
    absent = sorted(set(names) - set(pq.read_schema(path).names))
    if absent:
        raise ContractError(f"table {table.name}: no column {', '.join(absent)}")
    frame = pq.read_table(path, columns=names).to_pandas()
    return pd.DataFrame({name: typed_column(table, table.column(name), frame[name]) for name in names})


def dataset(table: Table, folder: Path) -> ds.Dataset:
    """`table` of FOLDER as a pyarrow dataset."""
    import pyarrow.dataset as ds

    return ds.dataset(folder / f"{table.name}.parquet", schema=arrow_schema(table), format="parquet")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of FOLDER."""
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return manifest


class LazyTables(Mapping[str, pd.DataFrame]):
    """Tables of one folder by name; each is read once, when first asked for, and handed out as a copy of its own."""

    def __init__(
        self,
        folder: Path,
        tables: Mapping[str, Table],
        columns: Mapping[str, Sequence[str]] | Sequence[str] | None = None,
    ) -> None:
        self._folder = folder
        self._tables = tables
        self._columns = columns
        self._read: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._read:
            self._read[name] = read(self._tables[name], self._folder, self._wanted(self._tables[name]))
        return self._read[name].copy()

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        return f"tables of {self._folder}: {', '.join(self)}"

    def _wanted(self, table: Table) -> Sequence[str] | None:
        if self._columns is None:
            return None
        if isinstance(self._columns, Mapping):
            return self._columns.get(table.name)
        return [name for name in self._columns if name in table.names]
