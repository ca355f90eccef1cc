"""Codes and texts that no code list maps, with the resources and patients that have them; all of them, never a part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from adapters.contract import MEASURES
from adapters.fhir.coded_elements import CodedElement, coded_elements
from adapters.fhir.codelists import CodeLists
from adapters.tables.values.units import Units

UNITS = "units"  # no code list: unknown units of listed measures, for the overlay of units
UCUM = "http://unitsofmeasure.org"
ORDER = (
    "procedures",
    "conditions",
    "medications",
    "observations",
    "answers",
    "sites",
    UNITS,
)  # therapies and diagnoses first
Code = tuple[str, str, str]  # system, code, display; a text without a code has the system ""
Key = tuple[str, str, str]  # code list, system, code


@dataclass(frozen=True, slots=True)
class Gap:
    """A code or text that no code list maps.

    code_list : the list whose overlay could map it; system "" for a text without a code
    resources, patients : how many have it; outside : of the patients, those whom a pull would leave out of the cohort
    """

    code_list: str
    system: str
    code: str
    display: str
    resources: int
    patients: int
    outside: int = 0

    @property
    def is_text(self) -> bool:
        """True for a text without a code, which may name a person."""
        return not self.system


@dataclass
class CodeCounts:
    """Code list hits and unmapped codes of the resources that `watch` passes on."""

    lists: CodeLists
    units: Units | None = None
    hits: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    _gaps: Counter[Key] = field(default_factory=Counter)
    _displays: dict[Key, str] = field(default_factory=dict)
    _patients: dict[Key, set[str]] = field(default_factory=dict)

    def watch(self, resources: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the resources unchanged and count their codes."""
        for resource in resources:
            self._count(resource)
            yield resource

    def gaps(self, cohort: Collection[str] | None = None) -> list[Gap]:
        """All codes and texts that no list maps, by list, most frequent first; `cohort`: keys of its Patients."""
        ordered = sorted(self._gaps.items(), key=lambda item: (ORDER.index(item[0][0]), -item[1], item[0]))
        gaps = []
        for key, number in ordered:
            patients = self._patients.get(key, set())
            outside = 0 if cohort is None else sum(patient not in cohort for patient in patients)
            gaps.append(Gap(*key, self._displays[key], number, len(patients), outside))
        return gaps

    def outside(self, code_list: str, cohort: Collection[str]) -> int:
        """Patients outside the cohort who have any code of a list that is not mapped."""
        patients = {p for key, own in self._patients.items() if key[0] == code_list for p in own}
        return sum(patient not in cohort for patient in patients)

    def _count(self, resource: dict[str, Any]) -> None:
        for element in coded_elements():
            if element.resource_type == resource["resourceType"]:
                named = element.resource_type == "Procedure" and self._is_named_elsewhere(resource)
                for codes in codes_of(element, resource):
                    self._count_codings(resource, codes, element.lists, is_mapped=named)
        if resource["resourceType"] == "Observation":
            for part in (resource, *_objects(resource.get("component"))):
                self._count_answers(resource, part)
                self._count_unit(resource, part)

    def _count_codings(
        self, resource: dict[str, Any], codes: list[Code], lists: tuple[str, ...], *, is_mapped: bool = False
    ) -> None:
        """Count the codings of one thing: hits of the lists that map any of them, or all as unmapped."""
        hits = {name for name in lists for system, code, _ in codes if self.lists.knows(name, system, code)}
        self.hits.update(hits)
        if not hits and not is_mapped:
            for code in codes:
                self.unmapped[code[:2]] += 1
                self._add(resource, _home(lists), code)

    def _count_answers(self, resource: dict[str, Any], part: dict[str, Any]) -> None:
        """Coded answers of listed measures that neither the answers nor the sites know."""
        codes = concept_codes(part.get("code"))
        value = part.get("valueCodeableConcept")
        lists = ("answers", "sites", "tracers")
        if not value or not any(
            self.lists.knows(name, *code[:2]) for name in ("observations", "conditions") for code in codes
        ):
            return
        answers = concept_codes(value)
        if not any(self.lists.knows(name, *answer[:2]) for name in lists for answer in answers):
            for answer in answers:
                self._add(resource, "answers", answer)

    def _count_unit(self, resource: dict[str, Any], part: dict[str, Any]) -> None:
        """A unit that is not known for its measure; a printed one without a code is a text."""
        quantity = part.get("valueQuantity")
        if self.units is None or not isinstance(quantity, dict):
            return
        code, unit = (value if isinstance(value, str) else None for value in map(quantity.get, ("code", "unit")))
        for system, own, _ in concept_codes(part.get("code")) if code or unit else ():
            measure = str(self.lists.means("observations", system, own)).partition("=")[0]
            to = MEASURES.get(measure)
            if to and self.units.factor(measure, code, unit, to) is None:
                self._add(resource, UNITS, (UCUM, code, measure) if code else ("", str(unit), measure))

    def _is_named_elsewhere(self, resource: dict[str, Any]) -> bool:
        """True if a category, method or modality of a Procedure is listed, so that its code need not be."""
        concepts = [*_objects(resource.get("category")), *_concepts_in(resource.get("extension"))]
        codes = [code for concept in concepts for code in concept_codes(concept)]
        return any(self.lists.knows(name, *code[:2]) for name in ("procedures", "medications") for code in codes)

    def _add(self, resource: dict[str, Any], code_list: str, code: Code) -> None:
        key = (code_list, *code[:2])
        self._gaps[key] += 1
        self._displays.setdefault(key, code[2])
        subject = resource.get("subject") or resource.get("patient")
        reference = subject.get("reference") if isinstance(subject, dict) else None
        if isinstance(reference, str):
            self._patients.setdefault(key, set()).add(reference)


def codes_of(element: CodedElement, resource: dict[str, Any]) -> Iterator[list[Code]]:
    """The codings of each thing that an element codes; its text where it has no code."""
    for concepts in element.concepts(resource):
        codes = [code for concept in concepts for code in concept_codes(concept)]
        with_code = [code for code in codes if code[0]]
        yield with_code or codes


def concept_codes(concept: Any) -> list[Code]:
    """The codings of a CodeableConcept that have a code; its text where none has."""
    if not isinstance(concept, dict):
        return []
    codings = [coding for coding in _objects(concept.get("coding")) if coding.get("code")]
    if codings:
        return [(str(c.get("system", "")), str(c["code"]), str(c.get("display", ""))) for c in codings]
    text = concept.get("text")
    return [("", " ".join(text.split()), "")] if isinstance(text, str) and text.strip() else []


def _home(lists: tuple[str, ...]) -> str:
    """The list whose overlay a code belongs into: of an Observation, the measures."""
    return "observations" if "observations" in lists else lists[0]


def _concepts_in(extensions: Any) -> Iterator[dict[str, Any]]:
    """The CodeableConcepts of extensions and of extensions within them."""
    for extension in _objects(extensions):
        yield from _objects(extension.get("valueCodeableConcept"))
        yield from _concepts_in(extension.get("extension"))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]
