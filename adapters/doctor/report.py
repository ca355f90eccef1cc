"""Read a source as a pull would, write nothing, and report: verdict, counts, gaps in the code lists and what they cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from adapters.doctor.gaps import CodeCounts, Gap
from adapters.fhir.coded_elements import list_names
from adapters.fhir.codelists import load_code_lists
from adapters.ledger import FindingKind, Ledger, LeftOutReason
from adapters.manifest import findings_by_kind
from adapters.progress import Progress, silent
from adapters.pull import types_read
from adapters.reading.stage import Stage
from adapters.settings import Settings
from adapters.sources.base import Source
from adapters.tables import build_tables
from adapters.tables.study_ids import StudyIds
from adapters.tables.values.units import load_units

# findings whose path or measure says what was not understood
_DETAILED = frozenset(
    {
        FindingKind.QUARANTINED, FindingKind.UNKNOWN_UNIT, FindingKind.ANSWER_NOT_LISTED, FindingKind.TEXT_NOT_PARSED,
        FindingKind.VALUE_TYPE_NOT_READ, FindingKind.CODE_WITHOUT_ROW, FindingKind.CONTRADICTING_UNIT,
        FindingKind.SITE_NOT_LISTED, FindingKind.LESION_NOT_IDENTIFIED,
    }
)  # fmt: skip
Detail = tuple[str, str, str]  # finding, path, measure


@dataclass
class Report:
    """The report of `doctor`: counts, and codes of what was measured or done; nothing about a patient.

    lists : code list -> number of coded things that it maps; for a server, meaning and type -> number of resources
    gaps : every code and text that no code list maps
    details : (finding, path, measure) -> count, of what was read and not understood
    tables : table -> rows of a pull; empty for a server
    sampled : True for a server: `read`, `types` and `gaps` are of a sample, `lists` is of the whole server
    """

    label: str
    read: int
    types: dict[str, int]
    lists: dict[str, int]
    gaps: list[Gap]
    tables: dict[str, int]
    left_out: dict[str, int]
    findings: dict[str, int]
    details: dict[Detail, int] = field(default_factory=dict)
    costs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stops: str = ""  # why a pull would stop
    sampled: bool = False

    @property
    def empty(self) -> list[str]:
        """The tables that would stay empty."""
        return [name for name, rows in self.tables.items() if rows == 0 and name != "findings"]

    @property
    def verdict(self) -> str:
        """One line: whether a pull would work, what it would give, and what the gaps would cost."""
        costs = f"; {'; '.join(self.costs)}" if self.costs else ""
        if self.stops:
            return f"A pull would stop: {self.stops}{costs}"
        if self.sampled:
            return f"The server answers; {len(self.gaps)} codes of a sample are in no code list"
        patients = self.tables.get("patients", 0)
        said = f"A pull would work and give {_number(patients, 'patient')}"
        gaps = Counter(gap.code_list for gap in self.gaps)
        named = ", ".join(f"{number} of {name}" for name, number in gaps.items())
        return f"{said}; codes in no code list: {named or 'none'}{costs}"


def examine(source: Source, settings: Settings, progress: Progress = silent) -> Report:
    """Read the source and build the tables as a pull would, write nothing, and report. Raises as `pull`."""
    ledger, ids = Ledger(), StudyIds()
    stage = Stage(source, settings, ledger, types_read(settings), progress=progress)
    excluded = stage.index(date.today())
    codes = CodeCounts(load_code_lists(settings.overlay("codelists")), load_units(settings.overlay("units")))
    tables = build_tables(codes.watch(stage.resources()), settings=settings, ledger=ledger, ids=ids, excluded=excluded)
    ledger.close()
    report = _report(source.label, ledger, {name: len(frame) for name, frame in tables.items()})
    report.lists = {name: codes.hits[name] for name in sorted(list_names())}
    report.gaps = codes.gaps(ids.patients)
    report.costs = list(
        _costs(report, codes.outside("procedures", ids.patients), int(tables["patients"]["death_observed"].sum()))
    )
    report.stops = _stop(report, stage)
    report.notes += _notes(report, stage)
    return report


def _report(label: str, ledger: Ledger, tables: dict[str, int]) -> Report:
    """The counts of a source that was read to its end; `tables` are numbers of rows."""
    counts = ledger.counts()
    types: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for row in counts["by_reason"]:
        types[row["type"]] += row["count"]
        if row["reason"]:
            left_out[row["reason"]] += row["count"]
    details: Counter[Detail] = Counter()
    for finding, number in ledger.findings.items():
        if finding.finding in _DETAILED:
            details[(finding.finding.value, finding.path or "", finding.measure or "")] += number
    return Report(
        label=label,
        read=counts["read"],
        types=dict(sorted(types.items())),
        lists={},
        gaps=[],
        tables=tables,
        left_out=dict(left_out.most_common()),
        findings=dict(Counter(findings_by_kind(ledger)).most_common()),
        details=dict(details.most_common()),
    )


def _costs(report: Report, outside: int, deaths: int) -> Iterator[str]:
    """What gaps and missing data cost, in numbers of patients and lesions."""
    if outside:
        yield f"{_number(outside, 'patient')} would not be in the cohort and have a procedure that no list maps"
    undated = report.findings.get(FindingKind.DEATH_WITHOUT_DATE, 0)
    if undated:
        yield f"{undated} of {deaths} deaths have no date exact to the day"
    lesions = report.findings.get(FindingKind.LESION_NOT_IDENTIFIED, 0)
    if lesions:
        measured = _number(lesions, "measurement")
        yield f"{measured} of lesions without a BodyStructure: their lesions cannot be told apart"


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
        gaps=codes.gaps(),
        tables={},
        left_out={},
        findings={},
        notes=[f"patients in the cohort: {counts.patients}", *counts.notes],
        sampled=True,
    )


def _stop(report: Report, stage: Stage) -> str:
    """Why a pull would stop; "" if it would not."""
    if stage.patients == 0:
        return "no Patient resources"
    if report.tables["patients"] == 0:
        return f"nobody meets the cohort rule ({', '.join(stage.settings.cohort.any_of)})"
    return ""


def _notes(report: Report, stage: Stage) -> Iterator[str]:
    if report.stops:
        remedy = ", or take all with --cohort all" if stage.patients else ""
        yield f"{report.stops}: a pull would stop with exit code 2{remedy}"
    if report.left_out.get(LeftOutReason.NO_PATIENT):
        yield "some resources belong to no Patient that was read: are Patient resources missing?"
    if stage.source.manifest.get("pages_with_next"):
        yield "a Bundle names a next page: check that all pages are there"


def _number(number: int, noun: str) -> str:
    """A number with its noun, in the plural but for one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
