"""The command line on a server: pull, dry run, view and doctor, with exit codes and nothing that names a patient."""

from __future__ import annotations

import json
import re
import tomllib

import msgspec
import pytest

from adapters import load_tables
from adapters.sources.http.config import ServerConfig
from tests.support.paths import VIEWS
from tests.support.server.fake_fhir import as_json


def test_pull_writes_tables_a_manifest_with_queries_and_removes_the_spool(run, fake, tmp_path):
    result = run("pull", fake.base, "--out", tmp_path / "tables")
    assert result.exit_code == 0, result.output
    manifest = json.loads(next((tmp_path / "tables").rglob("manifest.json")).read_text())
    assert manifest["complete"] is True
    assert manifest["reading"]["verified"] is True
    assert any(query["query"].startswith("Observation?") for query in manifest["queries"])
    assert not re.search(r"Patient/|m-a|localhost", json.dumps(manifest))
    assert not [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]


def test_a_server_that_does_not_give_everything_is_exit_3_and_leaves_the_tables(run, fake, tmp_path):
    run("pull", fake.base, "--out", tmp_path / "tables")
    before = sorted(path.name for path in (tmp_path / "tables").rglob("*"))
    fake.before = lambda server, request, number: as_json({}, 403) if "Condition" in request.path else None
    result = run("pull", fake.base, "--out", tmp_path / "tables")
    assert result.exit_code == 3
    assert "Condition" in result.output
    assert sorted(path.name for path in (tmp_path / "tables").rglob("*")) == before


def test_dry_run_prints_searches_and_sends_none(run, fake, tmp_path):
    result = run("pull", fake.base, "--out", tmp_path / "tables", "--dry-run")
    assert result.exit_code == 0
    assert "Procedure/_search" in result.output
    assert not fake.hits
    assert not (tmp_path / "tables").exists()


def test_dry_run_shows_counts_what_refers_and_who_is_named(run, fake, tmp_path):
    named = tmp_path / "patients.txt"
    named.write_text("urn:mrn|m-a\n")
    shown = run("pull", fake.base, "--out", tmp_path / "t", "--dry-run", "--patients", named).stdout
    for part in ("GET", "Patient/_search  identifier=...", "combo-code=", "component-code=", "Medication/_search  _id=...",
                 "_summary=count", "_count=1000"):  # fmt: skip
        assert part in shown
    assert "m-a" not in shown
    assert "1263784000" not in shown, "who is named need not be found by therapy"
    assert not fake.hits


def test_pull_of_a_group(run, fake, tmp_path):
    fake.resources.append(
        {"resourceType": "Group", "id": "g", "type": "person", "actual": True,
         "member": [{"entity": {"reference": "Patient/a"}}]}
    )  # fmt: skip
    fake.types = (*fake.types, "Group")
    result = run("pull", fake.base, "--out", tmp_path / "tables", "--group", "g")
    assert result.exit_code == 0, result.output
    assert len(load_tables(tmp_path / "tables")["patients"]) == 1


def test_what_is_missing_is_listed_and_asked_for_only(run, fake, tmp_path):
    fake.before = lambda server, request, number: as_json({}, 403) if "Procedure" in request.path and \
        "patient" in request.get_data(as_text=True) else None  # fmt: skip
    result = run("pull", fake.base, "--out", tmp_path / "tables")
    assert result.exit_code == 3
    assert re.search(
        r"403; .* lacks the right .*; \d of 5 parts are missing \(.*Procedure 1; .*\); the next pull", result.output
    )
    assert result.output.count("error: ") == 1
    fake.before = None
    assert run("pull", fake.base, "--out", tmp_path / "tables").exit_code == 0
    manifest = json.loads(next((tmp_path / "tables").rglob("manifest.json")).read_text())
    assert manifest["reading"]["parts_resumed"] >= 1
    fetched = {row["query"].partition("?")[0] for row in manifest["queries"]}
    assert fetched >= {"Condition", "MedicationAdministration", "Observation", "Patient", "Procedure"}


def as_error(fake) -> None:
    """The therapies on the server were entered in error: a search finds them, the cohort rule does not take them."""
    for one in fake.resources:
        if one["resourceType"] in ("Procedure", "MedicationAdministration"):
            one["status"] = "entered-in-error"


