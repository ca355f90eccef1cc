"""What the command line shows: one-line errors, and a progress bar on a terminal only (NO_COLOR is honoured)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from adapters.reading.stage import NOTE
from adapters.reading.stage import Progress as Report

EVERY = 500  # resources between two updates


def fail(message: str, code: int) -> NoReturn:
    """Print the error as one line and leave with its code."""
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def progress_shown() -> Iterator[Report]:
    """A function that shows progress on a terminal, and elsewhere only what a reader must know."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)

    def tell(stage: str, number: int) -> None:
        if number == NOTE:
            console.print(stage, markup=False)

    if not console.is_terminal:
        yield tell
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:>9,.0f}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, number: int) -> None:
            if number == NOTE:
                return tell(stage, number)
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=None)
            if number % EVERY == 0 or number < EVERY:
                progress.update(tasks[stage], completed=number)
            return None

        yield show
