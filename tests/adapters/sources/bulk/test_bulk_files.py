"""The files of an export: each read whole and once, whatever their order and packing, and fetched from nowhere else."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from adapters.errors import IncompleteError, InputError
from tests.support.server.bulk_support import everything
from tests.support.server.fake_fhir import Relay
from tests.support.server.resume_support import keys

NDJSON = "application/fhir+ndjson"


def packed(body: bytes, coding: str = "gzip") -> Response:
    return Response(body, content_type=NDJSON, headers={"Content-Encoding": coding})


def two_members(text: str) -> bytes:
    middle = text.index("\n") + 1
    return gzip.compress(text[:middle].encode()) + gzip.compress(text[middle:].encode())


def test_files_on_another_origin_need_permission_and_get_no_token(bulk, export, fake, monkeypatch):
    monkeypatch.setenv("FHIR_TOKEN", "secret-token")
    with HTTPServer(host="127.0.0.1", port=0) as other:
        for kind, text in export.files.items():
            other.expect_request(f"/files/{kind}").respond_with_data(text)
        export.file_base = f"http://127.0.0.1:{other.port}"
        with pytest.raises(
            IncompleteError, match=f"another origin; name it with --allow-output-origin {export.file_base} "
        ):
            keys(bulk())
        assert other.log == []
        assert keys(bulk(allow_output_origin=export.file_base)) == everything(fake)
        assert all("Authorization" not in request.headers for request, _ in other.log)


def test_files_of_the_server_itself_get_the_token(bulk, export, monkeypatch):
    monkeypatch.setenv("FHIR_TOKEN", "secret-token")
    keys(bulk())
    assert all(headers.get("Authorization") == "Bearer secret-token" for headers in export.file_requests)


def test_files_get_no_token_where_the_manifest_asks_for_none(bulk, export, monkeypatch):
    monkeypatch.setenv("FHIR_TOKEN", "secret-token")
    export.manifest = {"requiresAccessToken": False}
    keys(bulk())
    assert export.file_requests
    assert all("Authorization" not in headers for headers in export.file_requests)


def test_files_beside_the_base_address_need_permission_too(bulk, export, fake, httpserver, monkeypatch):
    monkeypatch.setenv("FHIR_TOKEN", "secret-token")
    seen: list[str | None] = []

    def file(request) -> Response:
        seen.append(request.headers.get("Authorization"))
        return Response(export.files[request.path.rsplit("/", 1)[1]], content_type=NDJSON)

    httpserver.expect_request(re.compile("/export/.*")).respond_with_handler(file)
    origin = httpserver.url_for("").rstrip("/")
    export.manifest = {"output": [{"type": kind, "url": f"{origin}/export/{kind}"} for kind in export.files]}
    with pytest.raises(
        IncompleteError, match=rf"outside the server's base address; name it with .* {origin} if you trust"
    ):
        keys(bulk())
    assert seen == []
    with pytest.raises(IncompleteError, match="outside the server's base address"):
        keys(bulk(allow_output_origin="https://files.example.org"))
    assert seen == []
    export.manifest["requiresAccessToken"] = False
    assert keys(bulk(allow_output_origin=origin)) == everything(fake)
    assert set(seen) == {None}
    export.manifest["requiresAccessToken"] = True
    seen.clear()
    assert keys(bulk("patient", allow_output_origin=origin)) == everything(fake)
    assert set(seen) == {"Bearer secret-token"}


@pytest.mark.parametrize("named", ["none", "the server itself", "another"])
@pytest.mark.parametrize(
    "trick",
    [
        "http://{there}/fhir/files/Patient",
        "http://{here}@{there}/fhir/files/Patient",
        "http://{there}/fhir?next=http://{here}/fhir/files/Patient",
        "//{there}/fhir/files/Patient",
        "http:\\\\{there}/fhir/files/Patient",
        "http://{there}\\@{here}/fhir/files/Patient",
        "http://{there}#{here}/fhir/files/Patient",
        "http://127.1:{port}/fhir/files/Patient",
        "http://[::ffff:127.0.0.1]:{port}/fhir/files/Patient",
        "/../../{there}/files/Patient",
    ],
)
def test_no_file_is_fetched_from_an_origin_that_is_not_named(trick, named, bulk, export, fake, monkeypatch):
    monkeypatch.setenv("FHIR_TOKEN", "secret-token")
    with HTTPServer(host="127.0.0.1", port=0) as trap:
        here = fake.base.removeprefix("http://").removesuffix("/fhir")
        address = trick.format(here=here, there=f"127.0.0.1:{trap.port}", port=trap.port)
        export.manifest = {"output": [{"type": "Patient", "url": address}]}
        origins = {"none": "", "the server itself": f"http://{here}", "another": "https://files.example.org"}
        with pytest.raises(IncompleteError):
            keys(bulk(allow_output_origin=origins[named]))
        assert trap.log == []


@pytest.mark.parametrize(
    "named", ["files.example.org", "http://files.example.org", "https://files.example.org/export", "https://u:p@x"]
)
def test_an_origin_that_is_none_is_refused_before_anything_is_asked(named, bulk, fake):
    with pytest.raises(InputError, match="--allow-output-origin: not an https origin; give scheme and host"):
        bulk(allow_output_origin=named)
    assert not fake.hits


def test_files_in_another_order_are_still_each_read_once(bulk, export, fake):
    first, *rest = sorted(export.files)
    hindered, export.files[rest[1]] = export.files[rest[1]], Response("", 503)
    listed = [{"type": "Observation", "url": f"{fake.base}/files/{kind}"} for kind in (first, *rest)]
    listed.append({"type": "Patient", "url": f"{fake.base}/files/Patient"})
    export.manifest = {"output": listed}
    with pytest.raises(IncompleteError):
        keys(bulk())
    export.files[rest[1]] = hindered
    export.manifest = {"output": listed[::-1]}
    assert keys(bulk()) == everything(fake)


def test_a_new_signature_in_the_address_does_not_make_another_file(bulk, export, fake):
    export.files["Procedure"], procedures = Response("", 503), export.files["Procedure"]

    def signed(signature: str) -> list[dict[str, str]]:
        return [{"type": kind, "url": f"{fake.base}/files/{kind}?sig={signature}"} for kind in sorted(export.files)]

    export.manifest = {"output": signed("one")}
    with pytest.raises(IncompleteError):
        keys(bulk())
    export.files["Procedure"], export.files_asked = procedures, []
    export.manifest = {"output": signed("two")}
    assert keys(bulk()) == everything(fake)
    assert export.files_asked == ["Procedure"]


def test_files_that_differ_in_the_query_only_are_two(bulk, export, fake):
    lines = export.files["Observation"].splitlines(keepends=True)
    parts = {"1": "".join(lines[:4]), "2": "".join(lines[4:])}
    asked = export.__call__

    def by_query(server, request, number):
        if request.args.get("part"):
            return Response(parts[request.args["part"]], content_type=NDJSON)
        return asked(server, request, number)

    fake.before = by_query
    output = [{"type": kind, "url": f"{fake.base}/files/{kind}"} for kind in export.files if kind != "Observation"]
    output += [{"type": "Observation", "url": f"{fake.base}/files/Observation?part={part}"} for part in parts]
    export.manifest = {"output": output}
    assert keys(bulk()) == everything(fake)


def test_a_file_that_is_packed_for_transfer_in_two_members_is_read_whole(bulk, export, fake):
    export.files["Observation"] = packed(two_members(export.files["Observation"]))
    assert keys(bulk()) == everything(fake)


def test_a_packed_file_that_is_packed_for_transfer_once_more_is_read_whole(bulk, export, fake):
    export.files["Observation"] = packed(gzip.compress(two_members(export.files["Observation"])))
    assert keys(bulk()) == everything(fake)


@pytest.mark.parametrize(
    "case", ["cut in the second member", "without a trailer", "nothing at all", "otherwise packed"]
)
def test_a_file_that_does_not_arrive_whole_is_an_error(case, bulk, export):
    body = two_members(export.files["Observation"])
    answers = {"cut in the second member": packed(body[:-12]), "without a trailer": packed(body[:-8]),
               "nothing at all": packed(b""), "otherwise packed": packed(body, "br")}  # fmt: skip
    export.files["Observation"] = answers[case]
    with pytest.raises(IncompleteError, match="the compressed answer is damaged"):
        keys(bulk())


def test_a_file_longer_than_its_content_length_is_an_error(bulk, export, httpserver, fake):
    observations = 11  # the connection by which they come
    spoil = {observations: "claims less"}.get
    with Relay(("127.0.0.1", httpserver.port), spoil) as relay:
        export.location = export.file_base = fake.base = f"http://localhost:{relay.port}/fhir"
        with pytest.raises(IncompleteError, match="bulk output file 6:10: not JSON"):
            keys(bulk())


def test_an_outcome_with_an_error_in_an_output_file_is_an_error(bulk, export):
    told = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    export.files["Observation"] += json.dumps(told) + "\n"
    with pytest.raises(IncompleteError, match="bulk output file 6: the server says that its answer is not complete"):
        keys(bulk())
