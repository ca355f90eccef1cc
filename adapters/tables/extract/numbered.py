"""Resources by number: the tables are joined on whole numbers, which is far faster than on texts such as "Type/id"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from adapters.tables.extract.views import Extract, Fault


@dataclass(frozen=True)
class Numbered:
    """What the views gave, with the number of each resource as its key; numbers are places in `keys`.

    frames : as in Extract, the column resource_key holding numbers; columns of references still hold texts
    keys : "Type/id" of all resources seen, in the order read
    numbers : "Type/id" -> number
    faults : number -> the first invalid field that a view read
    """

    frames: dict[str, pd.DataFrame]
    keys: list[str]
    numbers: dict[str, int]
    faults: dict[int, Fault]

    def kind(self, number: int) -> str:
        """The resource type of a resource."""
        return self.keys[number].partition("/")[0]

    def texts(self, numbers: Iterable[int]) -> list[str]:
        """ "Type/id" of each resource."""
        return [self.keys[number] for number in numbers]

    def numbers_of(self, keys: Iterable[str]) -> list[int]:
        """The numbers of those of the keys ("Type/id") that were read."""
        return [self.numbers[key] for key in keys if key in self.numbers]


def numbered(extracted: Extract) -> Numbered:
    """`extracted` with numbers for keys. Raises KeyError for rows of a resource that was not seen."""
    numbers = {key: number for number, key in enumerate(extracted.keys)}
    frames = {name: _renamed(frame, numbers) for name, frame in extracted.frames.items()}
    return Numbered(frames, extracted.keys, numbers, {numbers[key]: fault for key, fault in extracted.faults.items()})


def _renamed(frame: pd.DataFrame, numbers: dict[str, int]) -> pd.DataFrame:
    keys = np.fromiter(map(numbers.__getitem__, frame["resource_key"]), dtype=np.int64, count=len(frame))
    return frame.assign(resource_key=keys)
