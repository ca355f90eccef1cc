"""Small FHIR resources for the tests of the tables, and the tables built from them without a source or files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from adapters.ledger import FindingKind, Ledger
from adapters.reading.stage import Stage
from adapters.settings import Cohort, Reading, Settings, Time, load_settings
from adapters.sources import open_source
from adapters.tables import build_tables
from adapters.tables.extract.views import load_views
from adapters.tables.study_ids import StudyIds

SCT, LOINC, UCUM = "http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org"
OPS, ATC = "http://fhir.de/CodeSystem/bfarm/ops", "http://fhir.de/CodeSystem/bfarm/atc"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
LOCAL = "https://example.org/fhir/radionuclide-study/CodeSystem/local"
DEATH = "https://www.medizininformatik-initiative.de/fhir/core/modul-person/CodeSystem/Vitalstatus"
ACTIVITY = (
    "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/StructureDefinition/"
    "mii-ex-onko-strahlentherapie-bestrahlung-gesamtdosis"
)
DAY_ZERO = "2017-03-01"
Resource = dict[str, Any]


def concept(*codings: tuple[str, str]) -> Resource:
    """A CodeableConcept of (system, code) pairs."""
    return {"coding": [{"system": system, "code": code} for system, code in codings]}


def quantity(value: float, code: str | None, system: str | None = UCUM) -> Resource:
    """A Quantity, without unit where `code` is None."""
    return {"value": value} if code is None else {"value": value, "unit": code, "system": system, "code": code}


def patient(identity: str = "p", **more: Any) -> Resource:
    """A man born 1947-03-01: 70 years old at day 0."""
    return {"resourceType": "Patient", "id": identity, "gender": "male", "birthDate": "1947-03-01", **more}


def cycle(
    identity: str = "c", when: str | None = DAY_ZERO, gbq: float | None = 6.1, subject: str = "p", **more: Any
) -> Resource:
    """An administration of 177Lu-PSMA as mCODE has it."""
    return _without_none({
        "resourceType": "MedicationAdministration", "id": identity, "status": "completed",
        "subject": {"reference": f"Patient/{subject}"}, "effectiveDateTime": when,
        "medicationCodeableConcept": concept((SCT, "1263794005")),
        "dosage": None if gbq is None else {"dose": quantity(gbq, "GBq")}, **more,
    })  # fmt: skip


def billed(
    identity: str = "b", when: str | None = DAY_ZERO, mbq: float | None = None, subject: str = "p", **more: Any
) -> Resource:
    """A procedure of 177Lu-PSMA therapy as the German core data set has it."""
    extension = {"url": ACTIVITY, "valueQuantity": quantity(mbq or 0, "MBq")}
    return _without_none({
        "resourceType": "Procedure", "id": identity, "status": "completed",
        "subject": {"reference": f"Patient/{subject}"}, "performedDateTime": when,
        "code": concept((OPS, "8-530.d0"), (SCT, "1263784000")),
        "extension": None if mbq is None else [extension], **more,
    })  # fmt: skip


def procedure(
    code: tuple[str, str], identity: str = "x", when: str | None = DAY_ZERO, subject: str = "p", **more: Any
) -> Resource:
    """Any Procedure."""
    return _without_none({
        "resourceType": "Procedure", "id": identity, "status": "completed", "code": concept(code),
        "subject": {"reference": f"Patient/{subject}"}, "performedDateTime": when, **more,
    })  # fmt: skip


def observation(
    code: tuple[str, str] = (LOINC, "2857-1"),
    identity: str = "o",
    when: str | None = DAY_ZERO,
    subject: str = "p",
    **more: Any,
) -> Resource:
    """Any Observation; give its value[x] by name."""
    return _without_none({
        "resourceType": "Observation", "id": identity, "status": "final", "code": concept(code),
        "subject": {"reference": f"Patient/{subject}"}, "effectiveDateTime": when, **more,
    })  # fmt: skip


def psa(value: float = 12.5, unit: str | None = "ng/mL", identity: str = "o", **more: Any) -> Resource:
    """A PSA measurement on day 0."""
    return observation(identity=identity, valueQuantity=quantity(value, unit), **more)


def condition(code: tuple[str, str], identity: str = "d", subject: str = "p", **more: Any) -> Resource:
    """A Condition."""
    return {
        "resourceType": "Condition", "id": identity, "code": concept(code),
        "subject": {"reference": f"Patient/{subject}"}, **more,
    }  # fmt: skip


def lesion(identity: str = "l", organ: str = "10200004", subject: str = "p", **more: Any) -> Resource:
    """A BodyStructure in the liver unless told otherwise."""
    return {
        "resourceType": "BodyStructure", "id": identity, "location": concept((SCT, organ)),
        "patient": {"reference": f"Patient/{subject}"}, **more,
    }  # fmt: skip


def diameter(mm: float, lesion_id: str | None = "l", identity: str = "s", **more: Any) -> Resource:
    """A diameter as mCODE has it: the value in a component, the lesion as focus."""
    component = [{"code": concept((LOINC, "33728-7")), "valueQuantity": quantity(mm, "mm")}]
    focus = None if lesion_id is None else [{"reference": f"BodyStructure/{lesion_id}"}]
    return observation((LOINC, "21889-1"), identity, **{"focus": focus, "component": component} | more)


def _without_none(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if value is not None}


@dataclass
class Built:
    """The tables and what the ledger says about how they came to be."""

    tables: dict[str, pd.DataFrame]
    ledger: Ledger

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    def fate(self, kind: str) -> list[tuple[str, str, int]]:
        """(disposition, reason, count) of the resources of a type."""
        found = self.ledger.dispositions
        return [(fate, why, number) for (of, _, fate, why), number in sorted(found.items()) if of == kind]

    def count(self, kind: FindingKind, **where: Any) -> int:
        """How often a finding occurred."""
        found = self.ledger.findings.items()
        return sum(n for f, n in found if f.finding == kind and all(getattr(f, k) == v for k, v in where.items()))

    def only(self, name: str) -> pd.Series:
        """The single row of a table."""
        assert len(self.tables[name]) == 1
        return self.tables[name].iloc[0]


def build(
    resources: Iterable[Mapping[str, Any]], ids: StudyIds | None = None, everyone: bool = False, **settings: Any
) -> Built:
    """Tables of `resources`; `settings` are fields of Settings, or of its sections by name."""
    resources = list(resources)
    ledger = Ledger()
    for resource in resources:
        ledger.read(f"{resource['resourceType']}/{resource['id']}", "test.json")
    chosen: dict[str, Any] = {"cohort": Cohort(any_of=("all",))} if everyone else {}
    for name, section in (("time", Time), ("reading", Reading)):
        own = {key: settings.pop(key) for key in list(settings) if key in section.__struct_fields__}
        chosen[name] = section(**own)
    excluded = settings.pop("excluded", {})
    tables = build_tables(resources, settings=Settings(**chosen | settings), ledger=ledger, ids=ids, excluded=excluded)
    ledger.close()
    return Built(tables, ledger)


def pulled(path: Path, everyone: bool = False, ids: StudyIds | None = None, **reading: Any) -> Built:
    """Tables of a source on disk, with the settings of the repository; `reading` are settings of that section."""
    ledger, settings = Ledger(), load_settings()
    if everyone:
        settings = msgspec.structs.replace(settings, cohort=Cohort(any_of=("all",)))
    settings = msgspec.structs.replace(settings, reading=msgspec.structs.replace(settings.reading, **reading))
    types = frozenset(view.compiled.resource_type for view in load_views())
    stage = Stage(open_source(str(path)), settings, ledger, types)
    excluded = stage.index(date(2026, 1, 1))
    tables = build_tables(stage.resources(), settings=settings, ledger=ledger, ids=ids, excluded=excluded)
    ledger.close()
    return Built(tables, ledger)


def same(one: Built, other: Built) -> None:
    """The clinical tables and the findings of both are equal."""
    for name, frame in one.tables.items():
        pd.testing.assert_frame_equal(frame, other.tables[name])


def study(
    *resources: Resource, subjects: Iterable[str] = ("p",), ids: StudyIds | None = None, **settings: Any
) -> Built:
    """Tables of `resources` and of patients who each had a cycle on day 0; ids of these are c-<patient>."""
    own = [item for name in subjects for item in (patient(name), cycle(f"c-{name}", subject=name))]
    return build([*own, *resources], ids=ids, **settings)


@dataclass
class Cases:
    """Many small cases in one build, each a patient of its own with a cycle on day 0."""

    built: Built
    ids: StudyIds

    def rows(self, case: str, table: str = "observations") -> pd.DataFrame:
        """The rows of one case."""
        frame = self.built[table]
        return frame[frame["patient_id"] == self.ids.patients[f"Patient/{_slug(case)}"]].reset_index(drop=True)

    def row(self, case: str, table: str = "observations") -> pd.Series:
        """The single row of one case."""
        rows = self.rows(case, table)
        assert len(rows) == 1
        return rows.iloc[0]

    def count(self, case: str, kind: FindingKind, **where: Any) -> int:
        """How often a finding occurred in one case."""
        return self.built.count(kind, patient_id=self.ids.patients[f"Patient/{_slug(case)}"], **where)


def cases(of: Mapping[str, Iterable[Resource]], **settings: Any) -> Cases:
    """Build all cases at once: name -> resources, which get the case as patient and ids of their own."""
    resources: list[Resource] = []
    for name, own in ((_slug(case), own) for case, own in of.items()):
        given = [_owned(resource, name) for resource in own]
        if not any(resource["resourceType"] == "Patient" for resource in given):
            given.insert(0, patient(name))
        resources += given
        resources.append(cycle(f"c-{name}", subject=name))
    ids = StudyIds()
    return Cases(build(resources, ids=ids, **settings), ids)


def _slug(case: str) -> str:
    """The case as a FHIR id."""
    return re.sub(r"[^a-z0-9]+", "-", case)


def _owned(resource: Resource, name: str) -> Resource:
    """The resource as that of the case: its patient, and ids and references with the case's name in front."""
    if resource["resourceType"] == "Patient":
        return resource | {"id": name}
    owner = "patient" if resource["resourceType"] == "BodyStructure" else "subject"
    own = {key: _renamed(value, name) for key, value in resource.items()}
    if owner in resource:
        own[owner] = {"reference": f"Patient/{name}"}
    return own | {"id": f"{name}-{resource['id']}"}


def _renamed(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_renamed(item, name) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _renamed(item, name) for key, item in value.items()}
    if isinstance(found.get("reference"), str):
        kind, _, identity = found["reference"].partition("/")
        found["reference"] = f"{kind}/{name}-{identity}"
    return found
