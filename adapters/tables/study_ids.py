"""Study ids: patients and their lesions ranked by a hash of their own rows, which hold no id and no date.

So neither the order of resources, nor source ids, nor the calendar, nor the source changes a study id. Two patients
with equal rows get neighbouring ids in either order, which gives the same tables. A link file, where one is kept, is
the only place where source ids survive.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
import pandas as pd

from adapters.errors import InputError

REPOSITORY = Path(__file__).resolve().parents[2]
_MODE = 0o600
_CELL, _ROW = "\x1f", "\x1e"


def row_texts(frame: pd.DataFrame, columns: Sequence[str]) -> pd.Series:
    """Each row's cells in `columns` as one text; missing cells of every dtype read alike."""
    cells = [_cells(frame[name]) for name in columns]
    return pd.Series([_CELL.join(row) for row in zip(*cells, strict=True)], index=frame.index, dtype=object)


def _cells(values: pd.Series) -> Iterable[str]:
    if values.dtype == float:  # apart by their bits, since equal numbers may read differently: 0.0 and -0.0
        numbers, bits = pd.factorize(values.to_numpy().view("int64"))
        texts = ["" if value != value else str(value) for value in bits.view("float64").tolist()]
    else:
        numbers, different = pd.factorize(values)  # -1 for what is missing
        texts = [*map(str, different.tolist()), ""]
    return map(texts.__getitem__, numbers.tolist())


def fingerprints(owners: pd.Series, texts: pd.Series) -> pd.Series:
    """Owner -> SHA-256 (hexadecimal) of its row texts, whatever their order; owners as they first come."""
    texts_by_owner: dict[object, list[str]] = {}
    for owner, text in zip(owners, texts, strict=True):
        texts_by_owner.setdefault(owner, []).append(text)
    hashes = [hashlib.sha256(_ROW.join(sorted(own)).encode()).hexdigest() for own in texts_by_owner.values()]
    return pd.Series(hashes, index=list(texts_by_owner), dtype=object)


def rank_patients(keys: Sequence[str], tables: Iterable[tuple[str, pd.Series, pd.Series]]) -> list[str]:
    """`keys` in the order of the hashes of their rows in all tables; a table is (name, owner of row, text of row)."""
    digests: dict[str, list[str]] = {key: [] for key in keys}
    for name, owners, texts in tables:
        for owner, digest in fingerprints(owners, texts).items():
            digests[str(owner)].append(f"{name} {digest}")
    return sorted(keys, key=lambda key: hashlib.sha256(_ROW.join(digests[key]).encode()).hexdigest())


@dataclass
class StudyIds:
    """Source key -> study id, of patients and of lesions; empty without a link file, filled by the pull."""

    patients: dict[str, str] = field(default_factory=dict)
    lesions: dict[str, str] = field(default_factory=dict)

    def name_patients(self, ranked: Sequence[str], records: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Study ids for persons in rank order: known persons keep theirs, new ones take the next numbers.

        `records` are the source keys of all records of a person; any of them makes the person known.
        """
        names: dict[str, str] = {}
        taken = set(self.patients.values())
        for key in ranked:
            known = sorted({self.patients[record] for record in records[key] if record in self.patients})
            if known and known[0] not in names.values():
                names[key] = known[0]
        width = max(2, len(str(len(taken) + len(ranked) - len(names))))
        number = max((int(name[1:]) for name in taken), default=0)
        for key in ranked:
            if key not in names:
                number += 1
                names[key] = f"S{number:0{width}d}"
            self.patients.update(dict.fromkeys(records[key], names[key]))
        return names

    def name_lesions(self, ranked: Sequence[tuple[str, str]], records: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Study ids for lesions in rank order, each given as (lesion key, study id of its patient), as for patients."""
        names: dict[str, str] = {}
        last: dict[str, int] = {}
        for name in self.lesions.values():
            patient, _, number = name.rpartition("-L")
            last[patient] = max(last.get(patient, 0), int(number))
        for key, patient in ranked:
            known = sorted(
                {self.lesions[r] for r in records[key] if self.lesions.get(r, "").startswith(f"{patient}-L")}
            )
            if known:
                names[key] = known[0]
            else:
                last[patient] = last.get(patient, 0) + 1
                names[key] = f"{patient}-L{last[patient]}"
            self.lesions.update(dict.fromkeys(records[key], names[key]))
        return names


def check_link(path: Path) -> None:
    """Raises InputError if the link file lies inside the repository, where it could be committed or published."""
    if path.resolve().is_relative_to(REPOSITORY):
        raise InputError("the link file lies inside the repository", "--link", "keep it where only you can read it")


class _Linked(msgspec.Struct):
    """What a link file holds."""

    patients: dict[str, Annotated[str, msgspec.Meta(pattern=r"^S[0-9]{1,9}$")]]
    lesions: dict[str, Annotated[str, msgspec.Meta(pattern=r"^S[0-9]{1,9}-L[0-9]{1,9}$")]]


def read_link(path: Path) -> StudyIds:
    """The study ids of earlier pulls; none where the file does not exist yet. Raises InputError."""
    check_link(path)
    if not path.exists():
        return StudyIds()
    try:
        linked = msgspec.json.decode(path.read_bytes(), type=_Linked)
        return StudyIds(dict(linked.patients), dict(linked.lesions))
    except (OSError, RecursionError, ValueError):
        raise InputError("the link file cannot be read", "--link", "give the file that an earlier pull wrote") from None


def write_link(path: Path, ids: StudyIds) -> None:
    """Write the link file, readable by its owner alone, in one step. Raises InputError inside the repository."""
    check_link(path)
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"patients": ids.patients, "lesions": ids.lesions}, file, indent=1, sort_keys=True)
    beside.replace(path)
