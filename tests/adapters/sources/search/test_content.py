"""Odd content means the same whatever way it comes: Bundle, NDJSON, packed, search, resumed search, bulk export.

Each case is a patient of an age of his own, known in the tables by that age alone.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from adapters.errors import IncompleteError
from tests.support.server.bulk_support import Export
from tests.support.server.demo_support import CLINICAL, numbers_kept, tables_of
from tests.support.server.fake_fhir import Fake
from tests.support.server.hapi import ORDER
from tests.support.tables_support import cycle, diameter, patient, psa, quantity

ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
SAMPLED = {"origin": {"value": 0}, "period": 10, "dimensions": 1, "data": "1 2 3"}
DISPLAYED = {"value": 12.5, "unit": "µg/L"}
NAMED = {"identifier": [{"system": "urn:lab", "value": "4711"}]}
CONTAINED = {
    "contained": [{"resourceType": "Medication", "id": "m", "code": {"coding": [
        {"system": "http://snomed.info/sct", "code": "1263794005"}]}}],
    "medicationCodeableConcept": None, "medicationReference": {"reference": "#m"},
}  # fmt: skip
# A case: what stands beside the patient and his cycle, as resources; then rows of a table and what stands in them.
PSA_12 = ("observations", [{"measure": "psa", "value": 12.5}])
NO_ROW: tuple[str, list[dict[str, Any]]] = ("observations", [])
CASES: dict[str, tuple[list[dict[str, Any]], tuple[str, list[dict[str, Any]]]]] = {
    "nothing odd": ([psa()], PSA_12),
    "a versioned reference": ([psa(subject="VERSIONED")], PSA_12),
    "a urn:uuid without Bundle": ([psa(focus=[{"reference": "urn:uuid:0c1c8e8a-0000-4000-8000-0000000000"}])], PSA_12),
    "a lesion that is nowhere": ([diameter(20, "nowhere")], ("observations", [{"value": 20.0, "lesion_id": None}])),
    "a contained medication": ([cycle("second", "2017-04-26", **CONTAINED)], ("procedures", [{"day": 0}, {"day": 56}])),
    "absent for a reason": ([psa() | {"valueQuantity": None, "dataAbsentReason": {"coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-performed"}]}}],
        ("observations", [{"value": None, "absent_reason": "not_performed"}])),
    "a sibling instead of the date": ([psa() | {"effectiveDateTime": None, "_effectiveDateTime": ABSENT}],
                                      ("observations", [{"value": 12.5, "day": None}])),
    "a sibling instead of the number": ([psa() | {"valueQuantity": {"_value": ABSENT, "code": "ng/mL"}}],
                                        ("observations", [{"value": None}])),
    "a date of the year only": ([psa(when="2017")], ("observations", [{"day": None, "day_min": -59, "day_max": 305}])),
    "a date of the month only": ([psa(when="2017-04")], ("observations", [{"day": None, "day_min": 31, "day_max": 60}])),
    "a leap second": ([psa(when="2016-12-31T23:59:60Z")], ("observations", [{"day": -59}])),  # 1 January in Berlin
    "an hour 24": ([psa(when="2017-03-02T24:00:00Z")], NO_ROW),
    "a time without zone": ([psa(when="2017-03-02T23:30:00")], ("observations", [{"day": 1}])),
    "a time of another zone": ([psa(when="2017-03-02T23:30:00-05:00")], ("observations", [{"day": 2}])),
    "below the limit": ([psa() | {"valueQuantity": quantity(0.1, "ng/mL") | {"comparator": "<"}}],
                        ("observations", [{"value": 0.1, "comparator": "<"}])),
    "below the limit, as text": ([psa() | {"valueQuantity": None, "valueString": "<0.1 ng/mL"}],
                                 ("observations", [{"value": 0.1, "comparator": "<"}])),
    "sampled data": ([psa() | {"valueQuantity": None, "valueSampledData": SAMPLED}], ("observations", [{"value": None}])),
    "entered in error": ([psa(status="entered-in-error")], NO_ROW),
    "preliminary": ([psa(status="preliminary")], NO_ROW),
    "final, then corrected": ([psa(11.0, **NAMED), psa(12.5, identity="o2", status="corrected", **NAMED)], PSA_12),
    "preliminary, then amended": ([psa(11.0, status="preliminary", **NAMED),
                                   psa(12.5, identity="o2", status="amended", **NAMED)], PSA_12),
    "a unit that is only displayed": ([psa() | {"valueQuantity": DISPLAYED}], PSA_12),
    "a unit of another measure": ([psa(unit="mm")], NO_ROW),
    "digits that a float would lose": ([psa() | {"valueQuantity": quantity("@12.50000000000000000000@", "ng/mL")}], PSA_12),
    "a number that no float holds": ([psa() | {"valueQuantity": quantity("@1e400@", "ng/mL")}],
                                     ("observations", [{"value": None}])),
    "a character of two halves": ([psa(note=[{"text": "\U0001f600"}])], PSA_12),
    "holes in a name": ([psa()], PSA_12),
}  # fmt: skip
AGE = {name: 40 + number for number, name in enumerate(CASES)}
HOLES = {"name": [{"family": "X", "given": ["A", None], "_given": [None, ABSENT]}]}


def lines(case: str) -> Iterator[tuple[str, str]]:
    """Type and text of the resources of a case, with ids of its own."""
    number = AGE[case]
    who = patient(f"p{number}", birthDate=f"{2017 - number}-03-01", **(HOLES if case == "holes in a name" else {}))
    for resource in [who, cycle("c"), *CASES[case][0]]:
        own = {name: value for name, value in resource.items() if value is not None}
        if "subject" in own:
            versioned = "/_history/2" if "VERSIONED" in own["subject"]["reference"] else ""
            own |= {"id": f"p{number}-{own['id']}", "subject": {"reference": f"Patient/p{number}{versioned}"}}
        yield own["resourceType"], re.sub(r'"@([^"]+)@"', r"\1", json.dumps(own))


def ndjson(cases: list[str]) -> dict[str, list[str]]:
    """The lines of the cases by type."""
    found: dict[str, list[str]] = {}
    for case in cases:
        for kind, line in lines(case):
            found.setdefault(kind, []).append(line)
    return found


Served = Callable[[dict[str, list[str]]], Fake]


@pytest.fixture
def served(httpserver: HTTPServer) -> Served:
    """The lines on a scripted server."""

    def serve(by_type: dict[str, list[str]]) -> Fake:
        resources = [numbers_kept(line) for of_type in by_type.values() for line in of_type]
        server = Fake(resources, page_size=7, types=ORDER, base=httpserver.url_for("/fhir"))
        httpserver.expect_request(re.compile("/fhir.*")).respond_with_handler(server)
        return server

    return serve


def by_bundle(by_type: dict[str, list[str]], out: Path, _served: Served) -> dict[str, pd.DataFrame]:
    entries = ",".join(f'{{"resource":{line}}}' for of_type in by_type.values() for line in of_type)
    out.with_suffix(".json").write_text(f'{{"resourceType":"Bundle","type":"collection","entry":[{entries}]}}')
    return tables_of(str(out.with_suffix(".json")), out)


def by_ndjson(by_type: dict[str, list[str]], out: Path, _served: Served) -> dict[str, pd.DataFrame]:
    folder = out.with_suffix(".files")
    folder.mkdir()
    for kind, of_type in by_type.items():
        text = "\ufeff" + "\r\n\r\n".join(of_type)  # as some systems write it: a mark, blank lines, no end
        (folder / f"{kind}.ndjson").write_bytes(text.encode())
    return tables_of(str(folder), out)


def by_packed_ndjson(by_type: dict[str, list[str]], out: Path, _served: Served) -> dict[str, pd.DataFrame]:
    packed = gzip.compress("".join(f"{line}\n" for of_type in by_type.values() for line in of_type).encode())
    out.with_suffix(".ndjson.gz").write_bytes(packed)
    return tables_of(str(out.with_suffix(".ndjson.gz")), out)


def by_search(by_type: dict[str, list[str]], out: Path, served: Served) -> dict[str, pd.DataFrame]:
    return tables_of(served(by_type).base, out)


def by_resumed_search(by_type: dict[str, list[str]], out: Path, served: Served) -> dict[str, pd.DataFrame]:
    server = served(by_type)
    server.before = lambda _server, request, _number: Response("", 403) if "Observation" in request.path else None
    with pytest.raises(IncompleteError, match="parts are missing"):
        tables_of(server.base, out)
    server.before = None
    return tables_of(server.base, out)


def by_export(by_type: dict[str, list[str]], out: Path, served: Served) -> dict[str, pd.DataFrame]:
    server = served(by_type)
    export = Export(server)
    export.retry_after = "0"
    export.files = {kind: "".join(f"{line}\n" for line in of_type) for kind, of_type in by_type.items()}
    return tables_of(server.base, out, bulk="system")


WAYS = {"Bundle": by_bundle, "NDJSON": by_ndjson, "packed NDJSON": by_packed_ndjson, "search": by_search,
        "resumed search": by_resumed_search, "export": by_export}  # fmt: skip


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, pd.DataFrame]:
    """All cases in one pull of a Bundle."""
    return by_bundle(ndjson(list(CASES)), tmp_path_factory.mktemp("content") / "expected", lambda _: Fake())


@pytest.mark.parametrize("case", CASES)
def test_what_becomes_of_the_content(case, expected):
    table, rows = CASES[case][1]
    (who,) = expected["patients"].loc[expected["patients"]["age_years"].round() == AGE[case], "patient_id"]
    found = expected[table][expected[table]["patient_id"] == who]
    shown = found[sorted({name for row in rows for name in row})].astype(object)
    assert shown.where(shown.notna(), None).to_dict("records") == rows


@pytest.mark.parametrize("way", list(WAYS)[1:])
def test_every_way_gives_the_same_tables(way, expected, served, tmp_path):
    found = WAYS[way](ndjson(list(CASES)), tmp_path / "out", served)
    for name in CLINICAL:
        pd.testing.assert_frame_equal(found[name], expected[name], obj=name)
