"""study.toml as the adapters read it: what is wrong is named, and what is left out has its default."""

from __future__ import annotations

from datetime import date

import pytest
from typer.testing import CliRunner

from adapters.__main__ import app
from adapters.errors import InputError
from adapters.pull import chosen_settings
from adapters.settings import Settings, load_settings


def from_text(tmp_path, text: str) -> Settings:
    (tmp_path / "study.toml").write_text(text)
    return load_settings(tmp_path / "study.toml")


def test_the_repository_s_settings_load():
    settings = load_settings()
    assert settings.cohort.any_of == ("lu_psma", "sirt", "maa_workup")
    assert settings.time.zone == "Europe/Berlin"


def test_an_empty_file_gives_the_defaults(tmp_path):
    assert from_text(tmp_path, "").time.day_zero == "lu_psma"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[cohort]\nanyof = []", r"\[cohort\].*anyof"),
        ("[cohort]\nany_of = 5", r"any_of"),
        ("[cohort]\nany_of = []", "cohort.any_of is empty"),
        ('[cohort]\nany_of = ["lu-psma"]', "cohort.any_of names no procedure: 'lu-psma'"),
        ('[cohort]\nany_of = ["all", "sirt"]', "'all'"),
        ('[time]\nday_zero = "all"', "time.day_zero"),
        ('[time]\nzone = "Mars/Olympus"', "time.zone"),
        ('[time]\nzone = "../../etc/passwd"', "time.zone"),
        ('[time]\ndata_cutoff = "soon"', "data_cutoff"),
        ("[reading]\nmerge_days = -1", "merge_days"),
        ("[reading]\nmerge_days = 1.5", "merge_days"),
        ("[consent]\nrequired = true", "provision_codes"),
        ("[cohort\n", "not TOML"),
        ("[times]", r"study\.toml: \[times\] is not a section; write time$"),
        ("[survivl]", r"study\.toml: \[survivl\] is not a section; write survival$"),
        ("zone = 'UTC'", "study.toml: zone stands in no section; choose of study, cohort"),
        ("time = 'UTC'", r"\[time\]: time is 'UTC', not a section"),
        ("[time]\ndayzero = 'sirt'", r"\[time\]: time\.dayzero is not a setting; write day_zero$"),
        ("[reading]\nmerge_days = nan", r"reading\.merge_days is nan: not a finite number"),
        (f"x = {'[' * 5000}{']' * 5000}", "nested too deeply"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path, text, named):
    with pytest.raises(InputError, match=named) as caught:
        from_text(tmp_path, text)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ['data_cutoff = "2019-12-31"', "data_cutoff = 2019-12-31"])
def test_the_data_cutoff_is_a_date(tmp_path, text):
    assert from_text(tmp_path, f"[time]\n{text}").time.data_cutoff == date(2019, 12, 31)


def test_settings_that_are_not_utf_8_are_named(tmp_path):
    (tmp_path / "study.toml").write_bytes('[study]\ntitle = "Prüfplan"'.encode("latin-1"))
    with pytest.raises(
        InputError, match=r"study\.toml: study settings are not UTF-8 \(byte 20\); save the file as UTF-8$"
    ):
        load_settings(tmp_path / "study.toml")


def test_a_pull_with_an_unknown_section_is_one_line_and_writes_nothing(tmp_path):
    (tmp_path / "study.toml").write_text("[survivl]\nlandmarks_days = [60]")
    called = ["pull", str(tmp_path), "--out", str(tmp_path / "out"), "--settings", str(tmp_path / "study.toml")]
    result = CliRunner().invoke(app, called)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: study.toml: [survivl] is not a section; write survival\n"
    assert not (tmp_path / "out").exists()


def test_sections_of_the_analysis_are_its_own_business(tmp_path):
    from_text(tmp_path, "[survival]\nlandmarks_days = [60]")


def test_overlay_folders_lie_beside_the_settings(tmp_path):
    (tmp_path / "ours").mkdir()
    settings = from_text(tmp_path, '[reading]\ncodelists_overlay = "ours"\nviews_overlay = "gone"')
    assert settings.overlay("codelists") == tmp_path / "ours"
    assert settings.overlay("units") is None
    with pytest.raises(InputError, match=r"reading\.views_overlay"):
        settings.overlay("views")


def test_the_environment_may_name_the_settings(tmp_path, monkeypatch):
    (tmp_path / "other.toml").write_text('[time]\nzone = "UTC"')
    monkeypatch.setenv("STUDY_SETTINGS", str(tmp_path / "other.toml"))
    assert load_settings().time.zone == "UTC"


