"""The life of an export's job: started once, waited for with patience, given up only when it can never be complete."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path

import msgspec
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from adapters.errors import IncompleteError
from adapters.fhir.selection import Selection
from adapters.settings import Consent, load_settings
from tests.support.server.bulk_support import everything
from tests.support.server.fake_fhir import TYPES, spool_files
from tests.support.server.resume_support import keys

ERROR = json.dumps({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]})


def interrupted(bulk, export) -> None:
    """A pull before this one whose export did not end in time."""
    polls, export.polls = export.polls, 10**9
    with pytest.raises(IncompleteError, match="did not end in time"):
        keys(bulk(poll_limit_seconds=5.0))
    export.polls = polls


@pytest.mark.parametrize("status", [302, 401, 403, 408, 425, 429, 502, 503, 504])
def test_a_job_whose_status_cannot_be_seen_is_not_abandoned(status, bulk, export, fake):
    interrupted(bulk, export)
    seen = export.status
    export.status = lambda request: Response("", status)
    with pytest.raises(IncompleteError, match=rf"status of \$export: the server .*{status}"):
        keys(bulk())
    export.status = seen
    assert keys(bulk()) == everything(fake)
    assert (export.kicked, export.deleted) == (1, 1)


def test_a_login_page_in_place_of_the_status_does_not_end_a_job(bulk, export, fake):
    interrupted(bulk, export)
    seen, export.status = export.status, lambda request: Response("<html>log in</html>")
    with pytest.raises(IncompleteError, match=r"manifest of \$export: the answer is not a JSON object"):
        keys(bulk())
    export.status = seen
    assert keys(bulk()) == everything(fake)
    assert export.kicked == 1


def test_a_job_that_failed_is_removed_before_another_is_started(bulk, export, fake):
    interrupted(bulk, export)
    seen = export.status
    export.status = lambda r: Response("", 500) if export.kicked < 2 and r.method == "GET" else seen(r)
    assert keys(bulk()) == everything(fake)
    asked = [method for method, path, _ in fake.requests if path.endswith("$export") or method == "DELETE"]
    assert asked == ["GET", "DELETE", "GET", "DELETE"]


@pytest.mark.parametrize(("status", "tries"), [(500, 1), (502, 1), (504, 1), (408, 1), (429, 3), (503, 3)])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_start_is_tried_again_only_where_the_server_began_nothing(status, tries, method, bulk, export, fake):
    def refused(server, request, number):
        if not request.path.endswith("$export"):
            return export(server, request, number)
        return Response("", 405 if method == "POST" and request.method == "GET" else status)

    fake.before = refused
    with pytest.raises(IncompleteError, match=rf"{method} \$export: the server answered {status}"):
        keys(bulk())
    assert [way for way, path, _ in fake.requests if path.endswith("$export")].count(method) == tries


@pytest.mark.parametrize("asked", ["0", "Thu, 01 Jan 1970 00:00:00 GMT", "0.01"])
def test_a_server_that_asks_for_no_wait_is_polled_once_a_second_at_most(asked, bulk, export):
    export.retry_after, export.polls = asked, 10**9
    with pytest.raises(IncompleteError, match="did not end in time"):
        keys(bulk(poll_limit_seconds=5.0))
    assert set(export.waited) == {1.0}
    assert export.asked == 6


def test_the_time_for_an_export_is_measured_by_the_clock(bulk, export):
    export.retry_after, export.polls = "1", 10**9
    source, ticks = bulk(poll_limit_seconds=250.0), itertools.count(step=100)
    source.clock = lambda: float(next(ticks))
    with pytest.raises(IncompleteError, match="did not end in time"):
        keys(source)
    assert export.asked == 2, "answers that are slow in coming count as well"


SPOILT = {
    "an error file": ("not complete", lambda export: export.manifest.update(error=[
        {"type": "OperationOutcome", "url": f"{export.file_base}/files/OperationOutcome"}])),
    "an error in an output file": ("not complete", lambda export: export.files.update(Condition=ERROR)),
    "a wrong count": ("a file of 9 resources holds 4", lambda export: export.manifest.update(output=[
        {"type": "Patient", "url": f"{export.file_base}/files/Patient", "count": 9}])),
    "a line that is cut": ("6:1: not JSON", lambda export: export.files.update(Observation='{"resource')),
    "a packed file that is cut": ("cut off or damaged", lambda export: export.files.update(
        Observation=gzip.compress(b"{}" * 99)[:-4])),
    "a file that is gone": ("bulk output file: the server answered 404", lambda export: export.files.update(
        Observation=Response("", 404))),
    "a file that has expired": ("bulk output file: the server answered 410", lambda export: export.files.update(
        Observation=Response("", 410))),
    "no patient": ("it holds no Patient", lambda export: export.files.pop("Patient")),
    "a manifest that is none": ("output is not a list of files", lambda export: export.manifest.update(output=5)),
    "a file without address": ("has no address", lambda export: export.manifest.update(output=[{"type": "Patient"}])),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_a_job_at_fault_is_removed_and_the_next_pull_starts_another(name, bulk, export, fake):
    message, spoil = SPOILT[name]
    files, export.files = export.files, {**export.files}
    if name == "an error file":
        export.files["OperationOutcome"] = ERROR
    spoil(export)
    with pytest.raises(IncompleteError, match=rf"({message}).*the next pull starts another export"):
        keys(bulk())
    assert (export.kicked, export.deleted) == (1, 1)
    export.files, export.manifest = files, {}
    assert keys(bulk()) == everything(fake)
    assert export.kicked == 2


FAULTLESS = {
    "the file server is down": ("answered 503", {}, lambda export: export.files.update(Observation=Response("", 503))),
    "a gateway times out": ("answered 504", {}, lambda export: export.files.update(Observation=Response("", 504))),
    "the right to read is missing": ("answered 403", {}, lambda export: export.files.update(Observation=Response("", 403))),
    "the file server redirects": ("redirects", {}, lambda export: export.files.update(Observation=Response("", 302))),
    "a limit of the settings": ("larger than max_file_bytes", {"max_file_bytes": 900}, lambda export: None),
    "another origin": ("another origin", {}, lambda export: export.manifest.update(output=[
        {"type": "Patient", "url": "https://files.example.org/Patient"}])),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTLESS)
def test_a_job_that_is_not_at_fault_is_gone_on_with(name, bulk, export, fake):
    message, options, hinder = FAULTLESS[name]
    files, export.files = export.files, {**export.files}
    hinder(export)
    with pytest.raises(IncompleteError, match=rf"{message}.*the next pull goes on with this export"):
        keys(bulk(**options))
    finished = set(export.files_asked) - set(export.files_asked[-1:])
    export.files, export.manifest, export.files_asked = files, {}, []
    assert keys(bulk()) == everything(fake)
    assert finished.isdisjoint(export.files_asked)
    assert (export.kicked, export.deleted) == (1, 1)


def test_an_error_lists_the_files_that_are_missing(bulk, export):
    export.files["Medication"] = Response("", 404)
    with pytest.raises(IncompleteError) as caught:
        keys(bulk())
    missing = r"4 of 6 files are missing (Condition 1, Medication 1, MedicationAdministration 1, Observation 1)"
    assert missing in str(caught.value)


def asking_who(bulk):
    """A source whose settings ask for a Consent and for the members of a Group."""
    settings = msgspec.structs.replace(load_settings(), consent=Consent(required=True, provision_codes=("x|y",)))
    return bulk(settings=settings, selection=Selection(group="g"))


def test_who_takes_part_is_exported_where_the_settings_ask_for_it(bulk, export, fake):
    fake.types = (*fake.types, "Consent", "Group")
    source = asking_who(bulk)
    assert "Condition%2CConsent%2CGroup%2C" in source.dry_run()[0]
    keys(source)
    assert export.types_asked == sorted({*TYPES, "Consent", "Group"})
    assert source.manifest["not_served"] == []


def test_a_type_that_the_server_does_not_serve_is_not_asked_for_and_that_is_said(bulk, export, fake):
    source, said = asking_who(bulk), []
    source.shown = lambda stage, number: said.append(stage)
    keys(source)
    assert export.types_asked == sorted(TYPES)
    assert "the server does not serve Consent, Group: the export is asked for without" in said
    assert source.manifest["not_served"] == ["Consent", "Group"]


def test_a_server_that_says_nothing_of_itself_is_asked_for_everything(bulk, export, fake):
    fake.before = lambda s, r, n: Response("", 404) if r.path.endswith("metadata") else export(s, r, n)
    keys(asking_who(bulk))
    assert export.types_asked == sorted({*TYPES, "Consent", "Group"})


def test_the_manifest_states_what_an_export_came_to(bulk, export, fake):
    lines = {kind: text.count("\n") for kind, text in export.files.items()}
    export.files["Practitioner"] = '{"resourceType": "Practitioner", "id": "x"}\n'
    told = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}] * 2}
    export.files["Condition"] += json.dumps(told) + "\n"
    export.files["Observation"] += export.files["Observation"].split("\n")[0] + "\n"
    held = lines | {"Practitioner": 1, "Condition": 2, "Observation": lines["Observation"] + 1}
    output = [{"type": kind, "url": f"{fake.base}/files/{kind}", "count": number} for kind, number in held.items()]
    export.manifest = {"output": output}
    source = bulk()
    keys(source)
    (row,) = source.manifest["queries"]
    expected = {
        "query": "$export (system)", "files": 7, "pages": 1, "entries": sum(lines.values()) + 1,
        "distinct_ids": sum(lines.values()), "surplus": 2, "outcome_issues": 2, "total": sum(held.values()), "retries": 0,
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert source.manifest["started"] == row["started"] <= row["ended"] <= source.manifest["ended"]
    assert source.manifest["verified"] is True


def test_the_manifest_states_files_that_an_interrupted_pull_had_read(bulk, export, fake):
    observations, export.files["Observation"] = export.files["Observation"], Response("", 503)
    with pytest.raises(IncompleteError):
        keys(bulk())
    export.files["Observation"] = observations
    source = bulk()
    keys(source)
    (row,) = source.manifest["queries"]
    assert row["entries"] == row["distinct_ids"] == len(fake.resources)
    assert row["total"] is None, "its manifest counts nothing"


@pytest.mark.parametrize("rewrite", [False, True])
@pytest.mark.parametrize("link", ["status", "page of the manifest", "saved status"])
def test_no_address_of_a_job_leads_elsewhere(link, rewrite, bulk, export, fake, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("FHIR_TOKEN", "secret-token")
    with HTTPServer(host="127.0.0.1", port=0) as trap:
        there = f"http://127.0.0.1:{trap.port}/other/1"
        source = bulk(rewrite_links=rewrite)
        if link == "saved status":
            interrupted(bulk, export)
            saved = next(path for path in spool_files(tmp_path / "spool") if path.name == "status.json")
            saved.write_text(json.dumps(there))
            assert keys(source) == everything(fake)
            assert export.kicked == 2
        else:
            if link == "status":
                fake.before = lambda s, r, n: (
                    Response("", 202, {"Content-Location": there}) if "$export" in r.path else None
                )
            export.manifest = {"link": [{"relation": "next", "url": there}]}
            with pytest.raises(IncompleteError, match="leads elsewhere"):
                keys(source)
        assert trap.log == []


def test_behind_a_proxy_that_writes_inner_names_everything_is_asked_of_the_server_itself(bulk, export, fake):
    with HTTPServer(host="127.0.0.1", port=0) as trap:
        export.location = export.file_base = f"http://127.0.0.1:{trap.port}/fhir"
        with pytest.raises(IncompleteError, match="leads elsewhere"):
            keys(bulk())
        assert keys(bulk(rewrite_links=True)) == everything(fake)
        assert trap.log == []
