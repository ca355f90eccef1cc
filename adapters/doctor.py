"""What a pull would give, said before it: types, code lists that hit, codes that none maps, tables that stay empty."""

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
from rich.text import Text

from adapters.engines import build_with
from adapters.fhir.codelists import HEADER, CodeLists, load_code_lists
from adapters.ledger import Ledger, LeftOutReason
from adapters.plain_text import visible
from adapters.progress import Progress, silent
from adapters.pull import types_read
from adapters.reading.stage import Stage
from adapters.settings import Settings
from adapters.sources.base import Source

MOST_FREQUENT = 50
# Where the code of a resource stands, and the lists that may know it.
CODES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Condition": (("code",), ("conditions", "observations")),
    "Observation": (("code",), ("observations", "conditions")),
    "Procedure": (("code",), ("procedures",)),
    "MedicationAdministration": (("medicationCodeableConcept",), ("procedures", "medications")),
    "MedicationStatement": (("medicationCodeableConcept",), ("medications", "procedures")),
    "Medication": (("code",), ("medications", "procedures", "tracers")),
    "BodyStructure": (("location",), ("sites",)),
}
Code = tuple[str, str, str]  # system, code, display


@dataclass
class Report:
    """What `doctor` found; counts only, and codes of what was measured or done, never of whom."""

    label: str
    read: int
    types: dict[str, int]
    lists: dict[str, int]  # code list -> resources with a code it knows
    unmapped: list[tuple[Code, int]]  # most frequent first
    tables: dict[str, int]  # table -> rows
    left_out: dict[str, int]
    findings: dict[str, int]
    notes: list[str] = field(default_factory=list)
    sampled: bool = False  # of a server: nothing but a sample was read, and `lists` counts what the whole server holds

    @property
    def empty(self) -> list[str]:
        """The tables that would stay empty."""
        return [name for name, rows in self.tables.items() if rows == 0 and name != "findings"]


@dataclass
class _Codes:
    """Counts codes while the resources pass on their way to the tables."""

    lists: CodeLists
    hits: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    displays: dict[tuple[str, str], str] = field(default_factory=dict)

    def watch(self, resources: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The resources as they come, their codes counted."""
        for resource in resources:
            self._count(resource)
            yield resource

    def _count(self, resource: dict[str, Any]) -> None:
        elements, lists = CODES.get(resource["resourceType"], ((), ()))
        concepts = [resource.get(element) for element in elements]
        components = resource.get("component")
        if isinstance(components, list):
            concepts += [part.get("code") for part in components if isinstance(part, dict)]
        for concept in concepts:
            codings = list(_codings(concept))
            known = {name for name in lists for s, c, _ in codings if self.lists.means(name, s, c)}
            self.hits.update(known)
            if not known:
                for system, code, display in codings:
                    self.unmapped[(system, code)] += 1
                    self.displays.setdefault((system, code), display)

    def most_frequent(self) -> list[tuple[Code, int]]:
        """The codes that none maps and how often each occurs, at most MOST_FREQUENT."""
        ordered = sorted(self.unmapped.items(), key=lambda item: (-item[1], item[0]))[:MOST_FREQUENT]
        return [((system, code, self.displays[(system, code)]), n) for (system, code), n in ordered]


def examine(source: Source, settings: Settings, progress: Progress = silent) -> Report:
    """Read the source as a pull would and say what came of it; nothing is written. Raises as `pull`."""
    ledger = Ledger()
    stage = Stage(source, settings, ledger, types_read(settings), progress=progress)
    excluded = stage.index(date.today())
    codes = _Codes(load_code_lists(settings.overlay("codelists")))
    tables = build_with("local")(codes.watch(stage.resources()), settings=settings, ledger=ledger, excluded=excluded)
    ledger.close()
    counts = ledger.counts()
    types: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for row in counts["by_reason"]:
        types[row["type"]] += row["count"]
        if row["reason"]:
            left_out[row["reason"]] += row["count"]
    findings: Counter[str] = Counter()
    for finding, number in ledger.findings.items():
        findings[finding.finding.value] += number
    report = Report(
        label=source.label,
        read=counts["read"],
        types=dict(sorted(types.items())),
        lists={name: codes.hits[name] for name in sorted({n for _, lists in CODES.values() for n in lists})},
        unmapped=codes.most_frequent(),
        tables={name: len(frame) for name, frame in tables.items()},
        left_out=dict(left_out.most_common()),
        findings=dict(findings.most_common()),
    )
    report.notes += _notes(report, stage)
    return report


def examine_server(source: Any, settings: Settings) -> Report:
    """Ask a server by counts what a pull would give; codes that none maps come from a sample. Raises as `pull`."""
    from adapters.sources.search.doctor import examine_server as asked

    found = asked(source)
    codes = _Codes(load_code_lists(settings.overlay("codelists")))
    sampled = list(codes.watch(iter(found.sample)))
    hits = {f"{means} ({kind})": number for (_, means, kind), number in found.hits.items() if number}
    return Report(
        label=f"{source.label} {found.software}".strip(),
        read=len(sampled),
        types=dict(Counter(resource["resourceType"] for resource in sampled)),
        lists=hits,
        unmapped=codes.most_frequent(),
        tables={},
        left_out={},
        findings={},
        notes=[f"patients in the cohort: {found.patients}", *found.notes],
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


def _codings(concept: Any) -> Iterator[Code]:
    for one in concept if isinstance(concept, list) else [concept]:
        codings = one.get("coding") if isinstance(one, dict) else None
        for coding in codings if isinstance(codings, list) else ():
            if isinstance(coding, dict) and coding.get("code"):
                yield str(coding.get("system", "")), str(coding["code"]), str(coding.get("display", ""))


def unmapped_csv(report: Report) -> str:
    """The unmapped codes as a code list to be filled in: `means` is empty, `source` says how often the code occurs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for (system, code, display), number in report.unmapped:
        writer.writerow([_cell(system), _cell(code), _cell(display), "", f"{number} in the source"])
    return text.getvalue()


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula, on one line."""
    line = visible(text, 200)
    return f"'{line}" if line[:1] in ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20") else line


def print_report(report: Report) -> None:
    """Counts to standard error, the codes that no list maps as CSV to standard output."""
    console = Console(stderr=True)
    sampled = " as a sample" if report.sampled else ""
    console.print(f"{report.label}: {report.read} resource versions{sampled}", highlight=False, markup=False)
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
            table.add_row(Text(visible(name, 80)), str(number))
        console.print(table)
    for name in report.empty:
        console.print(f"table {name} would be empty", highlight=False)
    for note in report.notes:
        console.print(visible(note), highlight=False, markup=False)
    if report.unmapped:
        console.print("codes that no list maps, as a code list on standard output:", highlight=False)
        sys.stdout.write(unmapped_csv(report))
