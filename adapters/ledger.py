"""Dispositions and findings: every resource version read is used, left out or quarantined, and counted once.

The reasons are closed lists without a catch-all: a reason that is not here does not exist, and a new one is a line here.
Nothing in this module keeps values, identifiers or file paths beyond the safe file label it is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class LeftOutReason(StrEnum):
    """Why a valid resource feeds no table."""

    ENTERED_IN_ERROR = "entered-in-error"
    CANCELLED = "cancelled"
    NOT_DONE = "not-done"
    PLANNED = "planned"  # preparation, intended, on hold: nothing has happened yet
    REFUTED = "refuted"
    FAMILY_HISTORY = "family-history"  # of a relative, not of the patient
    ABOUT_SOMEONE_ELSE = "about-someone-else"  # focus is a relative
    REFERS_TO_ERROR = "refers-to-entered-in-error"  # derived from or part of what was entered in error
    STATUS_NOT_ACCEPTED = "status-not-accepted"
    OLDER_VERSION = "older-version"
    DUPLICATE = "duplicate"  # equal content under the same type and id
    REPLACED = "replaced"  # a corrected resource stands for it: shared identifier or an explicit relation
    OUTSIDE_COHORT = "outside-cohort"
    OUTSIDE_SELECTION = "outside-selection"  # --patients, --group
    NO_CONSENT = "no-consent"
    TEST_PATIENT = "test-patient"
    AFTER_DATA_CUTOFF = "after-data-cutoff"
    NO_PATIENT = "no-patient"  # no subject, or one that is not among the resources read, or not a person
    CODE_NOT_LISTED = "code-not-listed"
    TYPE_NOT_READ = "type-not-read"
    INCOMPLETE = "incomplete"  # a listed code without what its measure needs, such as the statistic of an SUV
    NOT_REFERRED_TO = "not-referred-to"  # a Medication or BodyStructure that nothing used points at


class QuarantineReason(StrEnum):
    """Why a resource that should have fed a table could not."""

    INVALID_DATE = "invalid-date"
    INVALID_VALUE = "invalid-value"  # a number, boolean or code field that a view reads holds something else
    INVALID_STRUCTURE = "invalid-structure"  # several values where one is allowed, an object where a text should be
    MISSING_FIELD = "missing-field"  # what the table cannot do without
    CONFLICTING_CODES = "conflicting-codes"
    CONFLICTING_VERSIONS = "conflicting-versions"  # same type and id, other content, nothing says which is later
    UNKNOWN_UNIT = "unknown-unit"
    INVALID_COMPARATOR = "invalid-comparator"
    MODIFIER_NOT_UNDERSTOOD = "modifier-not-understood"  # it may negate the resource, so nothing may be read


class FindingKind(StrEnum):
    """Kinds of finding; the values are the categories of findings.finding."""

    UNREADABLE_LINE = "unreadable-line"
    QUARANTINED = "quarantined"
    CONFLICTING_VERSIONS = "conflicting-versions"
    POSSIBLE_DUPLICATE = "possible-duplicate"
    UNRESOLVED_REFERENCE = "unresolved-reference"
    TEST_DATA_MIXED = "test-data-mixed"
    MERGED_PATIENT = "merged-patient"
    SEVERAL_MATCHES = "several-matches"  # an identifier that names more than one resource
    CODE_NOT_LISTED = "code-not-listed"
    ANSWER_NOT_LISTED = "answer-not-listed"  # a coded value that no answer list maps
    SITE_NOT_LISTED = "site-not-listed"
    TEXT_NOT_PARSED = "text-not-parsed"
    VALUE_TYPE_NOT_READ = "value-type-not-read"  # a range, ratio or sample where a quantity was expected
    UNKNOWN_UNIT = "unknown-unit"
    UNIT_MISSING = "unit-missing"
    CONTRADICTING_UNIT = "contradicting-unit"  # the coded and the printed unit are not the same
    IMPLAUSIBLE_VALUE = "implausible-value"
    NO_REFERENCE_RANGE = "no-reference-range"  # none of several fits sex and age
    CONTRADICTING_ACTIVITY = "contradicting-activity"
    CONTRADICTING_DAY = "contradicting-day"  # two resources of one therapy name different days
    ACTIVITY_MISSING = "activity-missing"
    MERGED_THERAPY = "merged-therapy"
    PARTIAL_DATE = "partial-date"
    DATE_MISSING = "date-missing"
    TIME_WITHOUT_ZONE = "time-without-zone"
    NO_DAY_ZERO = "no-day-zero"
    DEATH_WITHOUT_DATE = "death-without-date"
    CONTRADICTING_DEATH = "contradicting-death"
    EVENT_AFTER_DEATH = "event-after-death"
    AFTER_DATA_CUTOFF = "after-data-cutoff"
    BIRTH_DATE_PARTIAL = "birth-date-partial"
    LESION_NOT_IDENTIFIED = "lesion-not-identified"  # a measurement of a lesion that points to none
    LESION_WITHOUT_SITE = "lesion-without-site"
    SUSPECTED_CONDITION = "suspected-condition"  # provisional, differential, unconfirmed, or a text that says so
    CODE_RESPELLED = "code-respelled"  # a code or an address that had to be mended to be listed
    CODE_WITHOUT_ROW = "code-without-row"  # a listed code that leads to no row; the path says what is missing
    CONTRADICTING_TEXT = "contradicting-text"  # the text of a diagnosis weakens or denies its code
    CONTRADICTING_VALUE = "contradicting-value"  # a value beside a reason why there is none, or two comparators
    UNRELIABLE_VALUE = "unreliable-value"  # failed quality control, or two signs that contradict each other
    REFERS_TO_ERROR = "refers-to-entered-in-error"
    EMPTY_TABLE = "empty-table"
    SURPLUS_FROM_SERVER = "surplus-from-server"
    NOT_ASKED_FOR = "not-asked-for"  # on the server, but of no code in the lists
    SERVER_OUTCOME = "server-outcome"


SEVERITIES = ("info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the findings table; `count` of equal rows is summed."""

    finding: FindingKind
    severity: str = "warning"
    table: str | None = None
    resource_type: str | None = None
    path: str | None = None
    measure: str | None = None
    patient_id: str | None = None  # a study id, never a source id


