"""One changed fact in the FHIR input changes the numbers that depend on it, and no other.

`mutation.csv` holds for each change the ids (or patterns of ids) that must change and why; all others must be equal
to the last digit.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from adapters.synthetic.resample import shifted
from analysis.results import Result
from tests.support.fhir_changes import (
    Entry,
    Resource,
    changed_ids,
    has_code,
    of_patient,
    patient_named,
    pulled_entries,
    with_change,
    without_patient,
)

DIAMETER, SUV_MAX, ALT = "21889-1", "126401", "1742-6"


def measured(entries: list[Entry], patient: str, code: str) -> list[Resource]:
    """A patient's measurements of one kind in time order."""
    found = [one for one in of_patient(entries, patient, "Observation") if has_code(one, code)]
    return sorted(found, key=lambda one: (one["effectiveDateTime"], one["id"]))


def later_death(entries: list[Entry]) -> None:
    """A death shortly before the median of the patients with 177Lu-PSMA alone, 60 days later."""
    patient = patient_named(entries, "p22")
    patient["deceasedDateTime"] = shifted(patient["deceasedDateTime"], 60)


def larger_lesion(entries: list[Entry]) -> None:
    """A lesion after therapy, half as large again: no longer in partial remission."""
    measured(entries, "p05", DIAMETER)[-1]["component"][0]["valueQuantity"]["value"] *= 1.5


def brighter_lesion(entries: list[Entry]) -> None:
    """The baseline SUVmax of one lesion, read with 68Ga-PSMA-11."""
    measured(entries, "p05", SUV_MAX)[0]["valueQuantity"]["value"] += 1.5


def higher_alt(entries: list[Entry]) -> None:
    """The last ALT value of a patient with 177Lu-PSMA alone, from about the limit of normal to three times that."""
    measured(entries, "p20", ALT)[-1]["valueQuantity"]["value"] += 100


def more_activity(entries: list[Entry]) -> None:
    """The activity of one cycle of a patient with 177Lu-PSMA alone, from below the target range into it."""
    cycles = [one for one in of_patient(entries, "p20", "MedicationAdministration") if "dose" in one.get("dosage", {})]
    cycles[0]["dosage"]["dose"]["value"] += 1


CHANGES: dict[str, Callable[[list[Entry]], None]] = {
    "death date": later_death,
    "diameter": larger_lesion,
    "SUVmax": brighter_lesion,
    "ALT": higher_alt,
    "activity": more_activity,
}


def expected(change: str) -> list[str]:
    """The patterns of ids that must change."""
    with Path(__file__).with_name("mutation.csv").open(encoding="utf-8", newline="") as file:
        return [row["id"] for row in csv.DictReader(file) if row["change"] == change]


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_one_fact_changes_what_depends_on_it_and_nothing_else(change, entries, results, tmp_path):
    after = pulled_entries(with_change(entries, CHANGES[change]), tmp_path).results()
    changed = changed_ids(results, after)
    patterns = expected(change)
    assert [
        result_id for result_id in sorted(changed) if not any(fnmatchcase(result_id, pattern) for pattern in patterns)
    ] == []
    assert [pattern for pattern in patterns if not any(fnmatchcase(result_id, pattern) for result_id in changed)] == []


def test_the_table_names_every_change():
    with Path(__file__).with_name("mutation.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["change"] for row in rows} == set(CHANGES)
    assert all(row["why"] for row in rows)


def untouched_by_patients(result: Result) -> bool:
    """Numbers of physics and of the study's design, but for what depends on the size of the arms alone."""
    return result.basis in ("physics", "design") and not result.id.startswith("mult.least.")


@pytest.mark.slow
def test_a_patient_less_changes_table_1_survival_and_response_and_nothing_else(entries, results, tmp_path):
    after = pulled_entries(without_patient(entries, "p01"), tmp_path).results()
    changed = changed_ids(results, after)
    assert after["n.all"].value == results["n.all"].value - 1
    assert after["n.lu_sirt"].value == results["n.lu_sirt"].value - 1
    for arm in ("lu_sirt", "all"):
        assert {result_id for result_id in results if fnmatchcase(result_id, f"t1.*.{arm}")} <= changed
    assert {"os.lu_sirt", "os.logrank", "os.hr.efron", "os.rmst.difference"} <= changed
    assert {"n.subgroup", "resp.sirt.best", "resp.lu.best", "suv.p.patients"} <= changed
    assert [result_id for result_id in sorted(changed) if untouched_by_patients(results[result_id])] == []
    other_arm = {
        result_id
        for result_id in results
        if fnmatchcase(result_id, "t1.*.lu") or result_id in ("n.lu", "os.lu", "os.lu.mean")
    }
    assert not other_arm & changed
