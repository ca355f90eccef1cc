"""Order, copies and containers of the resources do not matter; lines give what resources give."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import InputError
from adapters.reading.raw_resource import RawResource
from adapters.tables.extract.views import extract, load_views
from tests.support.reading_support import (
    IDENTIFIER,
    SERVER,
    bundle,
    listed,
    meta,
    patient,
    psa,
    staged,
    therapy,
    write,
)

MATERIAL = [
    patient(),
    patient("p2", link=[{"other": {"reference": "Patient/p1"}, "type": "replaces"}]),
    psa("o1"),
    psa("o1", value=3, **meta(version="2")),
    psa("o2", subject=f"{SERVER}/Patient/p2"),
    psa("o3", status="cancelled"),
    psa("o4", status="preliminary", **IDENTIFIER),
    psa("o5", status="corrected", value=4, **IDENTIFIER),
    therapy(),
]


def content(outcome) -> dict[str, str]:
    return {key: json.dumps(r, sort_keys=True, default=str) for key, r in outcome.resources.items()}


@given(seed=st.integers(0, 2**16), copies=st.integers(1, 3))
def test_order_and_copies_change_nothing(seed, copies):
    records = MATERIAL * copies
    random.Random(seed).shuffle(records)
    assert content(staged(listed(*records))) == content(staged(listed(*MATERIAL)))


@given(cuts=st.lists(st.integers(0, len(MATERIAL)), max_size=4))
def test_splitting_a_bundle_changes_nothing(tmp_path_factory, cuts):
    folder = tmp_path_factory.mktemp("split")
    edges = sorted({0, *cuts, len(MATERIAL)})
    for number, (start, end) in enumerate(pairwise(edges)):
        write(folder / "parts" / f"{number}.json", bundle(*MATERIAL[start:end]))
    whole = write(folder / "whole" / "b.json", bundle(*MATERIAL))
    split = content(staged(folder / "parts"))
    assert split == content(staged(whole))


def test_a_source_that_changes_between_the_passes_is_an_error():
    source = listed(patient(), psa())
    outcome = staged(source)
    source.reads.pop()
    with pytest.raises(InputError, match="changed while it was read"):
        list(outcome.stage.resources())


@pytest.mark.parametrize(
    ("resource", "raw"),
    [
        (psa(), True),
        (psa(performer=[{"reference": "Practitioner/1"}, {"display": "laboratory"}]), True),  # of a type not read
        (psa(subject="Patient/p1/_history/2"), False),
        (psa(subject="https://h.example/fhir/Patient/p1"), False),
        (psa(subject="Patient/nobody"), False),
        (psa(subject="Patient?identifier=s|1"), False),
        (psa(subject="#"), False),
        (psa(contained=[{"resourceType": "Practitioner", "id": "x"}]), False),
    ],
)
def test_a_line_with_nothing_to_settle_goes_to_the_views_as_it_is(tmp_path, resource, raw):
    stage = staged(write(tmp_path / "x.ndjson", patient(), resource)).stage
    record = list(stage.records())[1]
    assert isinstance(record, RawResource) is raw
    expected = staged(listed(patient(), resource)).resources["Observation/o1"]
    assert (record.resource() if isinstance(record, RawResource) else record) == expected


def test_a_reference_behind_an_escaped_name_is_settled_too(tmp_path):
    line = json.dumps(psa(subject="Patient/p1/_history/2")).replace('"reference"', '"\\u0072eference"')
    path = write(tmp_path / "x.ndjson", patient())
    path.write_text(path.read_text() + line + "\n")
    assert staged(path).resources["Observation/o1"]["subject"] == {"reference": "Patient/p1"}


def test_a_resource_without_id_that_is_not_decoded_has_the_id_of_its_key(tmp_path):
    nameless = {name: value for name, value in psa().items() if name != "id"}
    stage = staged(write(tmp_path / "x.ndjson", patient(), nameless)).stage
    record = list(stage.records())[1]
    assert isinstance(record, RawResource)
    found = extract([record], load_views()).frames["observations"]
    assert list(found["resource_key"]) == [record.key]


def test_views_over_lines_give_what_views_over_resources_give(tmp_path):
    odd = [
        psa("quantity", value="12"), psa("code", code=[{}]), psa("own", subject="Patient/p1/_history/2"),
        psa("text", valueQuantity=None, valueString="<0.1"), psa("many", value=1e2),
    ]  # fmt: skip
    many = [psa(f"o{number}") for number in range(200)]
    stage = staged(write(tmp_path / "x.ndjson", patient(), *many[:70], *odd, *many[70:], therapy())).stage
    fast, plain = extract(stage.records(), load_views()), extract(stage.resources(), load_views())
    assert (fast.keys, fast.faults) == (plain.keys, plain.faults)
    assert fast.faults
    for name, frame in plain.frames.items():
        pd.testing.assert_frame_equal(fast.frames[name], frame)


def test_a_line_that_is_no_json_any_more_is_a_source_that_changed():
    with pytest.raises(InputError, match="changed while it was read"):
        RawResource("Observation/o1", b'{"resourceType":').resource()


def test_no_resources_is_an_error():
    with pytest.raises(InputError, match="no resources"):
        staged(listed())
