"""Output of the command line: one-line errors, and progress, as bars on a terminal (respects NO_COLOR)."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

import typer

from adapters.plain_text import visible
from adapters.progress import NOTE, Progress

if TYPE_CHECKING:
    from rich.progress import TaskID

INTERRUPTED, UNFORESEEN = 130, 70  # exit codes; 0, 2 and 3 are those of the errors
EVERY = 500  # resources between two updates
SECONDS_BETWEEN_LINES = 10.0  # where there is no terminal


def fail(message: str, code: int) -> NoReturn:
    """Print the error as one line and leave with its code."""
    print(f"error: {visible(message)}", file=sys.stderr)
    raise typer.Exit(code)


def run(app: typer.Typer, name: str) -> NoReturn:
    """Run a command line and leave with its exit code. A wrong call is one line; no arguments print the help."""
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name=name, standalone_mode=False)
    except typer.TyperException as error:  # not known, not given, or not a value of the option
        context = getattr(error, "ctx", None)
        called = context.command_path if context is not None else name
        what = error.format_message().strip().rstrip(".")
        print(f"error: command line: {visible(what)}; see {called} --help", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print("error: interrupted; the last tables are untouched", file=sys.stderr)
        code = INTERRUPTED
    except Exception as error:  # the only place that takes whatever nobody foresaw
        code = unforeseen(error)
    sys.exit(code)


def unforeseen(error: Exception) -> int:
    """Print an unforeseen fault as one line, with the file that says where it happened; gives the exit code."""
    kind, file = type(error).__name__, write_traceback(error)
    told = f"details, without data, are in {file}: please report them" if file is not None else "please report it"
    print(f"error: unforeseen fault ({kind}); the last tables are untouched; {told}", file=sys.stderr)
    return UNFORESEEN


def write_traceback(error: BaseException) -> Path | None:
    """Write where an error came from to a new private file: places and kinds, no messages, since these may hold data."""
    lines = [f"Python {platform.python_version()} on {platform.system()}"]
    seen: BaseException | None = error
    while seen is not None:
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        lines += [
            f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(seen.__traceback__)
        ]
        seen = seen.__cause__ or seen.__context__
    try:
        descriptor, name = tempfile.mkstemp(prefix="adapters-fault-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except OSError:
        return None
    return Path(name)


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
                display.console.print(visible(stage), markup=False)
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
            typer.echo(visible(stage), err=True)
        elif monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = monotonic()
            typer.echo(f"{stage}: {number:,}", err=True)
