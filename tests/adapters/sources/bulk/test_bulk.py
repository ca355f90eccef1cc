"""A bulk export, as servers really do it: waiting, files with errors, other origins, jobs that are gone."""

from __future__ import annotations

import gzip
import json
import tracemalloc

import pytest
from werkzeug import Request, Response

from adapters.errors import IncompleteError, InputError
from tests.support.server.bulk_support import everything
from tests.support.server.fake_fhir import TYPES, Fake, spool_files
from tests.support.server.resume_support import keys

LINES = 20_000  # of about 1 KB


@pytest.mark.parametrize("level", ["system", "patient", "group/g1"])
def test_all_files_are_read_and_the_job_is_removed(level, bulk, export, fake):
    assert keys(bulk(level)) == everything(fake)
    assert export.kicked == export.deleted == 1


def test_the_wait_that_a_server_asks_for_has_a_cap(bulk, export):
    export.retry_after = "18000"
    keys(bulk(poll_cap_seconds=7.0))
    assert export.waited == [7.0, 7.0]


def test_an_interrupted_pull_waits_for_the_same_job(bulk, export, fake):
    export.polls = 10**9
    with pytest.raises(IncompleteError, match="did not end in time"):
        keys(bulk(poll_limit_seconds=5.0, poll_cap_seconds=3.0))
    export.polls = 0
    assert keys(bulk()) == everything(fake)
    assert export.kicked == 1


def test_a_job_that_is_gone_is_started_again(bulk, export, fake):
    export.polls = 10**9
    with pytest.raises(IncompleteError, match="did not end in time"):
        keys(bulk(poll_limit_seconds=5.0, poll_cap_seconds=3.0))
    export.polls = 0
    answers = iter([Response("", 404)])
    status = export.status
    export.status = lambda request: next(answers, None) or status(request)
    assert keys(bulk()) == everything(fake)
    assert export.kicked == 2


@pytest.mark.parametrize("name", ["error", "outcome"])
def test_an_error_file_with_an_error_means_not_complete(name, bulk, export):
    export.files["OperationOutcome"] = json.dumps(
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    )
    export.manifest = {name: [{"type": "OperationOutcome", "url": f"{export.file_base}/files/OperationOutcome"}]}
    with pytest.raises(IncompleteError, match="not complete"):
        keys(bulk())


def test_an_error_file_with_information_only_is_fine(bulk, export, fake):
    export.files["OperationOutcome"] = json.dumps(
        {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]}
    )
    export.manifest = {"error": [{"type": "OperationOutcome", "url": f"{export.file_base}/files/OperationOutcome"}]}
    assert keys(bulk()) == everything(fake)


def test_pages_of_a_manifest_are_followed(bulk, export, fake):
    rest = [{"type": kind, "url": f"{fake.base}/files/{kind}"} for kind in export.files if kind != "Patient"]
    export.files["page2"] = json.dumps({"output": rest})
    patients = [{"type": "Patient", "url": f"{fake.base}/files/Patient"}]
    export.manifest = {"output": patients, "link": [{"relation": "next", "url": f"{fake.base}/files/page2"}]}
    assert keys(bulk()) == everything(fake)


def test_pages_of_a_manifest_that_do_not_end_are_an_error(bulk, export, fake):
    export.manifest = {"link": [{"relation": "next", "url": f"{fake.base}/status/1"}]}
    with pytest.raises(IncompleteError, match="do not end"):
        keys(bulk())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"resourceType": "Observation", "id": "x"', "bulk output file 6:1: not JSON"),
        ("[1]\n", "6:1: a list where a FHIR resource should be"),
        ('{"resourceType": "Observation"}\n', "no id"),
    ],
)
def test_a_damaged_file_is_an_error(text, message, bulk, export):
    export.files["Observation"] = text
    with pytest.raises(IncompleteError, match=message):
        keys(bulk())


def test_blank_lines_carriage_returns_and_a_byte_order_mark_are_read(bulk, export, fake):
    export.files = {kind: "\ufeff\r\n" + text.replace("\n", "\r\n\r\n") for kind, text in export.files.items()}
    assert keys(bulk()) == everything(fake)