OBSERVATIONS = "system,code,display,means,source\nhttps://lab.example,PSA,PSA,psa,ours\n"
UNITS = "measure,ucum,to,factor,source\nalt,,U/L,1,ours\n"


@pytest.mark.parametrize(
    ("kind", "name", "content", "says"),
    [
        ("codelists", "observation.csv", OBSERVATIONS, "has no effect here; name it observations.csv"),
        ("codelists", "Observations.csv", OBSERVATIONS, "name it observations.csv"),
        ("codelists", "observations.xlsx", "PK", "name it observations.csv"),
        ("codelists", "zzz.csv", OBSERVATIONS, "move it away: only known *.csv are read"),
        ("units", "units.txt", UNITS, "name it units.csv"),
        ("views", "coding.Procedure.json", "{}", "name it codings.Procedure.json"),
        ("views", "codings.Procedures.json", "{}", "name it codings.Procedure.json"),
        ("views", "codings.Encountr.json", "{}", "name it codings.Encounter.json"),
        ("views", "codings-Procedure.json", "{}", "name it codings.Procedure.json"),
        ("views", "zzz.json", "{}", "move it away: only known *.json are read"),
    ],
)
def test_a_file_of_another_name_in_an_overlay_is_named_before_any_work(tmp_path, kind, name, content, says):
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / name).write_text(content)
    with pytest.raises(InputError) as caught:
        overlaid(tmp_path, kind)
    assert f"ours/{name}: a file of this name has no effect here; " in str(caught.value)
    assert says in str(caught.value)


def overlaid(tmp_path, kind: str) -> Settings:
    (tmp_path / "study.toml").write_text(f'[reading]\n{kind}_overlay = "ours"')
    return chosen_settings(tmp_path / "study.toml", None)


@pytest.mark.parametrize(
    ("kind", "name", "content"), [("codelists", "observations.csv", OBSERVATIONS), ("units", "own.csv", UNITS)]
)
def test_known_files_and_what_an_editor_leaves_beside_them_are_no_fault(tmp_path, kind, name, content):
    (tmp_path / "ours").mkdir()
    for file in (name, ".DS_Store", f"~${name}", "README.md"):
        (tmp_path / "ours" / file).write_text(content)
    assert overlaid(tmp_path, kind).overlay(kind) == tmp_path / "ours"


def test_a_folder_inside_an_overlay_is_named(tmp_path):
    (tmp_path / "ours" / "observations.csv").mkdir(parents=True)
    with pytest.raises(InputError, match=r"ours/observations\.csv: a folder is no rule file"):
        overlaid(tmp_path, "codelists")


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("codelists", "observations.csv", OBSERVATIONS.replace("ours", "für uns")),
        ("units", "own.csv", UNITS.replace("ours", "für uns")),
    ],
)
def test_a_table_that_is_not_utf_8_is_one_line_with_the_remedy(tmp_path, kind, name, content):
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / name).write_bytes(content.encode("latin-1"))
    (tmp_path / "study.toml").write_text(f'[reading]\n{kind}_overlay = "ours"')
    called = ["pull", str(tmp_path), "--out", str(tmp_path / "out"), "--settings", str(tmp_path / "study.toml")]
    result = CliRunner().invoke(app, called)
    assert result.exit_code == 2
    assert result.stderr == f'error: {name}: is not UTF-8; save it as "CSV UTF-8", not as plain CSV\n'


@pytest.mark.parametrize("kind", ["codelists", "units"])
def test_a_field_without_end_is_one_line(tmp_path, kind):
    (tmp_path / "ours").mkdir()
    name = "observations.csv" if kind == "codelists" else "own.csv"
    header = (OBSERVATIONS if kind == "codelists" else UNITS).splitlines()[0]
    (tmp_path / "ours" / name).write_text(f'{header}\n"{"x" * 200_000}",b,c,d,e\n')
    with pytest.raises(InputError, match=rf"{name}: is not CSV \(field larger than field limit"):
        overlaid(tmp_path, kind)


@pytest.mark.parametrize(("cohort", "everyone"), [(None, False), ("all", True), ("lu_psma", False)])
def test_the_call_may_choose_the_cohort(cohort, everyone):
    assert chosen_settings(None, cohort).cohort.everyone is everyone


def test_a_cohort_that_no_code_list_knows_is_an_error():
    with pytest.raises(InputError, match="cohort"):
        chosen_settings(None, "lu-psma")
