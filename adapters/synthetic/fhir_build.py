"""One patient's resources from beginning to end, checked by the FHIR models."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import cast

from fhir.resources.R4B import get_fhir_model_class

from adapters.synthetic import mcode, mii
from adapters.synthetic.fhir_cohort import Patient
from adapters.synthetic.fhir_conditions import add_conditions
from adapters.synthetic.fhir_irregular import add_irregular
from adapters.synthetic.fhir_laboratory import add_laboratory
from adapters.synthetic.fhir_lesions import add_lesions
from adapters.synthetic.fhir_medications import add_medications
from adapters.synthetic.fhir_patient import add_patient, add_vital_status
from adapters.synthetic.fhir_procedures import add_procedures
from adapters.synthetic.fhir_record import RECONSTRUCTION, Dialect, Record, Resource
from adapters.synthetic.fhir_status import add_status
from adapters.synthetic.fhir_therapy import add_therapies
from adapters.synthetic.fhir_workup import add_workup

DIALECTS: dict[str, ModuleType] = {module.NAME: module for module in (mcode, mii)}


def dialect_named(name: str) -> Dialect:
    """The dialect of a name. Raises ValueError where there is none."""
    if name not in DIALECTS:
        raise ValueError(f"no dialect {name!r}: choose {' or '.join(sorted(DIALECTS))}")
    return cast(Dialect, DIALECTS[name])


def build_patient(facts: Patient, dialect: Dialect, tag: str = RECONSTRUCTION) -> list[Resource]:
    """All resources of one patient as plain elements, the Patient first."""
    record = Record(facts, dialect, tag)
    for add in (
        add_patient,
        add_conditions,
        add_medications,
        add_procedures,
        add_therapies,
        add_workup,
        add_status,
        add_lesions,
        add_laboratory,
        add_vital_status,
        add_irregular,
    ):
        add(record)
    return record.resources


def build_cohort(cohort: list[Patient], dialect: Dialect, tag: str = RECONSTRUCTION) -> Iterator[list[Resource]]:
    """The resources shared by all patients, where the dialect has such, then those of each patient."""
    if shared := dialect.shared(tag):
        yield shared
    for facts in cohort:
        yield build_patient(facts, dialect, tag)


def checked_json(resource: Resource) -> str:
    """A resource as compact JSON, through the R4 model of its type.

    Raises pydantic.ValidationError where it is no valid FHIR.
    """
    model = get_fhir_model_class(resource["resourceType"])
    return str(model.model_validate(resource).model_dump_json())
