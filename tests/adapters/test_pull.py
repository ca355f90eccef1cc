"""From sources to tables on disk: equal for every container, complete or untouched, without a trace of who it was."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from adapters import load_manifest, load_tables
from adapters.contract import TABLES
from adapters.errors import InputError
from adapters.fhir.selection import Selection
from adapters.pull import Request, chosen_settings, pull, selection
from adapters.sources import open_source
from adapters.synthetic.demo import write_demo
from tests.support.reading_support import bundle, patient, psa, therapy, write

CLINICAL = [name for name in TABLES if name != "findings"]


def pulled(source: Path, out: Path, **options: Any) -> dict[str, pd.DataFrame]:
    """All tables of a source."""
    pull(open_source(str(source)), out, **options)
    return dict(load_tables(out))


def assert_equal(first: dict[str, pd.DataFrame], second: dict[str, pd.DataFrame]) -> None:
    for name in CLINICAL:
        pd.testing.assert_frame_equal(first[name], second[name], obj=name)


def strings(path: Path) -> str:
    """Everything that the files of a pull hold, as text."""
    tables = load_tables(path)
    parts = [tables[name].to_csv() for name in tables]
    return "".join(parts) + (path / "manifest.json").read_text()


@pytest.fixture(scope="module")
def demo(once) -> Path:
    """Eight patients drawn from the synthetic cohort, as one Bundle."""
    return once.folder("eight-patients", lambda out: write_demo(out, patients=8)) / "demo.json"


@pytest.fixture(scope="module")
def reference(demo, once) -> dict[str, pd.DataFrame]:
    """The tables of that Bundle."""
    return once.value("eight-patients-tables", lambda: pulled(demo, once.root / "eight-patients-pull"))


def entries(demo: Path) -> list[dict[str, Any]]:
    """The entries of that Bundle."""
    found: list[dict[str, Any]] = json.loads(demo.read_text())["entry"]
    return found


def test_shuffling_splitting_and_doubling_entries_changes_nothing(demo, reference, tmp_path):
    shuffled = entries(demo) * 2
    random.Random(7).shuffle(shuffled)
    third = len(shuffled) // 3
    parts = [shuffled[:third], shuffled[third : 2 * third], shuffled[2 * third :]]
    folder = tmp_path / "split"
    folder.mkdir()
    for number, part in enumerate(parts):
        document = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": part})
        (folder / f"{number}.json.gz").write_bytes(gzip.compress(document.encode()))
    assert_equal(pulled(folder, tmp_path / "out"), reference)


def test_bundle_and_ndjson_of_the_same_patients_together_change_nothing(demo, reference, tmp_path):
    folder = tmp_path / "both"
    write_demo(folder, patients=8, form="ndjson")
    (folder / "demo.json").write_bytes(demo.read_bytes())
    assert_equal(pulled(folder, tmp_path / "out"), reference)


def test_an_unrelated_patient_changes_nothing(demo, reference, tmp_path):
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "demo.json").write_bytes(demo.read_bytes())
    tag = {"meta": entries(demo)[0]["resource"]["meta"]}
    write(folder / "x.ndjson", patient("unrelated", **tag), psa("unrelated", subject="Patient/unrelated", **tag))
    assert_equal(pulled(folder, tmp_path / "out"), reference)


GOOD = bundle(patient(), psa(), therapy())


def test_a_failed_pull_leaves_the_last_tables_untouched(tmp_path):
    out = tmp_path / "out"
    pulled(write(tmp_path / "b.json", GOOD), out)
    before = {p: p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}
    (tmp_path / "bad.json").write_text(json.dumps(GOOD)[:-30])
    for bad in ("bad.json", "nobody.json"):
        if bad == "nobody.json":
            write(tmp_path / bad, bundle(patient(), psa()))
        with pytest.raises(InputError):
            pull(open_source(str(tmp_path / bad)), out)
    assert {p: p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()} == before


def test_a_second_pull_replaces_everything_of_the_first(tmp_path):
    out = tmp_path / "out"
    first = pulled(write(tmp_path / "a.json", GOOD), out)
    second = pulled(write(tmp_path / "b.json", bundle(patient("p7"), therapy(subject="Patient/p7"))), out)
    assert len(first["observations"]) == 1
    assert len(second["observations"]) == 0
    assert load_manifest(out)["tables"]["observations"] == 0


CANARIES = ("CANARY-ID", "CANARY-MRN", "Canaryname", "1951-03-04", "CANARY-FILE", "canary.example", "CANARY-NOTE")


def canary_resources() -> list[dict[str, Any]]:
    """Resources that carry identifiers wherever FHIR has room for them."""
    person = patient(
        "CANARY-ID",
        identifier=[{"system": "http://canary.example/mrn", "value": "CANARY-MRN"}],
        name=[{"family": "Canaryname"}],
        birthDate="1951-03-04",
    )
    note = {"note": [{"text": "CANARY-NOTE"}]}
    subject = "http://canary.example/fhir/Patient/CANARY-ID"
    return [
        person,
        therapy("CANARY-ID-1", subject=subject, **note),
        psa("CANARY-ID-2", subject=subject, **note),
        psa("CANARY-ID-3", subject=subject, effectiveDateTime="CANARY-NOTE"),
        psa("CANARY-ID-4", subject=subject, valueQuantity={"value": 1, "unit": "CANARY-NOTE"}),
        psa("CANARY-ID-5", subject="Patient/CANARY-MRN"),
    ]


def test_no_trace_of_the_input_is_in_tables_or_manifest(tmp_path):
    source = write(tmp_path / "CANARY-FILE" / "CANARY-MRN.ndjson", *canary_resources())
    pulled(source, tmp_path / "out")
    written = strings(tmp_path / "out")
    assert not [canary for canary in (*CANARIES, str(tmp_path)) if canary in written]
    raw = b"".join(p.read_bytes() for p in (tmp_path / "out").glob("*.parquet"))
    assert not [canary for canary in CANARIES if canary.encode() in raw]


def test_no_trace_of_the_input_is_in_messages(tmp_path):
    source = write(tmp_path / "x.ndjson", *canary_resources())
    with source.open("a") as file:
        file.write('{"resourceType": "Patient", "id": "CANARY-ID", "id": "CANARY-MRN"}\n')
    with pytest.raises(InputError) as caught:
        pull(open_source(str(source)), tmp_path / "out")
    assert not [canary for canary in CANARIES if canary in str(caught.value)]


def test_the_manifest_says_what_the_pull_rests_on(tmp_path):
    manifest = pull(open_source(str(write(tmp_path / "b.json", GOOD))), tmp_path / "out")
    assert manifest == load_manifest(tmp_path / "out")
    assert manifest["source"] == {"kind": "bundle", "label": "Bundle file"}
    assert manifest["synthetic"] is False
    assert manifest["cohort_tags"] == []
    assert manifest["complete"] is True
    assert manifest["dispositions"]["read"] == 3
    assert manifest["cohort_rule"] == ["lu_psma", "sirt", "maa_workup"]
    assert manifest["day_zero"]["procedure"] == "lu_psma"
    assert any(name.startswith("views/") for name in manifest["hashes"])
    assert any(name.startswith("codelists/") for name in manifest["hashes"])
    assert {"python", "pandas"} <= set(manifest["versions"])
    assert len(manifest["hash"]) == 16


def test_the_hash_follows_the_data_and_nothing_else(tmp_path):
    one = pull(open_source(str(write(tmp_path / "a.json", GOOD))), tmp_path / "1")
    same = pull(open_source(str(write(tmp_path / "b.json", bundle(psa(), therapy(), patient())))), tmp_path / "2")
    other = pull(
        open_source(str(write(tmp_path / "c.json", bundle(patient(), psa(value=9), therapy())))), tmp_path / "3"
    )
    assert one["hash"] == same["hash"] != other["hash"]


def test_the_date_of_the_pull_may_be_fixed(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1577833200")  # 2019-12-31 23:00 UTC: the next day in Berlin
    manifest = pull(open_source(str(write(tmp_path / "b.json", GOOD))), tmp_path / "out")
    assert manifest["pulled_on"] == "2020-01-01"


TWO = bundle(patient(), therapy(), patient("p2"), therapy("c2", subject="Patient/p2"), psa("o2", subject="Patient/p2"))


def test_a_selection_restricts_any_source(tmp_path):
    source = write(tmp_path / "b.json", TWO)
    (tmp_path / "ids.txt").write_text("p1\n")
    request = Request(selection(tmp_path / "ids.txt", None))
    tables = pulled(source, tmp_path / "out", request=request)
    assert len(tables["patients"]) == 1
    manifest = load_manifest(tmp_path / "out")
    assert manifest["restricted"] == {"asked": 1, "found": 1}
    reasons = {row["reason"]: row["count"] for row in manifest["dispositions"]["by_reason"]}
    assert "outside-selection" in reasons


def test_patients_of_a_list_who_are_not_there_are_said(tmp_path):
    said: list[str] = []
    (tmp_path / "ids.txt").write_text("p1\nnobody\n")
    source = write(tmp_path / "in.json", bundle(patient(), therapy()))
    request = Request(selection(tmp_path / "ids.txt", None))
    pull(open_source(str(source)), tmp_path / "out", request=request, progress=lambda stage, _: said.append(stage))
    assert "1 of the 2 patients asked for are in the source" in said


def test_a_selection_that_finds_nobody_is_an_error(tmp_path):
    request = Request(Selection(patients=frozenset({"p9"})))
    with pytest.raises(InputError, match="outside-selection"):
        pull(open_source(str(write(tmp_path / "b.json", TWO))), tmp_path / "out", request=request)


def test_cohort_all_takes_everyone(tmp_path):
    source = write(tmp_path / "b.json", bundle(patient(), patient("p2"), therapy()))
    assert len(pulled(source, tmp_path / "1")["patients"]) == 1
    assert len(pulled(source, tmp_path / "2", settings=chosen_settings(None, "all"))["patients"]) == 2