def test_a_count_that_does_not_hold_is_an_error(bulk, export):
    export.manifest = {"output": [{"type": "Patient", "url": f"{export.file_base}/files/Patient", "count": 9}]}
    with pytest.raises(IncompleteError, match="a file of 9 resources holds 4"):
        keys(bulk())


def test_an_export_without_patients_is_an_error(bulk, export):
    del export.files["Patient"]
    with pytest.raises(IncompleteError, match="no Patient"):
        keys(bulk())


def test_a_server_that_starts_exports_by_post_only(bulk, export, fake):
    seen = []

    def kick_off(server: Fake, request: Request, number: int) -> Response | None:
        if not request.path.endswith("$export"):
            return export(server, request, number)
        if request.method == "GET":
            return Response("", 405)
        seen.append(request.get_json())
        return export(server, request, number)

    fake.before = kick_off
    assert keys(bulk()) == everything(fake)
    types = [one["valueString"] for one in seen[0]["parameter"] if one["name"] == "_type"]
    assert seen[0]["resourceType"] == "Parameters"
    assert types == sorted(TYPES)


def test_a_job_that_failed_is_started_again_by_the_next_pull(bulk, export, fake):
    status = export.status
    export.status = lambda request: Response("", 500) if export.kicked < 2 else status(request)
    with pytest.raises(IncompleteError, match=r"status of \$export: the server answered 500"):
        keys(bulk())
    assert export.kicked == 1
    assert keys(bulk()) == everything(fake)
    assert export.kicked == 2


def test_packed_files_are_read_whatever_they_are_called(bulk, export, fake):
    packed = {kind: gzip.compress(text.encode()) for kind, text in export.files.items()}
    export.files = packed
    assert keys(bulk()) == everything(fake)


@pytest.mark.parametrize("cut", [10, -4])
def test_a_packed_file_that_is_cut_off_is_an_error(cut, bulk, export):
    export.files["Observation"] = gzip.compress(export.files["Observation"].encode())[:cut]
    with pytest.raises(IncompleteError, match=r"bulk output file \d+.*cut off or damaged"):
        keys(bulk())


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_beyond_the_limit_is_an_error(packed, bulk, export):
    text = export.files["Observation"] + " " * 200_000
    export.files["Observation"] = gzip.compress(text.encode()) if packed else text
    with pytest.raises(IncompleteError, match="larger than max_file_bytes"):
        keys(bulk(max_file_bytes=100_000))


def test_a_file_is_never_in_memory_as_a_whole(bulk, export):
    line = json.dumps({"resourceType": "Observation", "id": "x", "note": [{"text": "y" * 900}]}) + "\n"
    export.files["Observation"] = lambda: (line.replace('"x"', f'"x{number}"') for number in range(LINES))
    source = bulk()
    tracemalloc.start()
    resources = sum(1 for _ in source.read())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert resources > LINES
    assert most < len(line) * LINES, "the server of this test holds half of it; who reads it whole holds it thrice"


def test_the_dry_run_shows_how_the_export_would_be_started(bulk, fake):
    (shown,) = bulk("group/g1").dry_run()
    assert shown.startswith(f"GET {fake.base}/Group/g1/$export?_type=Condition%2CMedication")
    assert not fake.hits


def test_a_refused_kick_off_is_an_error(bulk, fake):
    fake.before = lambda server, request, number: Response("", 200) if "$export" in request.path else None
    with pytest.raises(IncompleteError, match="without a status address"):
        keys(bulk())


@pytest.mark.parametrize("level", ["everything", "group", ""])
def test_an_unknown_level_is_refused(level, bulk):
    with pytest.raises(InputError, match="--bulk"):
        bulk(level)


def test_raw_files_go_when_the_tables_are_written(bulk, tmp_path):
    source = bulk()
    keys(source)
    source.finished()
    assert spool_files(tmp_path / "spool") == []
