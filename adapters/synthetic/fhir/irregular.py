"""Irregular content of real exports: errors, corrections, doubles, merged records, results without a number.

irregular.csv lists it by place in patients.csv; none of it changes the tables of a correct reader.
"""

from __future__ import annotations

import copy
import csv
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

from adapters.synthetic.fhir.codes import unit_of
from adapters.synthetic.fhir.cohort import Patient, Row
from adapters.synthetic.fhir.record import LU_PSMA, NAMING, Element, Record, Resource, reference_to
from adapters.synthetic.fhir.resources.conditions import METASTASIS, status
from adapters.synthetic.fhir.resources.laboratory import add_result
from adapters.synthetic.fhir.resources.patient import add_merged_record

IRREGULAR = Path(__file__).parent / "irregular.csv"
ENTERED_IN_ERROR = "entered-in-error"
REPLACES = "http://hl7.org/fhir/StructureDefinition/observation-replaces"
NADIR_DAY = -60  # a result from the weeks before therapy
MERGED_EVERY = 3  # so many Observations of a merged patient still point to the older record


@cache
def _kinds_by_rank() -> dict[int, list[str]]:
    kinds: dict[int, list[str]] = {}
    with IRREGULAR.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kinds.setdefault(int(row["rank"]), []).append(row["kind"])
    return kinds


def add_irregular(record: Record) -> None:
    """Add to a finished record what irregular.csv asks for, and results without a number outside the analysis set."""
    for kind in _kinds_by_rank().get(record.facts.rank, []):
        KINDS[kind](record)
    if outside_analysis(record.facts):
        _add_results_without_number(record)


def with_liver_metastases(facts: Patient) -> bool:
    """Whether the cohort knows liver metastases of a patient."""
    return any(row["condition"] == METASTASIS and row["site"] == "liver" for row in facts.rows("conditions"))


def outside_analysis(facts: Patient) -> bool:
    """Treated, but without liver metastases: in the tables, not in the study's analysis."""
    return bool(facts.rows("cycles")) and not with_liver_metastases(facts)


def _laboratory(record: Record) -> Resource:
    """The patient's last laboratory result."""
    return [
        resource
        for resource in record.resources
        if resource["resourceType"] == "Observation" and _is_laboratory(resource)
    ][-1]


def _is_laboratory(resource: Resource) -> bool:
    return any(
        coding["code"] == "laboratory" for category in resource.get("category", []) for coding in category["coding"]
    ) and bool(resource.get("valueQuantity"))


def _preliminary(record: Record, result: Resource) -> Resource:
    """A copy of a result as it was first reported: another value, an earlier time; marks the result as corrected."""
    first = copy.deepcopy(result)
    first["status"], result["status"] = "preliminary", "corrected"
    first["valueQuantity"]["value"] *= 2
    first["meta"]["lastUpdated"] = first["meta"]["lastUpdated"].replace("T20:", "T12:")
    record.resources.insert(record.resources.index(result), first)
    return first


def _corrected_version(record: Record) -> None:
    result = _laboratory(record)
    _preliminary(record, result)
    result["meta"]["versionId"] = "2"


def _corrected_identifier(record: Record) -> None:
    result = _laboratory(record)
    name = record.next_name("lab")
    result.setdefault("identifier", [{"system": f"{NAMING}/laboratory", "value": name}])
    _preliminary(record, result)["id"] = record.dialect.resource_id(name)


def _corrected_replaces(record: Record) -> None:
    result = _laboratory(record)
    first = _preliminary(record, result)
    name = record.next_name("lab")
    first["id"] = record.dialect.resource_id(name)
    for identifier in first.get("identifier", []):
        identifier["value"] = name
    result["extension"] = [{"url": REPLACES, "valueReference": reference_to(first)}]


def _error_laboratory(record: Record) -> None:
    wrong = copy.deepcopy(_laboratory(record))
    name = record.next_name("lab")
    wrong |= {"id": record.dialect.resource_id(name), "status": ENTERED_IN_ERROR}
    wrong["valueQuantity"]["value"] = Decimal("9999")
    for identifier in wrong.get("identifier", []):
        identifier["value"] = name
    record.resources.append(wrong)


def _error_metastasis(record: Record) -> None:
    before = len(record.resources)
    record.dialect.add_metastasis(record, {"site": "other", "day": "-30"}, record.primary)
    _withdraw(record, record.resources[before])


def _error_therapy(record: Record) -> None:
    last = max(day for what, day in record.marks if what == LU_PSMA)
    wrong = copy.deepcopy(record.marks[LU_PSMA, last])
    wrong["id"] = record.dialect.resource_id(record.next_name("cycle"))
    wrong.pop("identifier", None)
    record.resources.append(wrong)
    _withdraw(record, wrong)


def _withdraw(record: Record, resource: Resource) -> None:
    """Mark a resource as entered in error."""
    if resource["resourceType"] == "Condition":
        resource.pop("clinicalStatus", None)
        resource |= status(record, verification=ENTERED_IN_ERROR)
    else:
        resource["status"] = ENTERED_IN_ERROR


def _error_only_therapy(record: Record) -> None:
    """A therapy was entered for a patient who never had one."""
    facts, before = record.facts, len(record.resources)
    wrong: Row = {"key": facts.key, "cycle": "1", "day": "0", "activity_gbq": "6.0"}
    record.facts = replace(facts, series={**facts.series, "cycles": [wrong]})
    record.dialect.add_cycles(record)
    record.facts = facts
    for resource in record.resources[before:]:
        _withdraw(record, resource)


def _merged(record: Record) -> None:
    older = add_merged_record(record)
    observations = record.of_type("Observation")
    for observation in observations[::MERGED_EVERY]:
        observation["subject"] = dict(older)


def _twice(record: Record) -> None:
    for resource_type in ("Observation", "Procedure"):
        last = record.of_type(resource_type)[-1]
        record.resources.append(copy.deepcopy(last))


def _add_results_without_number(record: Record) -> None:
    """A PSA below detection, a testosterone as text, an LDH that could not be measured."""
    below = unit_of(record.dialect.NAME, "psa").quantity(Decimal("0.1"), comparator="<")
    _result(record, "psa", {"valueQuantity": below})
    _result(record, "testosterone", {"valueString": "<0.1 ng/mL"})
    absent = record.concept("absent_reason", "error", text="Haemolytic sample")
    _result(record, "ldh", {"dataAbsentReason": absent, "note": [{"text": "Sample haemolytic, please send again."}]})


def _result(record: Record, measure: str, value: Element) -> None:
    row: Row = {"measure": measure, "day": str(NADIR_DAY), "lower_limit": "", "upper_limit": ""}
    add_result(record, row, value)


KINDS: dict[str, Callable[[Record], None]] = {
    "corrected_version": _corrected_version,
    "corrected_identifier": _corrected_identifier,
    "corrected_replaces": _corrected_replaces,
    "error_laboratory": _error_laboratory,
    "error_metastasis": _error_metastasis,
    "error_therapy": _error_therapy,
    "error_only_therapy": _error_only_therapy,
    "merged": _merged,
    "twice": _twice,
}
