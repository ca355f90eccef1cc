"""The command line: python -m adapters pull | demo | view | doctor.

Exit codes: 0 complete, 2 the input or the call is wrong, 3 a source did not give everything. Errors are one line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.console import fail, progress_shown, run
from adapters.errors import AdapterError, ContractError, InputError
from adapters.sources import Question, ServerOptions, is_server, open_source

app = typer.Typer(help="FHIR R4 to tidy tables.", add_completion=False, pretty_exceptions_enable=False)


class FileFormat(StrEnum):
    """How the demo cohort is written."""

    bundle = "bundle"
    ndjson = "ndjson"


class Dialect(StrEnum):
    """Which profiles, codes and units the demo cohort follows."""

    mcode = "mcode"
    mii = "mii"


class RowFormat(StrEnum):
    """How the rows of views are written."""

    csv = "csv"
    ndjson = "ndjson"
    parquet = "parquet"


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn every error that is ours into one line and its exit code."""
    try:
        yield
    except AdapterError as error:
        fail(str(error), error.exit_code)
    except ContractError as error:
        fail(f"the rows do not keep the promise of the tables: {error}", 2)
    except KeyboardInterrupt:
        fail("interrupted; the last tables are untouched", 130)
    except MemoryError:
        fail("not enough memory on this machine; give the source in parts, or pull with --patients", 2)
    except BrokenPipeError:
        sys.stderr.close()
        raise typer.Exit(0) from None
    except OSError as error:
        where = str(error.filename) if error.filename is not None else ""
        what = error.strerror or "input or output failed"
        fail(str(InputError(what, where, "check the path, space and permissions")), 2)


def _check_options(spec: str, options: ServerOptions, *, dry_run: bool = False, **of_files: bool) -> dict[str, bool]:
    """The options of files that are given. Raises InputError for options of servers with files and the reverse."""
    given = options.given() + (["dry_run"] if dry_run else [])
    if given and not is_server(spec):
        raise InputError("is for servers only", f"--{given[0].replace('_', '-')}", "leave it out for files")
    chosen: dict[str, bool] = {name: value for name, value in of_files.items() if value}
    if chosen and is_server(spec):
        name = next(iter(chosen)).replace("_", "-")
        raise InputError("is for files only", f"--{name}", "leave it out for servers")
    return chosen


SourceArgument = Annotated[
    str, typer.Argument(metavar="SOURCE", help="Bundle file, NDJSON file, folder of them, or http(s) FHIR base.")
]
PatientsOption = Annotated[
    Path | None, typer.Option("--patients", help="Only these patients: a file of ids or system|value, one a line.")
]
GroupOption = Annotated[str | None, typer.Option("--group", help="Only the members of this Group in the source.")]
CohortOption = Annotated[
    str | None, typer.Option("--cohort", help='"all" takes every patient instead of the cohort rule of study.toml.')
]
SettingsOption = Annotated[Path | None, typer.Option("--settings", help="Another study.toml.")]
UnreadableOption = Annotated[
    bool, typer.Option("--accept-unreadable", help="Count NDJSON lines that cannot be parsed, and go on.")
]
SkipOption = Annotated[
    bool, typer.Option("--skip-unknown-files", help="Folders: count entries that cannot be read, and go on.")
]
ServerConfigOption = Annotated[
    Path | None,
    typer.Option("--server-config", help="Servers: a TOML file of settings (see the page on your own data)."),
]
BulkOption = Annotated[
    str | None, typer.Option("--bulk", help="Servers: $export at this level: system, patient or group/ID.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Servers: print the searches, send none.")]
KeepRawOption = Annotated[bool, typer.Option("--keep-raw", help="Servers: keep what was fetched.")]
DriftOption = Annotated[bool, typer.Option("--accept-drift", help="Servers: resume although the cohort has changed.")]
OutputOriginOption = Annotated[
    str | None, typer.Option("--allow-output-origin", help="Bulk: files may also come from this https origin.")
]


@app.command()
def pull(
    source: SourceArgument,
    out: Annotated[Path, typer.Option("--out", help="Where the tables and manifest.json go.")],
    cohort: CohortOption = None,
    patients: PatientsOption = None,
    group: GroupOption = None,
    accept_unreadable: UnreadableOption = False,
    skip_unknown_files: SkipOption = False,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Write empty tables if nobody is left.")] = False,
    link: Annotated[Path | None, typer.Option("--link", help="File that keeps study ids across pulls.")] = None,
    settings: SettingsOption = None,
    server_config: ServerConfigOption = None,
    bulk: BulkOption = None,
    dry_run: DryRunOption = False,
    keep_raw: KeepRawOption = False,
    accept_drift: DriftOption = False,
    allow_output_origin: OutputOriginOption = None,
) -> None:
    """Tidy tables as Parquet, with manifest.json. Exit 0 only if complete."""
    with _one_line():
        from adapters.pull import Request, chosen_settings, selection, types_read
        from adapters.pull import pull as pulled

        options = ServerOptions(server_config, bulk, keep_raw, accept_drift, allow_output_origin)
        of_files = _check_options(
            source, options, dry_run=dry_run, accept_unreadable=accept_unreadable, skip_unknown_files=skip_unknown_files
        )
        request = Request(selection(patients, group), allow_empty=allow_empty, link=link)
        chosen = chosen_settings(settings, cohort)
        question = Question(chosen, types_read(chosen), request.selection)
        with progress_shown() as shown:
            opened = open_source(source, question=question, options=options, shown=shown, **of_files)
            if dry_run:
                typer.echo("\n".join(opened.dry_run()))
                return
            manifest = pulled(opened, out, settings=chosen, request=request, progress=shown)
        _summary(manifest, out)


