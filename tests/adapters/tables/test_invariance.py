"""Rule 11 as properties: order, ids, doubled entries, the calendar and the unit change nothing in any table."""

from __future__ import annotations

import copy
import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.tables.study_ids import StudyIds
from tests.support.tables_support import (  # fmt: skip
    LOINC,
    SCT,
    UCUM,
    Built,
    billed,
    build,
    concept,
    condition,
    cycle,
    diameter,
    lesion,
    observation,
    patient,
    procedure,
    psa,
    quantity,
    same,
)

DATE = re.compile(r"\b(\d{4}-\d{2}-\d{2})")
BILIRUBIN = (LOINC, "14631-6")


def cohort() -> list[dict[str, Any]]:
    """Three patients with therapies told twice, lesions, drugs, and two who differ in one diameter only."""
    found = []
    for name, mm in (("a", 34.0), ("b", 34.5), ("c", 20.0)):
        found += [
            patient(name), cycle(f"c1{name}", subject=name), billed(f"b1{name}", subject=name, mbq=6100),
            cycle(f"c2{name}", "2017-04-20T10:00:00+02:00", subject=name),
            lesion(f"l1{name}", subject=name), lesion(f"l2{name}", "272673000", subject=name),
            diameter(mm, f"l1{name}", f"s1{name}", subject=name), diameter(12, f"l2{name}", f"s2{name}", subject=name),
            diameter(mm - 5, f"l1{name}", f"s3{name}", subject=name, when="2017-06-01"),
            psa(identity=f"o1{name}", subject=name, when="2017-02-27T08:00:00Z"),
            psa(8.0, identity=f"o2{name}", subject=name, when="2017-02-27T18:00:00Z"),
            observation(BILIRUBIN, f"o3{name}", subject=name, valueQuantity=quantity(17.104, "umol/L")),
            condition((SCT, "94381002"), f"d{name}", subject=name, onsetDateTime="2016-11"),
        ]  # fmt: skip
    found += [
        procedure((SCT, "764677008"), "sirt", "2017-08-01", "c"),
        psa(identity="late", subject="c", when="2018-08-01"),
    ]
    found[-3]["onsetDateTime"] = "2016-10"
    return found


@pytest.fixture(scope="module")
def reference() -> Built:
    return build(cohort())


@settings(max_examples=5)
@given(st.permutations(range(len(cohort()))))
def test_order_of_resources_changes_nothing(reference: Built, order: list[int]) -> None:
    resources = cohort()
    same(reference, build([resources[n] for n in order]))


@settings(max_examples=5)
@given(st.randoms(use_true_random=False))
def test_names_of_resources_change_nothing(reference: Built, random: Any) -> None:
    resources = cohort()
    names = [resource["id"] for resource in resources]
    text = json.dumps(resources)
    for name, new in zip(names, random.sample(range(1000, 9999), len(names)), strict=True):
        text = re.sub(rf'("id": "|/){name}"', rf'\g<1>x{new}"', text)
    same(reference, build(json.loads(text)))


@pytest.mark.parametrize("days", [1461, -1461, 4 * 1461])
def test_a_shift_of_the_calendar_changes_nothing(reference: Built, days: int) -> None:
    def later(match: re.Match[str]) -> str:
        return (date.fromisoformat(match[1]) + timedelta(days=days)).isoformat()

    text = DATE.sub(later, json.dumps(cohort()))
    text = re.sub(r'"(\d{4})-(\d{2})"', lambda m: f'"{int(m[1]) + days * 4 // 1461}-{m[2]}"', text)
    same(reference, build(json.loads(text)))


def test_other_units_of_the_same_values_change_nothing(reference: Built) -> None:
    resources = copy.deepcopy(cohort())
    for resource in resources:
        if resource["id"].startswith("o3"):
            resource["valueQuantity"] = quantity(1.0, "mg/dL")
            resource["code"] = concept((LOINC, "1975-2"))
        elif resource["id"].startswith(("o1", "o2")):
            resource["valueQuantity"] = {**resource["valueQuantity"], "unit": "µg/L", "system": UCUM, "code": "ug/L"}
        for component in resource.get("component", ()):
            stated = component["valueQuantity"]
            component["valueQuantity"] = quantity(stated["value"] / 10, "cm")
    same(reference, build(resources))


def test_one_changed_value_changes_its_row_and_no_other(reference: Built) -> None:
    resources = cohort()
    for resource in resources:
        if resource["id"] == "late":
            resource["valueQuantity"]["value"] = 99.0
    changed = build(resources)["observations"]
    before = reference["observations"]
    columns = ["measure", "value", "day"]
    difference = set(map(tuple, changed[columns].values)) ^ set(map(tuple, before[columns].values))
    assert difference == {("psa", 99.0, 518), ("psa", 12.5, 518)}


def test_equal_patients_and_equal_lesions_give_the_same_tables_in_either_order() -> None:
    twins = [
        item
        for name in ("a", "b")
        for item in (patient(name), cycle(f"c{name}", subject=name), lesion(f"l{name}", subject=name),
                     lesion(f"m{name}", subject=name), diameter(30, f"l{name}", f"s{name}", subject=name),
                     diameter(30, f"m{name}", f"t{name}", subject=name))
    ]  # fmt: skip
    same(build(twins), build(twins[::-1]))


def test_no_source_id_reaches_a_table(reference: Built) -> None:
    names = {resource["id"] for resource in cohort() if len(resource["id"]) > 1}
    for frame in reference.tables.values():
        text = frame.to_csv(index=False)
        assert not any(re.search(rf"\b{name}\b", text) for name in names - {"sirt"})
        assert not DATE.search(text)


def test_with_a_link_patients_and_lesions_keep_their_ids_when_others_join() -> None:
    ids = StudyIds()
    first = build([r for r in cohort() if not r["id"].endswith("a")], ids=ids)
    kept = dict(ids.patients), dict(ids.lesions)
    again = build(cohort(), ids=ids)
    assert {key: ids.patients[key] for key in kept[0]} == kept[0]
    assert {key: ids.lesions[key] for key in kept[1]} == kept[1]
    assert ids.patients["Patient/a"] == "S03"
    assert set(first["patients"]["patient_id"]) < set(again["patients"]["patient_id"])
