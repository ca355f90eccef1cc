"""Output of the command line: one-line errors, and a progress bar on a terminal (respects NO_COLOR)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

from adapters.progress import NOTE, Progress

if TYPE_CHECKING:
    from rich.progress import TaskID

EVERY = 500  # resources between two updates


def fail(message: str, code: int) -> NoReturn:
    """Print the error as one line and leave with its code."""
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    raise typer.Exit(code)


def run(app: typer.Typer, name: str) -> NoReturn:
    """Run a command line and leave with its exit code. A wrong call is one line; no arguments print the help."""
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
    """A function that shows progress: a bar on a terminal, elsewhere only the notes (rich is not imported)."""
    if not sys.stderr.isatty():
        yield _note
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


def _note(stage: str, number: int, _total: int | None = None, /) -> None:
    """Only the notes, each on a line of its own."""
    if number == NOTE:
        typer.echo(stage, err=True)
