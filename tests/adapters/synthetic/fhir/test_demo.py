"""Writing the demo: the same bytes every time, whole or not at all, and any number of patients for load."""

import hashlib
from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class

from adapters.synthetic import demo as demo_module
from adapters.synthetic.demo import write_demo
from adapters.synthetic.resample import resampled, shifted, template
from tests.support.fhir_facts import STANDIN, TOPICS, Facts, read_bundle, read_ndjson


def digest(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


@pytest.mark.parametrize(("dialect", "form"), [("mcode", "bundle"), ("mii", "ndjson")])
def test_two_runs_write_the_same_bytes(demo, cohort_folder, tmp_path, dialect, form):
    write_demo(tmp_path, dialect=dialect, form=form, cohort=cohort_folder)
    assert digest(tmp_path) == digest(demo[dialect, form])


def test_the_files_written_are_returned(tmp_path):
    assert write_demo(tmp_path, cohort=STANDIN) == [tmp_path / "demo.json"]
    files = write_demo(tmp_path / "lines", dialect="mii", form="ndjson", cohort=STANDIN)
    assert files[0].name == "Patient.ndjson"
    assert sorted(files) == sorted((tmp_path / "lines").iterdir())


def test_a_demo_replaces_an_earlier_one_and_leaves_other_files_alone(tmp_path):
    (tmp_path / "own.txt").write_text("mine")
    write_demo(tmp_path, dialect="mii", form="ndjson", cohort=STANDIN)
    assert (tmp_path / "Medication.ndjson").exists()
    write_demo(tmp_path, dialect="mcode", form="ndjson", cohort=STANDIN)
    assert not (tmp_path / "Medication.ndjson").exists()
    write_demo(tmp_path, cohort=STANDIN)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["demo.json", "own.txt"]


def test_a_run_that_fails_leaves_the_earlier_demo_as_it_was(tmp_path, monkeypatch):
    write_demo(tmp_path, cohort=STANDIN)
    before = digest(tmp_path)

    def break_off(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(demo_module, "transaction_entry", break_off)
    with pytest.raises(OSError, match="no space"):
        write_demo(tmp_path, cohort=STANDIN)
    assert digest(tmp_path) == before


@pytest.mark.parametrize("wrong", [{"dialect": "openehr"}, {"form": "xml"}, {"patients": 0}, {"patients": -1}], ids=str)
def test_a_call_that_makes_no_sense_is_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"choose|at least one"):
        write_demo(tmp_path / "out", cohort=STANDIN, **wrong)
    assert not list(tmp_path.glob("out/*"))


class TestResampling:
    @pytest.mark.parametrize("dialect", ["mcode", "mii"])
    def test_it_is_the_same_every_time(self, tmp_path, dialect):
        for name in ("one", "two"):
            write_demo(tmp_path / name, dialect=dialect, form="ndjson", patients=180, cohort=STANDIN)
        assert digest(tmp_path / "one") == digest(tmp_path / "two")
        patients = (tmp_path / "one" / "Patient.ndjson").read_text("utf-8").splitlines()
        assert sum('"active":true' in line for line in patients) == 180

    @pytest.mark.parametrize("form", ["bundle", "ndjson"])
    @pytest.mark.parametrize("dialect", ["mcode", "mii"])
    def test_copies_are_valid_tagged_and_self_contained(self, tmp_path, dialect, form):
        (file, *_) = write_demo(tmp_path, dialect=dialect, form=form, patients=4, cohort=STANDIN)
        resources = read_bundle(file) if form == "bundle" else read_ndjson(tmp_path)
        for one in resources:
            get_fhir_model_class(one["resourceType"]).model_validate(one)
            assert [tag["code"] for tag in one["meta"]["tag"]] == ["resampled"]
        facts = Facts(resources)
        assert len(facts.patients()) == 4
        assert {who for who, *_ in facts.labs()} == {"n00001", "n00002", "n00003", "n00004"}

    def test_both_dialects_draw_the_same_patients(self, tmp_path):
        read = {}
        for dialect in ("mcode", "mii"):
            write_demo(tmp_path / dialect, dialect=dialect, form="ndjson", patients=5, cohort=STANDIN)
            read[dialect] = Facts(read_ndjson(tmp_path / dialect))
        for topic in TOPICS:
            assert getattr(read["mcode"], topic)() == getattr(read["mii"], topic)()

    def test_values_are_those_of_the_patients_drawn(self, tmp_path):
        write_demo(tmp_path / "many", dialect="mii", form="ndjson", patients=3, cohort=STANDIN)
        write_demo(tmp_path / "all", dialect="mii", form="ndjson", cohort=STANDIN)
        found = {name: Facts(read_ndjson(tmp_path / name)) for name in ("many", "all")}
        values = {name: {value for _, _, _, value, *_ in read.labs()} for name, read in found.items()}
        assert values["many"] <= values["all"]

    def test_a_template_is_cut_at_ids_and_dates_only(self):
        line = '{"id":"r01-lab-0001","code":"2857-1","on":"2016-03-26","part":"8-530.d0","v":"2016"}'
        cut = template("r01", [("Observation", "r01-lab-0001", line)])
        ((kind, identity, text),) = next(iter(resampled([cut], 1)))
        assert (kind, identity) == ("Observation", "n00001-lab-0001")
        for kept in ('"2857-1"', '"8-530.d0"', '"2016"}'):
            assert kept in text
        assert '"2016-03-26"' not in text


class TestShifting:
    @pytest.mark.parametrize(
        ("text", "days", "expected"),
        [
            ("2016-02-28", 1, "2016-02-29"),
            ("2016-03", -20, "2016-02"),
            ("2016-03", 10, "2016-03"),
            ("2016-03-26T08:15:00+01:00", 1, "2016-03-27T08:15:00+02:00"),  # summer time begins
            ("2016-03-25T23:20:00Z", 1, "2016-03-26T23:20:00Z"),
            ("2016-03-26T23:20:00Z", 1, "2016-03-27T22:20:00Z"),
        ],
    )
    def test_the_clock_in_berlin_stays(self, text, days, expected):
        assert shifted(text, days) == expected

    def test_no_shift_changes_nothing(self):
        for text in ("2016-03", "2016-03-26", "2016-07-01T06:15:00Z", "2016-07-01T08:15:00+02:00"):
            assert shifted(text, 0) == text
