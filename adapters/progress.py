"""How far a command is: the function that is told, and the one that tells nobody."""

from __future__ import annotations

from typing import Protocol

NOTE = -1  # in place of a number: the stage is a line for the reader


class Progress(Protocol):
    """Told the stage, the number of resource versions (or bytes) so far, and of how many where that is known."""

    def __call__(self, stage: str, number: int, total: int | None = None, /) -> None: ...


def silent(_stage: str, _number: int, _total: int | None = None, /) -> None:
    """Progress that nobody sees."""
