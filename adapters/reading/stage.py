"""The reading stage: a first pass over the source settles which versions count, a second gives them to the views.

Two passes, because a reference may name what comes later, and because only keys stay in memory between them. Where a
type and id came more than once, one more pass in between compares their contents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from adapters.errors import InputError
from adapters.fhir import strict_json
from adapters.fhir.r4 import check_version
from adapters.fhir.references import references_in
from adapters.fhir.selection import Selection
from adapters.ledger import FindingKind, Ledger, LeftOutReason, QuarantineReason
from adapters.progress import Progress, silent
from adapters.reading import versions_of_one as one
from adapters.reading.corrections import Corrections
from adapters.reading.patients import People, cohort_tags, is_tagged
from adapters.reading.references import Directory, Settler, hashed_id, key_of, server_of
from adapters.reading.status import status_outcome, status_path
from adapters.reading.undecoded import Undecoded
from adapters.settings import Settings
from adapters.sources.base import Line, Read, Source, read_again


@dataclass
class Stage:
    """One reading of a source. Call `index`, then give `resources()` to the tables with the exclusions it returned."""

    source: Source
    settings: Settings
    ledger: Ledger
    types: frozenset[str]  # the resource types that views read
    selection: Selection = field(default_factory=Selection)
    progress: Progress = silent
    synthetic: bool = False
    cohort_tags: tuple[str, ...] = ()
    patients: int = 0
    restricted: dict[str, int] = field(default_factory=dict)  # how many patients were asked for by name, and found
    _directory: Directory = field(default_factory=Directory)
    _people: People = field(default_factory=People)
    _corrections: Corrections = field(default_factory=Corrections)
    _candidates: dict[str, list[one.Candidate]] = field(default_factory=dict)
    _winners: dict[int, str] = field(default_factory=dict)
    _tags: set[str] = field(default_factory=set)

    @property
    def of_cohort(self) -> bool:
        """Whether the source gives what it was asked for about the cohort: then nothing means that nobody is in it."""
        return self.source.kind == "server"

    def index(self, today: date) -> dict[str, LeftOutReason]:
        """First pass: check every record and settle versions; gives the patients to exclude ("Patient/id") with the reason.

        Raises InputError: another FHIR version, no resources, test data mixed in such that nobody would be left.
        """
        number = 0
        for number, read in enumerate(self.source.read(), start=1):
            self._note(read, number)
            self.progress("reading", number)
        if number == 0 and not self.of_cohort:
            raise InputError("no resources", self.source.name, "the source is empty: check what it should hold")
        if self.source.unreadable:
            self.ledger.finding(FindingKind.UNREADABLE_LINE, severity="error", count=self.source.unreadable)
        self._compare_contents()
        chosen = self._settle_versions()
        self._settle_corrections(chosen)
        excluded = self._excluded(chosen, today)
        self._register(chosen)
        self._candidates.clear()
        self.cohort_tags = tuple(sorted(self._tags))
        return excluded

    def resources(self) -> Iterator[dict[str, Any]]:
        """As `records`, all of them decoded."""
        for record in self.records():
            yield record.resource() if isinstance(record, Undecoded) else record

    def records(self) -> Iterator[dict[str, Any] | Undecoded]:
        """Second pass: the version that counts of each resource, references settled, contained ones as their own."""
        settler = Settler(self._directory, self.types)
        seen = 0
        for number, read in enumerate(read_again(self.source), start=1):
            key = self._winners.get(number)
            if key is None:
                continue
            seen += 1
            kind = read.kind if isinstance(read, Line) else read.resource["resourceType"]
            if not key.startswith(f"{kind}/"):
                raise self._changed()
            if isinstance(read, Line) and settler.is_settled(read.text):
                yield Undecoded(key, read.text)
            else:
                yield from self._settled(settler, self._decoded(read), key)
            self.progress("views", seen)
        if seen != len(self._winners):
            raise self._changed()

    def _settled(self, settler: Settler, read: Read, key: str) -> list[dict[str, Any]]:
        """The resource and those it contains, with what is amiss among their references told to the ledger."""
        base = server_of(read.full_url, read.resource["resourceType"])
        resources, unresolved = settler.settle(read, key, base)
        for path in unresolved:
            kind = path.partition(".")[0]
            self.ledger.about(key, FindingKind.UNRESOLVED_REFERENCE, resource_type=kind, path=path)
        for part in resources[1:]:
            self.ledger.part(f"{part['resourceType']}/{part['id']}")
        return resources

    def _decoded(self, read: Read | Line) -> Read:
        if isinstance(read, Read):
            return read
        try:
            return Read(strict_json.loads(read.text.decode()), self.source.name, "")
        except ValueError:
            raise self._changed() from None

    def _changed(self) -> InputError:
        return InputError("the source changed while it was read", self.source.name, "pull again")

    def _note(self, read: Read, number: int) -> None:
        resource = read.resource
        check_version(resource, read.origin)
        kind = resource["resourceType"]
        if kind == "Group":
            self._people.groups[str(resource.get("id"))] = read
        if kind == "Consent" and self.settings.consent.required:
            self._people.consents.append(read)
        if kind not in self.types:
            self._outcome_of_server(resource)
            self.ledger.set_aside(kind, read.file, LeftOutReason.TYPE_NOT_READ)
            return
        key = f"{kind}/{resource['id']}" if _has_id(resource) else key_of(read, one.digest(resource))
        meta = resource.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        outcome = status_outcome(resource, self.settings.reading.accepted_status)
        candidate = one.Candidate(
            number=number,
            kind=kind,
            base=self._directory.add(read, key),
            last_updated=meta.get("lastUpdated"),
            version_id=meta.get("versionId"),
            file=read.file,
            outcome=outcome,
            rank=one.rank(resource),
            tagged="security" in meta and is_tagged(meta),
        )
        self._candidates.setdefault(key, []).append(candidate)
        if "tag" in meta:
            self._tags.update(cohort_tags(meta))
        if kind == "Patient":
            self._people.add_patient(key, resource)
        elif outcome is None:
            self._corrections.add(read, key, candidate)

    def _outcome_of_server(self, resource: dict[str, Any]) -> None:
        """An OperationOutcome among the data may say that the answer was not whole."""
        issues = resource.get("issue") if resource["resourceType"] == "OperationOutcome" else None
        for issue in issues if isinstance(issues, list) else ():
            severity = issue.get("severity") if isinstance(issue, dict) else None
            shown = "error" if severity in ("error", "fatal") else "info"
            self.ledger.finding(FindingKind.SERVER_OUTCOME, severity=shown, resource_type="OperationOutcome")

    def _compare_contents(self) -> None:
        """Digests of what came more than once; of unequal copies with references settled, however these are written."""
        groups = [group for group in self._candidates.values() if len(group) > 1]
        several = {candidate.number: candidate for group in groups for candidate in group}
        settled: dict[int, bytes] = {}
        if not several:
            return
        for number, record in enumerate(read_again(self.source), start=1):
            candidate = several.get(number)
            if candidate is not None:
                read = self._decoded(record)
                candidate.digest = one.digest(read.resource)
                for _, holder in references_in(read.resource, ""):
                    found = self._directory.find(holder["reference"], candidate.base, read.bundle)
                    holder["reference"] = found or holder["reference"]
                settled[number] = one.digest(read.resource)
        for group in groups:
            if len({candidate.digest for candidate in group}) > 1:
                for candidate in group:
                    candidate.digest = settled[candidate.number]

    def _settle_versions(self) -> dict[str, one.Candidate]:
        chosen: dict[str, one.Candidate] = {}
        for key, candidates in self._candidates.items():
            if len(candidates) == 1:
                chosen[key] = candidates[0]
                continue
            for number, (base, own) in enumerate(one.by_server(candidates)):
                name = key
                if number > 0:
                    name = f"{key.partition('/')[0]}/{hashed_id(base, key)}"
                    self._directory.qualified[(key, base)] = name
                winner, settled = one.latest(own)
                if winner is not None:
                    chosen[name] = winner
                self._set_aside(settled)
        return chosen

    def _settle_corrections(self, chosen: dict[str, one.Candidate]) -> None:
        gone: set[int] = set()
        for settled in self._corrections.settle(chosen, self._directory):
            self._set_aside(settled)
            gone |= {candidate.number for candidate, _ in settled}
        for key in [key for key, candidate in chosen.items() if candidate.number in gone]:
            del chosen[key]

    def _set_aside(self, settled: list[one.Settled]) -> None:
        for candidate, reason in settled:
            self.ledger.set_aside(candidate.kind, candidate.file, reason)
            if reason is QuarantineReason.CONFLICTING_VERSIONS:
                self.ledger.finding(FindingKind.CONFLICTING_VERSIONS, severity="error", resource_type=candidate.kind)

    def _excluded(self, chosen: dict[str, one.Candidate], today: date) -> dict[str, LeftOutReason]:
        patients = [key for key, candidate in chosen.items() if candidate.kind == "Patient"]
        excluded: dict[str, LeftOutReason] = {}
        if self.settings.consent.required:
            codes = self.settings.consent.provision_codes
            consenting = self._people.consenting(codes, today, self._directory)
            excluded |= {p: LeftOutReason.NO_CONSENT for p in patients if p not in consenting}
        self.patients = len(patients)
        selected = self._people.selected(self.selection, self._directory)
        if selected is not None:
            self.restricted = {"asked": len(self.selection.patients or ()), "found": len(selected)}
            excluded |= {p: LeftOutReason.OUTSIDE_SELECTION for p in patients if p not in selected}
        tagged = sum(candidate.tagged for candidate in chosen.values())
        self.synthetic = 0 < tagged == len(chosen)
        if tagged and not self.synthetic:
            self.ledger.finding(FindingKind.TEST_DATA_MIXED, count=tagged)
            excluded |= {p: LeftOutReason.TEST_PATIENT for p in patients if chosen[p].tagged}
            if patients and all(chosen[p].tagged for p in patients):
                raise InputError(
                    f"all patients are tagged as test data (HTEST), but {len(chosen) - tagged} resources are not",
                    self.source.name,
                    "tag all resources, or none",
                )
        return excluded

    def _register(self, chosen: dict[str, one.Candidate]) -> None:
        """What counts is open in the ledger from here on; statuses and tags that keep a resource out are settled."""
        tagged = any(candidate.tagged for candidate in chosen.values())
        mixed = tagged and not self.synthetic
        for key, candidate in chosen.items():
            self.ledger.read(key, candidate.file)
            if isinstance(candidate.outcome, LeftOutReason):
                self.ledger.left_out(key, candidate.outcome)
            elif candidate.outcome is not None:
                self.ledger.quarantined(key, candidate.outcome, status_path(candidate.kind))
            elif mixed and candidate.tagged and candidate.kind != "Patient":
                self.ledger.left_out(key, LeftOutReason.TEST_PATIENT)
            else:
                self._winners[candidate.number] = key


def _has_id(resource: dict[str, Any]) -> bool:
    identifier = resource.get("id")
    return isinstance(identifier, str) and identifier != ""
