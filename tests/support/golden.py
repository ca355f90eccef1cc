"""Golden files: committed values that a test compares with, written anew by `pytest --update-golden`."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.once import locked


class Golden:
    """Reads expected values from golden files; with `update` it first writes there what was computed."""

    def __init__(self, *, update: bool) -> None:
        self.update = update

    def entry(self, path: Path, keys: Sequence[str], computed: Any) -> Any:
        """The committed value in a JSON file of nested objects, by its keys from the outermost on."""
        if self.update:
            with locked(_lock(path)):
                document = json.loads(path.read_text("utf-8"))
                innermost = document
                for key in keys[:-1]:
                    innermost = innermost.setdefault(key, {})
                innermost[keys[-1]] = computed
                path.write_text(json.dumps(document, indent=_indent(path)) + "\n", "utf-8")
        found = json.loads(path.read_text("utf-8"))
        for key in keys:
            found = found[key]
        return found

    def text(self, path: Path, computed: str) -> str:
        """The committed text of a whole file."""
        if self.update:
            path.write_text(computed, "utf-8")
        return path.read_text("utf-8")

    def column(self, path: Path, name: str, computed: Mapping[str, str]) -> dict[str, str]:
        """The committed cells of one column of a CSV file by the row's `id`, without the empty ones."""
        if self.update:
            with locked(_lock(path)):
                _write_column(path, name, computed)
        return {row["id"]: row[name] for row in _rows(path) if row[name]}


def _lock(path: Path) -> Path:
    """A lock file in the system's temporary folder, so that nothing is left beside the golden file."""
    return Path(tempfile.gettempdir()) / f"golden-{path.stem}.lock"


def _indent(path: Path) -> int:
    """The spaces by which the file is indented."""
    second_line = path.read_text("utf-8").splitlines()[1]
    return len(second_line) - len(second_line.lstrip())


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write_column(path: Path, name: str, computed: Mapping[str, str]) -> None:
    """Put the cells into the column; rows are sorted by id, and rows that are empty in every column are left out."""
    rows = {row["id"]: row for row in _rows(path)}
    columns = [*next(iter(rows.values()))]
    for result_id in rows.keys() | computed.keys():
        rows.setdefault(result_id, {"id": result_id} | dict.fromkeys(columns[1:], ""))[name] = computed.get(
            result_id, ""
        )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            rows[result_id] for result_id in sorted(rows) if any(rows[result_id][column] for column in columns[1:])
        )
