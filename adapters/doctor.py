"""Report what a pull would give before it runs: resource types, code list hits, unmapped codes, empty tables."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table

from adapters.fhir.coded_elements import coded_elements, list_names
from adapters.fhir.codelists import HEADER, CodeLists, load_code_lists
from adapters.ledger import Ledger, LeftOutReason
from adapters.manifest import findings_by_kind
from adapters.progress import Progress, silent
from adapters.pull import types_read
from adapters.reading.stage import Stage
from adapters.settings import Settings
from adapters.sources.base import Source
from adapters.tables import build_tables

MOST_FREQUENT = 50
Code = tuple[str, str, str]  # system, code, display


@dataclass
class Report:
    """The report of `doctor`: counts, and codes of what was measured or done; nothing about a patient.

    lists : code list -> number of coded things that it maps; for a server, meaning and type -> number of resources
    unmapped : codes that no code list maps, with how often each occurs, most frequent first
    tables : table -> rows of a pull; empty for a server
    sampled : True for a server: `read`, `types` and `unmapped` are of a sample, `lists` is of the whole server
    """

    label: str
    read: int
    types: dict[str, int]
    lists: dict[str, int]
    unmapped: list[tuple[Code, int]]
    tables: dict[str, int]
    left_out: dict[str, int]
    findings: dict[str, int]
    notes: list[str] = field(default_factory=list)
    sampled: bool = False

    @property
    def empty(self) -> list[str]:
        """The tables that would stay empty."""
        return [name for name, rows in self.tables.items() if rows == 0 and name != "findings"]


@dataclass
class CodeCounts:
    """Code list hits and unmapped codes of the resources that `watch` passes on."""

    lists: CodeLists
    hits: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    displays: dict[tuple[str, str], str] = field(default_factory=dict)

    def watch(self, resources: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the resources unchanged and count their codes."""
        for resource in resources:
            self._count(resource)
            yield resource

    def _count(self, resource: dict[str, Any]) -> None:
        for element in coded_elements():
            if element.resource_type == resource["resourceType"]:
                for codings in element.codings(resource):
                    self._count_codings([_code(coding) for coding in codings], element.lists)

    def _count_codings(self, codes: list[Code], lists: tuple[str, ...]) -> None:
        """Count the codings of one thing: hits of the lists that map any of them, or all as unmapped."""
        hits = {name for name in lists for system, code, _ in codes if self.lists.means(name, system, code)}
        self.hits.update(hits)
        if not hits:
            for system, code, display in codes:
                self.unmapped[(system, code)] += 1
                self.displays.setdefault((system, code), display)

    def most_frequent(self) -> list[tuple[Code, int]]:
        """The unmapped codes and how often each occurs, at most MOST_FREQUENT."""
        ordered = sorted(self.unmapped.items(), key=lambda item: (-item[1], item[0]))[:MOST_FREQUENT]
        return [((system, code, self.displays[(system, code)]), n) for (system, code), n in ordered]


def examine(source: Source, settings: Settings, progress: Progress = silent) -> Report:
    """Read the source and build the tables as a pull would, write nothing, and report. Raises as `pull`."""
    ledger = Ledger()
    stage = Stage(source, settings, ledger, types_read(settings), progress=progress)
    chosen = stage.index(date.today())
    codes = CodeCounts(load_code_lists(settings.overlay("codelists")))
    tables = build_tables(codes.watch(stage.resources()), settings=chosen, ledger=ledger)
    ledger.close()
    report = _report(source.label, ledger, codes, {name: len(frame) for name, frame in tables.items()})
    report.notes += _notes(report, stage)
    return report


def _report(label: str, ledger: Ledger, codes: CodeCounts, tables: dict[str, int]) -> Report:
    """The report of a source that was read to its end; `tables` are numbers of rows."""
    counts = ledger.counts()
    types: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for row in counts["by_reason"]:
        types[row["type"]] += row["count"]
        if row["reason"]:
            left_out[row["reason"]] += row["count"]
    return Report(
        label=label,
        read=counts["read"],
        types=dict(sorted(types.items())),
        lists={name: codes.hits[name] for name in sorted(list_names())},
        unmapped=codes.most_frequent(),
        tables=tables,
        left_out=dict(left_out.most_common()),
        findings=dict(Counter(findings_by_kind(ledger)).most_common()),
    )


def examine_server(source: Any, settings: Settings) -> Report:
    """Ask a server for counts, and report; unmapped codes are those of a sample. Raises as `pull`."""
    from adapters.sources.search.doctor import examine_server as server_counts

    counts = server_counts(source)
    codes = CodeCounts(load_code_lists(settings.overlay("codelists")))
    sampled = list(codes.watch(iter(counts.sample)))
    hits = {f"{means} ({kind})": number for (_, means, kind), number in counts.hits.items() if number}
    return Report(
        label=f"{source.label} {counts.software}".strip(),
        read=len(sampled),
        types=dict(Counter(resource["resourceType"] for resource in sampled)),
        lists=hits,
        unmapped=codes.most_frequent(),
        tables={},
        left_out={},
        findings={},
        notes=[f"patients in the cohort: {counts.patients}", *counts.notes],
        sampled=True,
    )


def _notes(report: Report, stage: Stage) -> Iterator[str]:
    if stage.patients == 0:
        yield "no Patient resources: a pull would stop with exit code 2"
    elif report.tables["patients"] == 0:
        rule = ", ".join(stage.settings.cohort.any_of)
        yield f"nobody meets the cohort rule ({rule}): a pull would stop with exit code 2, or take all with --cohort all"
    if report.left_out.get(LeftOutReason.NO_PATIENT):
        yield "some resources belong to no Patient that was read: are Patient resources missing?"
    if stage.source.manifest.get("pages_with_next"):
        yield "a Bundle names a next page: check that all pages are there"


def _code(coding: dict[str, Any]) -> Code:
    return str(coding.get("system", "")), str(coding["code"]), str(coding.get("display", ""))


def unmapped_csv(report: Report) -> str:
    """The unmapped codes in the format of a code list; `means` is empty, `source` says how often the code occurs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for (system, code, display), number in report.unmapped:
        writer.writerow([_cell(system), _cell(code), _cell(display), "", f"{number} in the source"])
    return text.getvalue()


def _cell(text: str) -> str:
    """The text on one line; a leading quote keeps a spreadsheet from running it as a formula."""
    line = " ".join(text.split())
    return f"'{line}" if line[:1] in ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20") else line


def print_report(report: Report) -> None:
    """Print the counts to standard error and the unmapped codes as CSV to standard output."""
    console = Console(stderr=True)
    sampled = " as a sample" if report.sampled else ""
    console.print(f"{report.label}: {report.read} resource versions{sampled}", highlight=False)
    for title, counts in (
        ("resource types", report.types),
        ("on the whole server, by code list" if report.sampled else "codes known to the code lists", report.lists),
        ("rows a pull would give", report.tables),
        ("left out or quarantined", report.left_out),
        ("findings", report.findings),
    ):
        if report.sampled and not counts:
            continue
        console.print(title, style="bold", highlight=False)
        table = Table(show_header=False)
        table.add_column()
        table.add_column(justify="right")
        for name, number in counts.items():
            table.add_row(name, str(number))
        console.print(table)
    for name in report.empty:
        console.print(f"table {name} would be empty", highlight=False)
    for note in report.notes:
        console.print(note, highlight=False)
    if report.unmapped:
        console.print("codes that no list maps, as a code list on standard output:", highlight=False)
        sys.stdout.write(unmapped_csv(report))