def test_after_an_error_nothing_is_kept_of_a_pull_that_had_everything(run, fake, tmp_path):
    statuses = {one["id"]: one.get("status") for one in fake.resources}
    as_error(fake)
    result = run("pull", fake.base, "--out", tmp_path / "tables")
    assert result.exit_code == 2
    assert "no patient meets the cohort rule" in result.output
    assert not [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]
    for one in fake.resources:
        if statuses[one["id"]]:
            one["status"] = statuses[one["id"]]
    assert run("pull", fake.base, "--out", tmp_path / "tables").exit_code == 0, "the server is asked again"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), r"http://localhost:\d+/fhir: no patient meets the cohort rule \(.*\); see `doctor`, .*--allow-empty"),
        (("--patients", "named.txt"), "none of the patients asked for is there; check --patients"),
    ],
)
def test_a_server_where_nobody_belongs_to_the_study(options, message, run, fake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "named.txt").write_text("nobody\n")
    fake.resources = [one for one in fake.resources if one["id"] == "c"]
    result = run("pull", fake.base, "--out", tmp_path / "tables", *options)
    assert result.exit_code == 2
    assert re.search(message, result.output)
    assert not (tmp_path / "tables").exists()
    result = run("pull", fake.base, "--out", tmp_path / "tables", *options, "--allow-empty")
    assert result.exit_code == 0, result.output
    assert {len(frame) for name, frame in load_tables(tmp_path / "tables").items() if name != "findings"} == {0}


@pytest.mark.parametrize("counts", [True, False])
def test_a_pull_that_nobody_counted_says_so(counts, run, fake, tmp_path):
    fake.counts = counts
    result = run("pull", fake.base, "--out", tmp_path / "tables")
    assert result.exit_code == 0
    assert result.stderr.count("not all of it is checked against the server's counts") == (0 if counts else 1)


def test_every_search_is_stated_with_numbers_and_times(run, fake, tmp_path):
    run("pull", fake.base, "--out", tmp_path / "tables")
    manifest = json.loads(next((tmp_path / "tables").rglob("manifest.json")).read_text())
    (observations,) = [row for row in manifest["queries"] if row["query"].startswith("Observation?")]
    assert observations["chunks"] == 1
    assert observations["entries"] == observations["distinct_ids"] == 8
    assert observations["pages"] == 3
    assert observations["retries"] == observations["restarts"] == 0
    assert manifest["reading"]["started"] <= observations["started"] <= observations["ended"]
    assert observations["ended"] <= manifest["reading"]["ended"]


@pytest.mark.parametrize("option", ["--dry-run", "--keep-raw", "--accept-drift"])
def test_options_of_servers_are_refused_for_files(option, run, tmp_path):
    (tmp_path / "a.json").write_text('{"resourceType": "Patient", "id": "a"}')
    result = run("pull", tmp_path / "a.json", "--out", tmp_path / "tables", option)
    assert result.exit_code == 2
    assert f"{option}: is for servers only" in result.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense = 1", "nonsense"),
        ("auth = 'magic'", "auth"),
        ("parallel = 0", "parallel"),
        ("not toml", "server settings"),
    ],
)
def test_wrong_server_settings_are_named(text, message, run, fake, tmp_path):
    (tmp_path / "server.toml").write_text(text)
    result = run("pull", fake.base, "--out", tmp_path / "t", "--server-config", tmp_path / "server.toml")
    assert result.exit_code == 2
    assert message in result.output


def test_the_settings_that_the_book_shows_are_settings():
    page = (VIEWS.parents[1] / "chapters" / "own_data.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```toml\n(# server.toml.*?)```", page, re.DOTALL)
    config = msgspec.convert(tomllib.loads(shown), ServerConfig)
    assert (config.parallel, config.chunk_size) == (ServerConfig().parallel, ServerConfig().chunk_size)


def test_an_origin_for_files_is_refused_without_an_export(run, fake, tmp_path):
    result = run("pull", fake.base, "--out", tmp_path / "t", "--allow-output-origin", "https://files.example.org")
    assert result.exit_code == 2
    assert "--allow-output-origin: is for the files of an export; add --bulk" in result.output
    assert not fake.hits


def test_an_origin_for_files_is_scheme_and_host(run, fake, tmp_path):
    named = "--bulk", "system", "--allow-output-origin", "files.example.org"
    result = run("pull", fake.base, "--out", tmp_path / "t", *named)
    assert result.exit_code == 2
    assert "--allow-output-origin: not an https origin; give scheme and host" in result.output
    assert not fake.hits


def test_http_beyond_this_machine_is_refused(run, tmp_path):
    result = run("pull", "http://fhir.example.org/r4", "--out", tmp_path / "t")
    assert result.exit_code == 2
    assert "https" in result.output
