"""The reading stage: a first pass over the source chooses the versions that count, a second gives them to the views.

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
from adapters.reading import version_resolution as version_resolution
from adapters.reading.corrections import Corrections
from adapters.reading.entered_in_error import EnteredInError, is_void
from adapters.reading.patients import People, cohort_tags, is_tagged
from adapters.reading.raw_resource import RawResource
from adapters.reading.references import Directory, ReferenceResolver, hashed_id, key_of, server_of
from adapters.reading.status import outcome_and_path
from adapters.reading.version_resolution import Candidate, SetAside, by_server, digest, latest, rank
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
    restricted: dict[str, int] = field(
        default_factory=dict
    )  # how many patients were asked for by name, and are in the source
    _directory: Directory = field(default_factory=Directory)
    _people: People = field(default_factory=People)
    _corrections: Corrections = field(default_factory=Corrections)
    _candidates: dict[str, list[Candidate]] = field(default_factory=dict)
    _winners: dict[int, str] = field(default_factory=dict)
    _tags: set[str] = field(default_factory=set)
    _errors: EnteredInError = field(default_factory=EnteredInError)

    @property
    def of_cohort(self) -> bool:
        """True for a server: an empty answer then means an empty cohort."""
        return self.source.kind == "server"

    def index(self, today: date) -> dict[str, LeftOutReason]:
        """First pass: check every record and choose versions; returns the patients to exclude ("Patient/id") with the reason.

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
        chosen = self._choose_versions()
        self._remove_replaced(chosen)
        excluded = self._excluded(chosen, today)
        self._register(chosen)
        self._candidates.clear()
        self.cohort_tags = tuple(sorted(self._tags))
        return excluded

    def resources(self) -> Iterator[dict[str, Any]]:
        """As `records`, all of them decoded."""
        for record in self.records():
            yield record.resource() if isinstance(record, RawResource) else record

    def records(self) -> Iterator[dict[str, Any] | RawResource]:
        """Second pass: the version that counts of each resource, references resolved, contained ones as their own."""
        resolver = ReferenceResolver(self._directory, self.types)
        seen = 0
        for number, read in enumerate(read_again(self.source), start=1):
            key = self._winners.get(number)
            if key is None:
                continue
            seen += 1
            kind = read.kind if isinstance(read, Line) else read.resource["resourceType"]
            if not key.startswith(f"{kind}/"):
                raise self._changed()
            path = self._errors.path_to_error(read, self._directory)
            if path and is_void(path):
                self.ledger.left_out(key, LeftOutReason.REFERS_TO_ERROR)
                continue
            if path:
                self.ledger.about(key, FindingKind.REFERS_TO_ERROR, resource_type=kind, path=path)
            if isinstance(read, Line) and resolver.is_resolved(read.text):
                yield RawResource(key, read.text)
            else:
                yield from self._with_references(resolver, self._decoded(read), key)
            self.progress("views", seen)
        if seen != len(self._winners):
            raise self._changed()

    def _with_references(self, resolver: ReferenceResolver, read: Read, key: str) -> list[dict[str, Any]]:
        """The resource and those it contains; references that lead nowhere go to the ledger as findings."""
        base = server_of(read.full_url, read.resource["resourceType"])
        resources, unresolved = resolver.resolve(read, key, base)
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
        """Check one record and keep what the second pass needs of it."""
        resource = read.resource
        check_version(resource, read.origin)
        kind = resource["resourceType"]
        if kind == "Group":
            self._people.groups[str(resource.get("id"))] = read
        if kind == "Consent" and self.settings.consent.required:
            self._people.consents.append(read)
        if kind not in self.types:
            self._errors.add_unread(read)
            self._outcome_of_server(resource)
            self.ledger.set_aside(kind, read.file, LeftOutReason.TYPE_NOT_READ)
            return
        key = f"{kind}/{resource['id']}" if _has_id(resource) else key_of(read, digest(resource))
        candidate = self._candidate(read, key, number)
        self._candidates.setdefault(key, []).append(candidate)
        if kind == "Patient":
            self._people.add_patient(key, resource)
        elif candidate.outcome is None:
            self._corrections.add(read, key, candidate)

    def _candidate(self, read: Read, key: str, number: int) -> Candidate:
        """A record as one version of its key; cohort tags are collected."""
        resource = read.resource
        meta = resource.get("meta")
        meta = meta if isinstance(meta, dict) else {}
        if "tag" in meta:
            self._tags.update(cohort_tags(meta))
        outcome, path = outcome_and_path(resource, self.settings.reading.accepted_status)
        return Candidate(
            number=number,
            kind=resource["resourceType"],
            base=self._directory.add(read, key),
            last_updated=meta.get("lastUpdated"),
            version_id=meta.get("versionId"),
            file=read.file,
            outcome=outcome,
            outcome_path=path,
            rank=rank(resource),
            tagged="security" in meta and is_tagged(meta),
        )

    def _outcome_of_server(self, resource: dict[str, Any]) -> None:
        """An OperationOutcome among the data may say that the answer was not whole."""
        issues = resource.get("issue") if resource["resourceType"] == "OperationOutcome" else None
        for issue in issues if isinstance(issues, list) else ():
            severity = issue.get("severity") if isinstance(issue, dict) else None
            shown = "error" if severity in ("error", "fatal") else "info"
            self.ledger.finding(FindingKind.SERVER_OUTCOME, severity=shown, resource_type="OperationOutcome")

    def _compare_contents(self) -> None:
        """Digest all copies of a key that came more than once; unequal copies again with references resolved."""
        groups = [group for group in self._candidates.values() if len(group) > 1]
        several = {candidate.number: candidate for group in groups for candidate in group}
        resolved: dict[int, bytes] = {}
        if not several:
            return
        for number, record in enumerate(read_again(self.source), start=1):
            candidate = several.get(number)
            if candidate is not None:
                read = self._decoded(record)
                candidate.digest = digest(read.resource)
                for _, holder in references_in(read.resource, ""):
                    target = self._directory.find(holder["reference"], candidate.base, read.bundle)
                    holder["reference"] = target or holder["reference"]
                resolved[number] = digest(read.resource)
        for group in groups:
            if len({candidate.digest for candidate in group}) > 1:
                for candidate in group:
                    candidate.digest = resolved[candidate.number]

    def _choose_versions(self) -> dict[str, Candidate]:
        chosen: dict[str, Candidate] = {}
        for key, candidates in self._candidates.items():
            if len(candidates) == 1:
                chosen[key] = candidates[0]
                continue
            for number, (base, own) in enumerate(by_server(candidates)):
                name = key
                if number > 0:
                    name = f"{key.partition('/')[0]}/{hashed_id(base, key)}"
                    self._directory.qualified[(key, base)] = name
                winner, others = latest(own)
                if winner is not None:
                    chosen[name] = winner
                self._set_aside(others)
        return chosen

    def _remove_replaced(self, chosen: dict[str, Candidate]) -> None:
        gone: set[int] = set()
        for others in self._corrections.replaced(chosen, self._directory):
            self._set_aside(others)
            gone |= {candidate.number for candidate, _ in others}
        for key in [key for key, candidate in chosen.items() if candidate.number in gone]:
            del chosen[key]

    def _set_aside(self, others: list[SetAside]) -> None:
        for candidate, reason in others:
            self.ledger.set_aside(candidate.kind, candidate.file, reason)
            if reason is QuarantineReason.CONFLICTING_VERSIONS:
                self.ledger.finding(FindingKind.CONFLICTING_VERSIONS, severity="error", resource_type=candidate.kind)

    def _excluded(self, chosen: dict[str, Candidate], today: date) -> dict[str, LeftOutReason]:
        """The patients to leave out, with the reason; a later rule wins: consent, selection, test data."""
        patients = [key for key, candidate in chosen.items() if candidate.kind == "Patient"]
        self.patients = len(patients)
        excluded: dict[str, LeftOutReason] = {}
        if self.settings.consent.required:
            codes = self.settings.consent.provision_codes
            consenting = self._people.consenting(codes, today, self._directory)
            excluded |= {p: LeftOutReason.NO_CONSENT for p in patients if p not in consenting}
        selected = self._people.selected(self.selection, self._directory)
        if selected is not None:
            self.restricted = {"asked": len(self.selection.patients or ()), "found": len(selected)}
            excluded |= {p: LeftOutReason.OUTSIDE_SELECTION for p in patients if p not in selected}
        return excluded | self._test_patients(chosen, patients)

    def _test_patients(self, chosen: dict[str, Candidate], patients: list[str]) -> dict[str, LeftOutReason]:
        """Patients tagged as test data among real ones. Raises InputError if that would leave nobody."""
        tagged = sum(candidate.tagged for candidate in chosen.values())
        self.synthetic = 0 < tagged == len(chosen)
        if not tagged or self.synthetic:
            return {}
        self.ledger.finding(FindingKind.TEST_DATA_MIXED, count=tagged)
        if patients and all(chosen[p].tagged for p in patients):
            raise InputError(
                f"all patients are tagged as test data (HTEST), but {len(chosen) - tagged} resources are not",
                self.source.name,
                "tag all resources, or none",
            )
        return {p: LeftOutReason.TEST_PATIENT for p in patients if chosen[p].tagged}

    def _register(self, chosen: dict[str, Candidate]) -> None:
        """Open the chosen versions in the ledger; those that their status or tag keeps out are left out at once."""
        tagged = any(candidate.tagged for candidate in chosen.values())
        mixed = tagged and not self.synthetic
        for key, candidate in chosen.items():
            self.ledger.read(key, candidate.file)
            if candidate.outcome is LeftOutReason.ENTERED_IN_ERROR:
                self._errors.add(key)
            if isinstance(candidate.outcome, LeftOutReason):
                self.ledger.left_out(key, candidate.outcome)
            elif candidate.outcome is not None:
                self.ledger.quarantined(key, candidate.outcome, candidate.outcome_path)
            elif mixed and candidate.tagged and candidate.kind != "Patient":
                self.ledger.left_out(key, LeftOutReason.TEST_PATIENT)
            else:
                self._winners[candidate.number] = key


def _has_id(resource: dict[str, Any]) -> bool:
    identifier = resource.get("id")
    return isinstance(identifier, str) and identifier != ""
