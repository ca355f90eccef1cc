"""Pages, links and manifests without end: a pull ends, and says at which limit."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest
from werkzeug import Request, Response

from adapters.errors import IncompleteError
from adapters.sources.http.config import ServerConfig
from tests.support.server.fake_fhir import Fake, as_json, observation
from tests.support.server.resume_support import keys


def endless(server: Fake, request: Request, bundle: dict[str, Any]) -> dict[str, Any]:
    """Every page of Observations links to a page never seen before."""
    if not any(entry["resource"]["resourceType"] == "Observation" for entry in bundle["entry"]):
        return bundle
    token = f"more{len(server.pages)}"
    server.pages[token] = ("Observation", [observation(len(server.pages), "a", {"system": "x", "code": "y"})])
    return {**bundle, "link": [{"relation": "next", "url": f"{server.base}?_getpages={token}"}]}


@pytest.mark.parametrize(
    ("limit", "value"), [("page_limit", 20), ("max_search_seconds", 0.3), ("max_total_bytes", 60_000)]
)
def test_pages_without_end(fake, opened, limit, value):
    fake.after = endless
    with pytest.raises(IncompleteError, match="pages" if limit == "page_limit" else limit):
        keys(opened(counts=False, **{"page_limit": 100_000, limit: value}))


def test_the_limits_of_a_hospital_are_wide():
    config = ServerConfig()
    assert (config.page_limit, config.max_search_seconds, config.timeout_seconds) == (100_000, 6 * 3600, 60)


def test_links_between_patients_without_end(fake, opened):
    def more(server: Fake, request: Request, _number: int) -> Response | None:
        ids = dict(parse_qsl(request.get_data(as_text=True))).get("_id", "")
        if not request.path.endswith("Patient/_search") or not ids:
            return None
        found = [
            {
                "resourceType": "Patient",
                "id": name,
                "link": [{"other": {"reference": f"Patient/{name}x"}, "type": "refer"}],
            }
            for name in ids.split(",")
        ]
        return as_json({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in found]})

    fake.before = more
    with pytest.raises(IncompleteError, match="links between Patients do not end"):
        keys(opened(counts=False))


def test_a_manifest_of_an_export_without_end(bulk, export):
    pages: list[str] = []

    def more(server: Fake, request: Request, number: int) -> Response | None:
        answer = export(server, request, number)
        if not request.path.endswith("/status/1") or answer is None or answer.status_code != 200:
            return answer
        pages.append("x")
        link = {"relation": "next", "url": f"{server.base}/status/1?page={len(pages)}"}
        return as_json({"output": [], "link": [link]})

    source = bulk(page_limit=20)
    export.fake.before = more
    with pytest.raises(IncompleteError, match="manifest do not end"):
        keys(source)
    assert len(pages) < 40
