"""The resources of one patient under construction: ids, meta, references, the same for both dialects."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

from adapters.synthetic.fhir.codes import Element, concept, profile_of
from adapters.synthetic.fhir.cohort import Patient, Row
from adapters.synthetic.fhir.dates import updated

BASE_URL = "https://example.org/fhir"
OWN = f"{BASE_URL}/radionuclide-study"
NAMING = f"{OWN}/NamingSystem"
HTEST = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST", "display": "test health data"}
PRIMARY, LU_PSMA = "primary", "lu_psma"
RECONSTRUCTION = "reconstruction"
RESAMPLED = "resampled"

Resource = dict[str, Any]


class Dialect(Protocol):
    """What differs between the dialects beyond codes, units and profiles; each dialect is a module."""

    NAME: str
    UTC_CLOCK: bool

    def resource_id(self, name: str, /) -> str:
        """The id of the resource with this name: the name itself or a UUID of it."""

    def subject(self, record: Record, number: int, /) -> Element:
        """The reference to the patient in the patient's resource `number` (from 0)."""

    def patient(self, record: Record, /) -> Element:
        """What the Patient says beyond name, sex and birth date: whether, or when, the patient died."""

    def condition(self, onset: str, /) -> Element:
        """When a condition began, as the dialect writes it; `onset` is a FHIR dateTime."""

    def add_metastasis(self, record: Record, row: Row, primary: Element | None, /) -> None:
        """Add the metastatic site of a row of conditions.csv; `primary` refers to the primary tumour."""

    def lesion(self, record: Record, row: Row, primary: Element | None, /) -> Element:
        """What a lesion's BodyStructure has beyond the common elements."""

    def diameter(self, record: Record, row: Row, lesion: Resource, /) -> Element:
        """What the Observation of a diameter has beyond the common elements: value and lesion."""

    def suv_max(self, record: Record, row: Row, lesion: Resource, /) -> Element:
        """What the Observation of an SUVmax has beyond the common elements: value, lesion and PET."""

    def add_cycles(self, record: Record, /) -> None:
        """Add the cycles of 177Lu-PSMA."""

    def add_sirt(self, record: Record, row: Row, /) -> None:
        """Add the SIRT of a row of procedures.csv."""

    def add_radium(self, record: Record, row: Row, /) -> None:
        """Add the 223Ra therapy of a row of procedures.csv."""

    def drug(self, record: Record, row: Row, number: int, /) -> Element:
        """The drug of a row of medications.csv, as code or reference; `number` counts the patient's drugs."""

    def laboratory(self, record: Record, row: Row, identity: str, /) -> Element:
        """What a laboratory result has beyond the common elements; `identity` is its name at the laboratory."""

    def ecog(self, grade: str, /) -> Element:
        """The value of the Observation of an ECOG grade."""

    def gleason(self, score: str, /) -> Element:
        """The value of the Observation of a Gleason score."""

    def disease_status(self, record: Record, row: Row, /) -> Element:
        """The value of the Observation of a disease status."""

    def shared(self, tag: str, /) -> list[Resource]:
        """Resources that belong to no patient; `tag` marks them as part of the demo cohort."""


def meta(dialect: str, tag: str, profile: str, last_updated: str, version: str = "1") -> Element:
    """The meta element that every resource of the cohort carries."""
    return {
        "versionId": version,
        "lastUpdated": last_updated,
        "profile": [profile_of(dialect, profile)],
        "security": [dict(HTEST)],
        "tag": [{"system": f"{OWN}/CodeSystem/cohort", "code": tag}],
    }


def uuid_of(name: str) -> str:
    """The id made of a name where ids are UUIDs; the same on every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{OWN}/{name}"))


def reference_to(resource: Resource) -> Element:
    """A relative reference to a resource."""
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


@dataclass(slots=True)
class Record:
    """The resources of one patient in one dialect, in the order in which they were added."""

    facts: Patient
    dialect: Dialect
    tag: str = RECONSTRUCTION
    resources: list[Resource] = field(default_factory=list)
    marks: dict[tuple[str, int], Resource] = field(default_factory=dict)  # (what, day) -> a resource others refer to
    _counts: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """The patient's part of every id."""
        return self.facts.name

    def concept(self, element: str, key: str, text: str | None = None) -> Element:
        """A CodeableConcept of the dialect for `key`, a word of the cohort; `text` replaces the code's own text."""
        return concept(self.dialect.NAME, element, key, text)

    def next_name(self, family: str) -> str:
        """A new name within the patient, such as `r01-lab-0007`."""
        self._counts[family] += 1
        return f"{self.name}-{family}-{self._counts[family]:04d}"

    def add(  # noqa: PLR0913 - one keyword for each element that a resource may need
        self,
        resource_type: str,
        family: str,
        elements: Element,
        *,
        profile: str,
        day: int | None = None,
        owner: str | None = "subject",
        name: str | None = None,
    ) -> Resource:
        """Add a resource of this patient and return it.

        `family` names it, `day` dates its last update, `owner` is the element that points to the patient (None: none).
        """
        resource: Resource = {
            "resourceType": resource_type,
            "id": self.dialect.resource_id(name or self.next_name(family)),
            "meta": meta(self.dialect.NAME, self.tag, profile, updated(self.facts, day)),
            **elements,
        }
        if owner:
            resource[owner] = self.dialect.subject(self, len(self.resources))
        self.resources.append(resource)
        return resource

    @property
    def patient(self) -> Resource:
        """The Patient, which is added first."""
        return self.resources[0]

    @property
    def primary(self) -> Element | None:
        """A reference to the primary tumour; None where the cohort knows none."""
        tumour = self.marks.get((PRIMARY, 0))
        return reference_to(tumour) if tumour else None

    def of_type(self, *types: str) -> list[Resource]:
        """The resources of some types, in order."""
        return [resource for resource in self.resources if resource["resourceType"] in types]
