"""Progress of a command: the interface, and an implementation that shows nothing."""

from __future__ import annotations

from typing import Protocol

NOTE = -1  # in place of a number: the stage is a line for the reader


class Progress(Protocol):
    """Called with the stage, the number of resource versions (or bytes) so far, and the total if it is known."""

    def __call__(self, stage: str, number: int, total: int | None = None, /) -> None:
        """Show the step, or ignore it."""


def silent(_stage: str, _number: int, _total: int | None = None, /) -> None:
    """Progress that is not shown."""