def _summary(manifest: dict[str, Any], out: Path) -> None:
    from rich.console import Console

    dispositions, tables = manifest["dispositions"], manifest["tables"]
    counts = ", ".join(f"{dispositions[name]} {name.replace('_', ' ')}" for name in ("used", "left_out", "quarantined"))
    rows = ", ".join(f"{number} {name}" for name, number in tables.items())
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(f"{dispositions['read']} resources read: {counts}", markup=False)
    console.print(f"tables {manifest['hash']} in {out}: {rows}", markup=False)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the cohort.")],
    file_format: Annotated[FileFormat, typer.Option("--format", help="One Bundle or NDJSON.")] = FileFormat.bundle,
    dialect: Annotated[Dialect, typer.Option("--dialect", help="mCODE or German MII.")] = Dialect.mcode,
    patients: Annotated[
        int | None, typer.Option("--patients", min=1, help="Resample to this many patients: for load, not for results.")
    ] = None,
) -> None:
    """The synthetic cohort as FHIR R4, byte-identical on every run."""
    with _one_line():
        from adapters.synthetic.demo import write_demo

        with progress_shown() as shown:
            write_demo(out, form=file_format.value, dialect=dialect.value, patients=patients, progress=shown)


@app.command()
def view(
    views_and_source: Annotated[list[str], typer.Argument(metavar="VIEW... SOURCE", help="ViewDefinitions, source.")],
    row_format: Annotated[RowFormat, typer.Option("--format", help="How rows are written.")],
    out: Annotated[Path | None, typer.Option("--out", help="File, or a folder for several views.")] = None,
    accept_unreadable: UnreadableOption = False,
    skip_unknown_files: SkipOption = False,
    patients: PatientsOption = None,
    group: GroupOption = None,
    cohort: Annotated[bool, typer.Option("--cohort", help="Servers: the cohort rule of study.toml.")] = False,
    everyone: Annotated[bool, typer.Option("--all", help="Servers: every patient.")] = False,
    server_config: ServerConfigOption = None,
    exact_csv: Annotated[
        bool, typer.Option("--exact-csv", help="CSV: no apostrophe before texts that begin like formulas.")
    ] = False,
) -> None:
    """Run any ViewDefinition on any source; rows go to --out or to standard output."""
    with _one_line():
        if len(views_and_source) < 2:
            raise InputError("a view and a source are needed", "command line", "view VIEW.json SOURCE --format csv")
        from adapters.view_command import run_view_command, summary

        written_as = f"exact-{row_format.value}" if exact_csv else row_format.value
        if exact_csv and row_format is not RowFormat.csv:
            raise InputError("is for CSV only", "--exact-csv", "leave it out: other formats hold texts as they are")

        *names, source = views_and_source
        views = [Path(name) for name in names]
        _check_whom(source, bool(patients), bool(group), cohort, everyone)
        options = ServerOptions(server_config)
        of_files = _check_options(
            source, options, accept_unreadable=accept_unreadable, skip_unknown_files=skip_unknown_files
        )
        question = _view_question(views, patients, group, everyone) if is_server(source) else None
        with progress_shown() as shown:
            opened = open_source(source, question=question, options=options, shown=shown, **of_files)
            try:
                counts = run_view_command(views, opened, written_as, out, shown, accept_unreadable=accept_unreadable)
            finally:
                opened.finished()
        typer.echo("\n".join(summary(counts)), err=True)


def _check_whom(source: str, *chosen: bool) -> None:
    """A server is asked for exactly one kind of selection, a file for none. Raises InputError."""
    if not is_server(source) and any(chosen):
        raise InputError("--patients, --group, --cohort and --all are for servers", "command line", "leave them out")
    if is_server(source) and sum(chosen) != 1:
        raise InputError("a server is asked for whom?", "command line", "give --patients, --group, --cohort or --all")


def _view_question(views: list[Path], patients: Path | None, group: str | None, everyone: bool) -> Question:
    """What a server is asked for the views."""
    from adapters.pull import chosen_settings, selection
    from adapters.view_command import types_of

    settings = chosen_settings(None, "all" if everyone else None)
    return Question(settings, types_of(views), selection(patients, group), any_code=True)


@app.command()
def doctor(
    source: SourceArgument,
    cohort: CohortOption = None,
    settings: SettingsOption = None,
    accept_unreadable: UnreadableOption = False,
    skip_unknown_files: SkipOption = False,
    server_config: ServerConfigOption = None,
    write_overlay: Annotated[
        Path | None, typer.Option(help="Write the codes that no list maps as code lists to be filled in.")
    ] = None,
) -> None:
    """What a pull would give: verdict, codes that no list maps (as CSV), what they cost, counts, empty tables."""
    with _one_line():
        from adapters import doctor as doctors
        from adapters.pull import chosen_settings, types_read

        chosen = chosen_settings(settings, cohort)
        options = ServerOptions(server_config)
        of_files = _check_options(
            source, options, accept_unreadable=accept_unreadable, skip_unknown_files=skip_unknown_files
        )
        question = Question(chosen, types_read(chosen))
        with progress_shown() as shown:
            opened = open_source(source, question=question, options=options, shown=shown, **of_files)
            examine = doctors.examine_server if is_server(source) else partial(doctors.examine, progress=shown)
            report = examine(opened, chosen)
        doctors.print_report(report)
        if write_overlay is not None:
            for path in doctors.write_overlay(report.gaps, write_overlay):
                typer.echo(f"written: {path.name}", err=True)


def main() -> None:
    """Entry point."""
    run(app, "python -m adapters")


if __name__ == "__main__":
    main()
