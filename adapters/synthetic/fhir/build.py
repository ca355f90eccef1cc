"""One patient's resources from beginning to end, checked by the FHIR models."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from types import ModuleType
from typing import Any, cast

import msgspec
from fhir.resources.R4B import get_fhir_model_class

from adapters.synthetic.fhir.cohort import Patient
from adapters.synthetic.fhir.dialects import mcode, mii
from adapters.synthetic.fhir.irregular import add_irregular
from adapters.synthetic.fhir.record import RECONSTRUCTION, Dialect, Record, Resource
from adapters.synthetic.fhir.resources.conditions import add_conditions
from adapters.synthetic.fhir.resources.laboratory import add_laboratory
from adapters.synthetic.fhir.resources.lesions import add_lesions
from adapters.synthetic.fhir.resources.medications import add_medications
from adapters.synthetic.fhir.resources.patient import add_patient, add_vital_status
from adapters.synthetic.fhir.resources.procedures import add_procedures
from adapters.synthetic.fhir.resources.status import add_status
from adapters.synthetic.fhir.resources.therapy import add_therapies
from adapters.synthetic.fhir.resources.workup import add_workup

STEPS = (
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
)
DIALECTS: dict[str, ModuleType] = {module.NAME: module for module in (mcode, mii)}


def dialect_named(name: str) -> Dialect:
    """The dialect with this name. Raises ValueError for an unknown name."""
    if name not in DIALECTS:
        raise ValueError(f"no dialect {name!r}: choose {' or '.join(sorted(DIALECTS))}")
    return cast(Dialect, DIALECTS[name])


def build_record(facts: Patient, dialect: Dialect, tag: str = RECONSTRUCTION) -> Record:
    """The finished record of one patient, the Patient first."""
    record = Record(facts, dialect, tag)
    for add in STEPS:
        add(record)
    return record


def build_patient(facts: Patient, dialect: Dialect, tag: str = RECONSTRUCTION) -> list[Resource]:
    """All resources of one patient as plain elements, the Patient first."""
    return build_record(facts, dialect, tag).resources


def build_cohort(cohort: list[Patient], dialect: Dialect, tag: str = RECONSTRUCTION) -> Iterator[list[Resource]]:
    """The resources shared by all patients, where the dialect has such, then those of each patient."""
    if shared := dialect.shared(tag):
        yield shared
    for facts in cohort:
        yield build_patient(facts, dialect, tag)


def checked_json(resource: Resource) -> str:
    """A resource as compact JSON, after the R4 model of its type has validated it.

    The model's own writer gives the same text (a test compares them) in twice the time.
    Raises pydantic.ValidationError where the resource is not valid FHIR.
    """
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return msgspec.json.encode(_with_plain_numbers(resource)).decode()


def _with_plain_numbers(node: Any) -> Any:
    """A copy of a JSON node in which exact numbers are int or float, without trailing zeros."""
    if isinstance(node, dict):
        return {name: _with_plain_numbers(value) for name, value in node.items()}
    if isinstance(node, list):
        return [_with_plain_numbers(value) for value in node]
    if isinstance(node, Decimal):
        return int(node) if node == node.to_integral_value() else float(node)
    return node
