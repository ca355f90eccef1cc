"""One id with two contents gives the same finding from a server as from a file: never the last content in silence."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pytest_httpserver import HTTPServer

from adapters.errors import IncompleteError
from tests.support.server.bulk_support import Export
from tests.support.server.demo_support import tables_of
from tests.support.server.fake_fhir import Fake
from tests.support.server.hapi import ORDER
from tests.support.tables_support import Resource, condition, cycle, patient, psa

Ways = Callable[[list[Resource]], dict[str, pd.DataFrame]]
VERSION = {"meta": {"versionId": "1", "lastUpdated": "2020-01-01T00:00:00Z"}}
LATER = {"meta": {"versionId": "2", "lastUpdated": "2020-01-02T00:00:00Z"}}
PREFIX = "http://snomed.info/sct"
# name -> resources of one id with different contents
CONFLICTS: dict[str, list[Resource]] = {
    "no version": [psa(1.0), psa(12345.0)],
    "one version id": [psa(1.0) | VERSION, psa(12345.0) | VERSION],
    "a version and none": [psa(1.0) | VERSION, psa(12345.0)],
    "three contents": [psa(1.0), psa(2.0), psa(3.0)],
    "another date": [psa(when="2017-03-05"), psa(when="2018-03-05")],
    "another code": [psa(), psa() | {"code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}}],
    "a birth date": [patient("q"), patient("q", birthDate="1971-01-01"), cycle("cq", subject="q")],
    "a date of therapy": [cycle("c9", "2017-05-01"), cycle("c9", "2017-06-01")],
    "a diagnosis": [condition((PREFIX, "94381002"), identity="k"), condition((PREFIX, "94222008"), identity="k")],
}
SETTLED: dict[str, list[Resource]] = {
    "equal": [psa(1.0), psa(1.0)],
    "later": [psa(1.0) | VERSION, psa(2.0) | LATER],
    "other narrative": [psa(1.0), psa(1.0) | {"text": {"status": "generated", "div": "<div>x</div>"}}],
}
BASIS = [patient("p"), cycle("c")]


def from_file(resources: list[Resource], tmp_path: Path) -> dict[str, pd.DataFrame]:
    path = tmp_path / "x.ndjson"
    path.write_text("".join(json.dumps(resource) + "\n" for resource in resources))
    return tables_of(str(path), tmp_path / "file")


@pytest.fixture
def served(httpserver: HTTPServer) -> Callable[..., Fake]:
    def serve(resources: list[Resource], **options: Any) -> Fake:
        server = Fake(resources, types=ORDER, base=httpserver.url_for("/fhir"), **options)
        httpserver.expect_request(re.compile("/fhir.*")).respond_with_handler(server)
        return server

    return serve


def findings(tables: dict[str, pd.DataFrame]) -> dict[str, int]:
    table = tables["findings"]
    return dict(table.groupby("finding", observed=True)["count"].sum())


def in_conflict(resources: list[Resource]) -> int:
    """How many of the resources share their id with another."""
    ids = Counter((resource["resourceType"], resource["id"]) for resource in resources)
    return sum(number for number in ids.values() if number > 1)


def assert_as_from_file(tables: dict[str, pd.DataFrame], resources: list[Resource], tmp_path: Path) -> None:
    expected = from_file(resources, tmp_path)
    for name, frame in expected.items():
        if name != "findings":
            pd.testing.assert_frame_equal(tables[name], frame)
    assert findings(tables) == findings(expected)


@pytest.mark.parametrize(
    ("case", "counts", "page_size"),
    [
        *((case, True, 50) for case in CONFLICTS),
        ("no version", True, 1),
        ("no version", False, 50),
        ("a diagnosis", False, 1),
    ],
)
def test_two_contents_under_one_id_are_a_finding_as_from_a_file(served, tmp_path, case, counts, page_size) -> None:
    resources = BASIS + CONFLICTS[case]
    server = served(resources, page_size=page_size, counts=counts)
    tables = tables_of(server.base, tmp_path / "server")
    assert findings(tables)["conflicting-versions"] == in_conflict(resources)
    assert 12345.0 not in set(tables["observations"]["value"])
    assert_as_from_file(tables, resources, tmp_path)


@pytest.mark.parametrize("case", SETTLED)
def test_copies_and_later_versions_are_settled_as_from_a_file(served, tmp_path, case) -> None:
    resources = BASIS + SETTLED[case]
    tables = tables_of(served(resources).base, tmp_path / "server")
    assert "conflicting-versions" not in findings(tables)
    assert len(tables["observations"]) == 1
    assert_as_from_file(tables, resources, tmp_path)


def test_contents_that_two_searches_give_are_compared(served, tmp_path) -> None:
    """A server changes an Observation between the search by code and that by component."""
    resources = [*BASIS, psa(1.0)]

    def altered(server: Fake, request: Any, bundle: dict[str, Any]) -> dict[str, Any]:
        if "component-code" in request.get_data(as_text=True):
            return {**bundle, "entry": [{"resource": psa(12345.0)}]}
        return bundle

    server = served(resources, after=altered, counts=False, parameters=("component-code", "code", "patient", "link"))
    tables = tables_of(server.base, tmp_path / "server")
    assert findings(tables)["conflicting-versions"] == 2
    assert tables["observations"].empty


def test_a_therapy_with_two_contents_names_the_patients_of_both(served, tmp_path) -> None:
    resources = [patient("p"), patient("q", birthDate="1950-01-01"), cycle("c"), cycle("d"), cycle("d", subject="q")]
    tables = tables_of(served(resources).base, tmp_path / "server")
    assert findings(tables)["conflicting-versions"] == 2
    assert_as_from_file(tables, resources, tmp_path)


def test_a_group_with_two_contents_is_refused(served, tmp_path) -> None:
    from adapters.fhir.selection import Selection

    def group(*members: str) -> Resource:
        return {"resourceType": "Group", "id": "g", "type": "person", "actual": True,
                "member": [{"entity": {"reference": f"Patient/{name}"}} for name in members]}  # fmt: skip

    server = served([*BASIS, group("p"), group("p", "q")])
    with pytest.raises(IncompleteError, match="2 different contents"):
        tables_of(server.base, tmp_path / "server", selection=Selection(group="g"))


@pytest.mark.parametrize(("case", "files"), [("no version", 1), ("one version id", 2), ("a date of therapy", 2)])
def test_an_export_gives_the_finding_too(served, tmp_path, case, files) -> None:
    resources = BASIS + CONFLICTS[case]
    export = Export(served([]))
    export.polls = 0
    for number, resource in enumerate(resources):
        name = resource["resourceType"] + ("-b" if files == 2 and number % 2 else "")
        export.files[name] = export.files.get(name, "") + json.dumps(resource) + "\n"
    tables = tables_of(export.fake.base, tmp_path / "server", bulk="system")
    assert_as_from_file(tables, resources, tmp_path)