class LedgerError(AssertionError):
    """A resource version got two dispositions, or none: a fault of the program, not of the data."""


def _split(key: str) -> str:
    return key.partition("/")[0]


@dataclass
class Ledger:
    """Dispositions of all resource versions, and findings. Keys are "Type/id"; files are labels that are safe to print.

    Reading registers each resource version with `read`, closes the superseded ones with `set_aside`, and leaves at most
    one open version per key. The tables close that version by key: `used`, `left_out` or `quarantined`.
    """

    dispositions: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    rows_fed: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: Counter[Finding] = field(default_factory=Counter)
    versions_read: int = 0
    _open: dict[str, str] = field(default_factory=dict)
    _parts: set[str] = field(default_factory=set)
    _used: set[str] = field(default_factory=set)
    _waiting: dict[str, list[tuple[Finding, int]]] = field(default_factory=dict)

    def read(self, key: str, file: str) -> None:
        """Register the version of a key that counts. Raises LedgerError if one is open already."""
        if key in self._open:
            raise LedgerError("two open versions of one key")
        self.versions_read += 1
        self._open[key] = file

    def set_aside(self, resource_type: str, file: str, reason: LeftOutReason | QuarantineReason) -> None:
        """Register and close in one step a version that never reaches the tables."""
        self.versions_read += 1
        self._count(resource_type, file, reason)

    def part(self, key: str) -> None:
        """Declare a contained resource: it reaches the views, but is counted with the resource that contains it."""
        self._parts.add(key)

    def used(self, key: str, rows: int = 1) -> None:
        """Close a resource that fed `rows` rows (0: it was needed by others, such as a Medication)."""
        self.all_used([(key, rows)])

    def all_used(self, fed: Iterable[tuple[str, int]]) -> None:
        """Close many resources as `used` does; counted together, which is how most resources end."""
        counts: Counter[tuple[str, str, int]] = Counter()
        for key, rows in fed:
            if key not in self._parts:
                kind = _split(key)
                counts[(kind, self._closed(key, kind), min(rows, 2))] += 1
                self._used.add(key)
                if key in self._waiting:
                    self._count_findings(self._waiting.pop(key))
        for (kind, file, rows), number in counts.items():
            self.dispositions[(kind, file, "used", "")] += number
            self.rows_fed[(kind, ("0", "1", "more")[rows])] += number

    def left_out(self, key: str, reason: LeftOutReason) -> None:
        """Close a valid resource that feeds no table."""
        if key not in self._parts:
            self._close_key(key, "left_out", reason.value)

    def quarantined(self, key: str, reason: QuarantineReason, path: str = "", *, table: str | None = None) -> None:
        """Close a resource that could not be read; `path` is a FHIRPath of element names, without values."""
        self.finding(
            FindingKind.QUARANTINED, severity="error", table=table, resource_type=_split(key), path=f"{path} ({reason})"
        )
        if key not in self._parts:
            self._close_key(key, "quarantined", reason.value)

    def open_keys(self) -> Iterator[str]:
        """The keys without a disposition, in the order read."""
        return iter(tuple(self._open))

    def finding(self, kind: FindingKind, *, count: int = 1, **where: Any) -> None:
        """Count a finding; `where` are the fields of Finding."""
        self.findings[Finding(kind, **where)] += count

    def about(self, key: str, kind: FindingKind, *, count: int = 1, **where: Any) -> None:
        """A finding about one resource: it counts only if the resource reaches the tables or is quarantined.

        So what a source happens to hold about people outside the cohort changes no finding.
        """
        if key in self._used or key in self._parts:
            self.finding(kind, count=count, **where)
        elif key in self._open:
            self._waiting.setdefault(key, []).append((Finding(kind, **where), count))

    def close(self) -> None:
        """Raises LedgerError unless each resource version read has exactly one disposition."""
        if self._open or self.versions_read != self.dispositions.total():
            raise LedgerError(f"{len(self._open)} resource versions without a disposition")

    def counts(self) -> dict[str, Any]:
        """The dispositions for the manifest: totals, by type, reason and file, and how many rows each type fed."""
        totals: Counter[str] = Counter()
        for (_, _, disposition, _), number in self.dispositions.items():
            totals[disposition] += number
        by_reason = [
            {"type": kind, "file": file, "disposition": disposition, "reason": reason, "count": number}
            for (kind, file, disposition, reason), number in sorted(self.dispositions.items())
        ]
        fed = [{"type": kind, "rows": rows, "count": number} for (kind, rows), number in sorted(self.rows_fed.items())]
        names = ("used", "left_out", "quarantined")
        return {"read": self.versions_read, **{n: totals[n] for n in names}, "by_reason": by_reason, "rows_fed": fed}

    def _close_key(self, key: str, disposition: str, reason: str) -> None:
        """Close the version of a key that is not used."""
        kind = _split(key)
        self.dispositions[(kind, self._closed(key, kind), disposition, reason)] += 1
        waiting = self._waiting.pop(key, ())
        if disposition != "left_out" or reason == LeftOutReason.NO_PATIENT:
            self._count_findings(waiting)

    def _closed(self, key: str, kind: str) -> str:
        """The file of the open version of a key, which is closed. Raises LedgerError if none is open."""
        file = self._open.pop(key, None)
        if file is None:
            raise LedgerError(f"a {kind} was closed twice or was never read")
        return file

    def _count_findings(self, findings: Iterable[tuple[Finding, int]]) -> None:
        for finding, count in findings:
            self.findings[finding] += count

    def _count(self, resource_type: str, file: str, reason: LeftOutReason | QuarantineReason) -> None:
        disposition = "left_out" if isinstance(reason, LeftOutReason) else "quarantined"
        self.dispositions[(resource_type, file, disposition, reason.value)] += 1
