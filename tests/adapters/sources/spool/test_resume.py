"""Interrupted, expired, changed: what was finished is not asked again, and what is not finished is."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import jwt
import msgspec
import pytest
from werkzeug import Request, Response

from adapters.errors import IncompleteError, InputError
from adapters.fhir.selection import Selection
from adapters.settings import Cohort, load_settings
from adapters.settings import Consent as ConsentRule
from tests.support.server.fake_fhir import PSA, Fake, as_json, observation
from tests.support.server.resume_support import heard, interrupted, keys, searches, spool_folder

THERAPY_OF_C = {
    "resourceType": "Procedure", "id": "p2", "status": "completed", "subject": {"reference": "Patient/c"},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "764677008"}]},
}  # fmt: skip


def corrected(fake: Fake) -> None:
    """The server now holds one Observation more about a patient whose Conditions were fetched."""
    fake.resources.append(observation(20, "a", PSA))


def test_finished_chunks_are_not_requested_again_after_a_failure(fake, opened):
    interrupted(fake, opened)
    assert searches(fake, "Condition") == 1
    full = keys(opened(counts=False, parallel=1))
    chunks_of_two = 2
    assert searches(fake, "Condition") == chunks_of_two
    assert len(full) == 15


def test_going_on_is_said_with_time_and_number_of_what_is_there(fake, opened):
    interrupted(fake, opened)
    (note,) = [one for one in heard(opened(counts=False)) if "going on" in one]
    assert re.fullmatch(r"going on with the pull begun at 20\d\d-\S+\+00:00: [23] parts are there", note)
    assert not [one for one in heard(opened(counts=False)) if "going on" in one], "there is nothing to go on with"


def test_a_unit_that_was_being_written_is_fetched_again(fake, opened, tmp_path):
    interrupted(fake, opened)
    root = spool_folder(tmp_path)
    lines = (root / "done.jsonl").read_text().splitlines()
    (root / "done.jsonl").write_text("\n".join(lines[:-1]) + "\n" + lines[-1][: len(lines[-1]) // 2])
    (root / "Observation-half.part").write_text('{"resourceType": "Obs')
    asked = searches(fake, "Condition"), searches(fake, "MedicationAdministration")
    found = keys(opened(counts=False))
    assert searches(fake, "Condition") == asked[0] + 1, "of two chunks one was there"
    assert searches(fake, "MedicationAdministration") - asked[1] >= 2, "the one that was being written, and the other"
    assert len(found) == 15


def test_a_changed_cohort_starts_over(fake, opened):
    interrupted(fake, opened)
    fake.resources.append(THERAPY_OF_C)
    source = opened(counts=False)
    before = searches(fake, "Condition")
    assert any("starting over" in note for note in heard(source))
    assert searches(fake, "Condition") == before + 2
    assert "Patient/c" in keys(source)


def test_a_changed_cohort_is_added_to_where_drift_is_accepted(fake, opened):
    interrupted(fake, opened, chunk_size=3)
    fake.resources.append(THERAPY_OF_C)
    before = searches(fake, "Condition")
    assert "Patient/c" in keys(opened(counts=False, chunk_size=3, accept_drift=True))
    assert searches(fake, "Condition") == before + 1


def test_a_pull_that_had_everything_is_never_taken_for_the_answer_of_a_later_one(fake, opened):
    before = keys(opened())  # and its tables were not written
    corrected(fake)
    assert keys(opened()) == before | {"Observation/o20"}


def test_what_another_account_was_given_is_not_used(fake, opened, monkeypatch):
    monkeypatch.setenv("FHIR_PASSWORD", "secret")
    interrupted(fake, opened, auth="basic", user="clerk")
    before = searches(fake, "Condition")
    keys(opened(counts=False, auth="basic", user="physician"))
    assert searches(fake, "Condition") == before + 2


def token(**claims: str) -> str:
    return jwt.encode(claims, "0" * 32)


@pytest.mark.parametrize(
    ("before", "now", "asked"),
    [
        (token(sub="study", jti="1"), token(sub="study", jti="2"), 1),  # renewed
        (token(sub="clerk"), token(sub="physician"), 2),
        (token(sub="study", scope="system/Patient.read"), token(sub="study", scope="system/*.read"), 2),
        (token(sub="study"), "", 2),
        ("opaque-1", "opaque-2", 1),  # tells nothing
    ],
)
def test_an_account_is_known_by_what_its_token_says(before, now, asked, fake, opened, monkeypatch):
    monkeypatch.setenv("FHIR_TOKEN", before)
    interrupted(fake, opened)
    known = searches(fake, "Condition")
    monkeypatch.setenv("FHIR_TOKEN", now)
    keys(opened(counts=False))
    assert searches(fake, "Condition") == known + asked


def test_consents_are_asked_for_anew(fake, opened):
    fake.types = (*fake.types, "Consent")
    settings = msgspec.structs.replace(load_settings(), consent=ConsentRule(required=True))
    interrupted(fake, opened, settings=settings)
    assert (searches(fake, "Condition"), searches(fake, "Consent")) == (1, 1)
    keys(opened(counts=False, settings=settings))
    assert searches(fake, "Condition") == 2
    assert searches(fake, "Consent") == 3, "the chunk that was there, and the other"


def test_of_several_failures_the_first_part_is_named_and_all_that_is_missing_listed(fake, opened):
    def refuse(_server: Fake, request: Request, _number: int) -> Response | None:
        if "patient=" not in request.get_data(as_text=True):
            return None
        if "Condition" in request.path:
            return Response("", 429)  # tried again: the part after it fails before it
        return as_json({}, 403) if "MedicationAdministration" in request.path else None

    fake.before = refuse
    with pytest.raises(IncompleteError) as caught:
        keys(opened(counts=False, chunk_size=3))
    assert re.fullmatch(
        r"POST Condition\?patient={up to 10 patients}: the server answered 429; ask the server's operator; "
        r"\d of 5 parts are missing \(Condition 1, MedicationAdministration 1, .*; and all Medication resources that these "
        r"refer to\); the next pull asks for these only", str(caught.value),
    )  # fmt: skip


def test_of_what_is_referred_to_all_parts_are_in_the_count(fake, opened):
    fake.before = lambda server, request, number: (
        as_json({}, 403) if "Medication/" in request.path and "_id=" in request.get_data(as_text=True) else None
    )
    with pytest.raises(IncompleteError, match=r"1 of 11 parts are missing \(Medication 1\)"):
        keys(opened(counts=False))


def test_an_interrupted_pull_that_is_too_old_starts_over(fake, opened, tmp_path):
    interrupted(fake, opened)
    (spool_folder(tmp_path) / "started.json").write_text('"2016-01-01T00:00:00+00:00"')
    before = searches(fake, "Condition")
    assert any("too old" in note for note in heard(opened(counts=False)))
    assert searches(fake, "Condition") == before + 2


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

    monkeypatch.setattr("adapters.sources.search.searcher.LONGEST_URL", 1500)
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


@pytest.mark.parametrize("version", ["4.0.0", "4.0.1", "4.1.0", "4.3.0", "4.3.0-cibuild"])
def test_a_server_of_r4_or_r4b_is_read(version, fake, opened):
    statement = fake.capability() | {"fhirVersion": version}
    fake.before = lambda server, request, number: as_json(statement) if request.path.endswith("metadata") else None
    assert len(keys(opened())) == 15


@pytest.mark.parametrize("version", ["5.0.0", "3.0.2", "4.2.0", "4.4.0", "4.5.0", "4.6.0", "40.1", ""])
def test_a_server_of_another_version_is_refused(version, fake, opened):
    fake.before = lambda server, request, number: as_json(
        {"resourceType": "CapabilityStatement", "fhirVersion": version}
    )
    with pytest.raises(
        InputError, match=rf"GET metadata: FHIR {re.escape(version) or 'of unknown version'} is not read"
    ):
        keys(opened())


@pytest.mark.parametrize("page", ["<html>log in</html>", "", "[]"])
def test_a_page_in_place_of_the_capability_statement_means_that_the_server_gave_nothing(page, fake, opened):
    fake.before = lambda server, request, number: Response(page, content_type="text/html")
    with pytest.raises(
        IncompleteError, match=r"GET metadata: .* not a JSON object; check the base address and the sign"
    ):
        keys(opened())


def test_another_resource_in_place_of_it_means_a_wrong_address(fake, opened):
    fake.before = lambda server, request, number: as_json({"resourceType": "Patient"})
    with pytest.raises(InputError, match="no FHIR server"):
        keys(opened())
