"""What the command line shows: one-line errors, and progress, as bars on a terminal (NO_COLOR is honoured)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

import typer

from adapters.progress import NOTE, Progress

if TYPE_CHECKING:
    from rich.progress import TaskID

EVERY = 500  # resources between two updates
SECONDS_BETWEEN_LINES = 10.0  # where there is no terminal


def fail(message: str, code: int) -> NoReturn:
    """Print the error as one line and leave with its code."""
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    raise typer.Exit(code)


def run(app: typer.Typer, name: str) -> NoReturn:
    """Run a command line and leave with its exit code; a wrong call is one line too, and nothing at all asks for help."""
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name=name, standalone_mode=False)
    except typer.TyperException as error:  # not known, not given, or not a value of the option
        context = getattr(error, "ctx", None)
        called = context.command_path if context is not None else name
        what = error.format_message().strip().rstrip(".")
        print(f"error: command line: {' '.join(what.split())}; see {called} --help", file=sys.stderr)
        code = error.exit_code
    sys.exit(code)


@contextmanager
def progress_shown() -> Iterator[Progress]:
    """A function that shows progress: as bars on a terminal, elsewhere as a line now and then, without rich."""
    if not sys.stderr.isatty():
        yield _Lines().show
        return
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.SpinnerColumn(),
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.TextColumn("{task.completed:>9,.0f}"),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(
        *columns, console=Console(stderr=True, highlight=False, soft_wrap=True), transient=True
    ) as display:
        tasks: dict[str, TaskID] = {}
        seen: dict[str, int] = {}  # what each stage shows

        def show(stage: str, number: int, total: int | None = None, /) -> None:
            """Move the bar of a stage, in steps where it is long, or print a note."""
            if number == NOTE:
                display.console.print(stage, markup=False)
                return
            if stage not in tasks:
                tasks[stage] = display.add_task(stage, total=total)
            if total is not None or number < EVERY or number - seen.get(stage, 0) >= EVERY:
                seen[stage] = number
                display.update(tasks[stage], completed=number)

        yield show


class _Lines:
    """Progress where there is no terminal: every note, and after ten seconds a line every ten seconds."""

    def __init__(self) -> None:
        self._last = monotonic()

    def show(self, stage: str, number: int, _total: int | None = None, /) -> None:
        """Print a note, or the stage with its number if the last line is long ago."""
        if number == NOTE:
            typer.echo(stage, err=True)
        elif monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = monotonic()
            typer.echo(f"{stage}: {number:,}", err=True)
