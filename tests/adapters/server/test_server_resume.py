"""Interrupted, expired, changed: what was finished is not asked again, and what is not finished is."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import parse_qs

import msgspec
import pytest
from fake_fhir import PSA, Fake, as_json, observation, spool_files
from werkzeug import Request, Response

from adapters.errors import IncompleteError, InputError
from adapters.reading.patients import Selection
from adapters.settings import Cohort, load_settings
from adapters.sources.server_spool import REPOSITORY, Spool


def keys(source) -> set[str]:
    return {f"{read.resource['resourceType']}/{read.resource['id']}" for read in source.read()}


def searches(fake: Fake, kind: str) -> int:
    return fake.hits[f"{kind}/_search"]


def test_finished_chunks_are_not_requested_again_after_a_failure(fake, opened):
    fake.before = lambda server, request, number: as_json({}, 403) if "Observation" in request.path else None
    with pytest.raises(IncompleteError):
        keys(opened(counts=False, parallel=1))
    assert searches(fake, "Condition") == 1
    fake.before = None
    full = keys(opened(counts=False, parallel=1))
    chunks_of_two = 2
    assert searches(fake, "Condition") == chunks_of_two
    assert len(full) == 15


def test_a_unit_that_was_being_written_is_fetched_again(fake, opened, tmp_path):
    first = keys(opened(counts=False))
    root = next(path.parent for path in spool_files(tmp_path / "spool") if path.name == "done.jsonl")
    lines = (root / "done.jsonl").read_text().splitlines()
    (root / "done.jsonl").write_text("\n".join(lines[:-1]) + "\n" + lines[-1][: len(lines[-1]) // 2])
    (root / "Observation-half.part").write_text('{"resourceType": "Obs')
    before = sum(fake.hits.values())
    assert keys(opened(counts=False)) == first
    asked = sum(fake.hits.values()) - before
    assert asked < before


def test_a_changed_cohort_starts_over_unless_drift_is_accepted(fake, opened):
    said: list[str] = []
    keys(opened(counts=False))
    new = {"resourceType": "Procedure", "id": "p2", "status": "completed", "subject": {"reference": "Patient/c"},
           "code": {"coding": [{"system": "http://snomed.info/sct", "code": "764677008"}]}}  # fmt: skip
    fake.resources.append(new)
    source = opened(counts=False, accept_drift=True)
    before = searches(fake, "Condition")
    assert "Patient/c" in keys(source)
    assert searches(fake, "Condition") == before + 1
    fake.resources.remove(new)
    source = opened(counts=False)
    source.shown = lambda stage, number: said.append(stage)
    assert "Patient/c" not in keys(source)
    assert any("starting over" in stage for stage in said)


def test_raw_resources_are_private_and_go_when_the_tables_are_written(fake, opened, tmp_path):
    source = opened()
    keys(source)
    files = spool_files(tmp_path / "spool")
    assert files
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert all(stat.S_IMODE(path.parent.stat().st_mode) == 0o700 for path in files)
    source.finished()
    assert spool_files(tmp_path / "spool") == []


def test_raw_resources_stay_when_asked(opened, tmp_path):
    source = opened(keep_raw=True)
    keys(source)
    source.finished()
    assert spool_files(tmp_path / "spool")


def test_what_is_kept_is_not_taken_for_the_answer_of_a_later_pull(fake, opened):
    source = opened(keep_raw=True)
    before = keys(source)
    source.finished()
    fake.resources.append(observation(20, "a", PSA))
    assert keys(opened()) == before | {"Observation/o20"}


def test_an_interrupted_pull_that_is_too_old_starts_over(fake, opened, tmp_path):
    keys(opened())
    started = next(path for path in spool_files(tmp_path / "spool") if path.name == "started.json")
    started.write_text('"2016-01-01T00:00:00+00:00"')
    fake.resources.append(observation(20, "a", PSA))
    assert "Observation/o20" in keys(opened())


def test_a_search_that_is_too_big_for_the_server_is_parted(fake, opened):
    def before(server: Fake, request: Request, number: int) -> Response | None:
        form = parse_qs(request.get_data(as_text=True))
        values = max((len(one[0].split(",")) for one in form.values()), default=0)
        return Response("", 413) if values > 8 else None

    whole = keys(opened())
    fake.before = before
    source = opened(counts=False, chunk_size=3)
    assert keys(source) == whole
    assert max(row["chunks"] for row in source.manifest["queries"]) > 1


def test_a_long_search_is_parted_for_a_server_that_takes_get_only(fake, opened, monkeypatch):
    whole = keys(opened())
    longest = []

    def before(server: Fake, request: Request, number: int) -> Response | None:
        longest.append(len(request.url))
        return Response("", 405) if request.method == "POST" else None

    monkeypatch.setattr("adapters.sources.search.LONGEST_URL", 1500)
    fake.before = before
    assert keys(opened(chunk_size=3)) == whole
    assert max(longest) <= 1500 + len("http://localhost")


def test_strict_handling_is_asked_of_every_search(fake, opened):
    keys(opened())
    assert all(headers["Prefer"] == "handling=strict" for method, _, headers in fake.requests if method == "POST")


def test_progress_counts_each_type_up_to_all_of_it(opened):
    shown: dict[str, list[int]] = {}
    source = opened(chunk_size=1)
    source.shown = lambda stage, number: shown.setdefault(stage, []).append(number)
    keys(source)
    assert shown["patients found"] == [3]
    assert shown["Observation"] == sorted(shown["Observation"])
    assert shown["Observation"][-1] == 8
    assert shown["Patient"][-1] == 3


def test_a_server_that_ignores_the_code_of_the_therapies_gives_no_other_patients(fake, opened):
    fake.resources.append(
        {"resourceType": "Procedure", "id": "p9", "status": "completed", "subject": {"reference": "Patient/c"},
         "code": {"coding": [{"system": "http://snomed.info/sct", "code": "80146002"}]}}
    )  # fmt: skip
    fake.ignores = frozenset({"code"})
    assert "Patient/c" not in keys(opened())
    assert not [form for _, path, form in fake.searches if path.startswith("Observation") and "Patient%2Fc" in form]


def test_raw_resources_are_refused_in_the_repository():
    with pytest.raises(InputError, match="never kept in the repository"):
        Spool(REPOSITORY / "data" / "spool")


def test_reading_twice_gives_the_same_without_asking_again(fake, opened):
    source = opened()
    first = [read.resource for read in source.read()]
    before = sum(fake.hits.values())
    assert [read.resource for read in source.read()] == first
    assert sum(fake.hits.values()) == before


def test_patients_by_id_and_by_identifier(opened):
    selection = Selection(frozenset({"Patient/a", "urn:mrn|m-b"}))
    assert {key for key in keys(opened(selection=selection)) if key.startswith("Patient/")} == {
        "Patient/a", "Patient/b", "Patient/b-old",
    }  # fmt: skip


def test_members_of_a_group(fake, opened):
    fake.resources.append(
        {"resourceType": "Group", "id": "g", "member": [{"entity": {"reference": "Patient/a"}},
                                                        {"entity": {"reference": "Patient/c"}, "inactive": True}]}
    )  # fmt: skip
    assert {k for k in keys(opened(selection=Selection(group="g"))) if k.startswith("Patient/")} == {"Patient/a"}
    with pytest.raises(InputError, match="no such Group"):
        keys(opened(selection=Selection(group="nobody")))


def test_everybody_when_the_cohort_rule_says_all(opened):
    settings = msgspec.structs.replace(load_settings(), cohort=Cohort(any_of=("all",)))
    assert {k for k in keys(opened(settings=settings)) if k.startswith("Patient/")} == {
        "Patient/a", "Patient/b", "Patient/b-old", "Patient/c",
    }  # fmt: skip


def test_nobody_in_the_cohort_asks_for_nothing_more(fake, opened):
    fake.resources = [one for one in fake.resources if one["resourceType"] == "Patient"]
    assert keys(opened()) == set()
    assert searches(fake, "Observation") == 0


def test_dry_run_shows_the_searches_and_sends_none(fake, opened):
    shown = opened().dry_run()
    assert any("Procedure/_search" in line and "1263784000" in line for line in shown)
    assert any("Observation/_search" in line and "2857-1" in line for line in shown)
    assert sum(fake.hits.values()) == 0


def test_an_r5_server_is_refused(fake, opened):
    fake.before = lambda server, request, number: as_json(
        {"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"}
    )
    with pytest.raises(InputError, match=r"GET metadata: FHIR 5.0.0 is not read"):
        keys(opened())


def test_the_spool_lies_where_the_environment_says(monkeypatch, tmp_path):
    from adapters.sources.server_spool import default_root

    monkeypatch.setenv("STUDY_SPOOL", str(tmp_path / "here"))
    assert default_root() == tmp_path / "here"
    monkeypatch.delenv("STUDY_SPOOL")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_root() == Path(tmp_path) / "radionuclide-study"
