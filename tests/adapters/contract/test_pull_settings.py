"""Tables that were pulled with other settings than those of today are refused, and the message says which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from adapters.contract.hashing import file_hashes
from adapters.contract.pull_settings import SECTIONS, STATED, PullSettings, pull_sections, stated
from adapters.contract.study_file import PULL_SECTIONS, StudyFile, read_study_file
from adapters.pull import chosen_settings, pull
from adapters.sources import open_source
from analysis.__main__ import app
from tests.support.paths import REPOSITORY
from tests.support.reading_support import bundle, patient, psa, therapy, write

TEXT = (REPOSITORY / "study.toml").read_text("utf-8")
GOOD = bundle(patient(), psa(), therapy())
OVERLAY = "system,code,display,means,source\nhttps://lab.example,PSA,PSA,psa,ours\n"


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


class Site:
    """A folder with a settings file and the tables pulled with it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.settings = folder, folder / "study.toml"
        monkeypatch.setenv("STUDY_SETTINGS", str(self.settings))
        monkeypatch.setenv("STUDY_TABLES", str(folder / "tables"))

    def pull(self, text: str = TEXT, cohort: str | None = None) -> dict[str, Any]:
        self.settings.write_text(text, "utf-8")
        source = open_source(str(write(self.folder / "b.json", GOOD)))
        return pull(source, self.folder / "tables", settings=chosen_settings(self.settings, cohort))

    def check(self, text: str = TEXT) -> tuple[int, str]:
        """Exit code and message of `python -m analysis check --tables` with these settings."""
        self.settings.write_text(text, "utf-8")
        result = CliRunner().invoke(app, ["check", "--tables"])
        assert len(result.stderr.splitlines()) == (1 if result.exit_code else 0)
        return result.exit_code, result.stderr


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


CHANGES = {
    "study.source_label": (changed('source_label = ""', 'source_label = "Ward 7"'), '"Ward 7"', '""'),
    "cohort.any_of": (changed('"lu_psma", "sirt", "maa_workup"', '"sirt"'), '["sirt"]', '["lu_psma", "maa_workup", "sirt"]'),
    "time.zone": (changed("Europe/Berlin", "Europe/London"), '"Europe/London"', '"Europe/Berlin"'),
    "time.day_zero": (changed('day_zero = "lu_psma"', 'day_zero = "sirt"'), '"sirt"', '"lu_psma"'),
    "time.data_cutoff": (changed("# data_cutoff", "data_cutoff"), '"2019-12-31"', "not set"),
    "reading.merge_days": (changed("merge_days = 1", "merge_days = 2"), "2", "1"),
    "reading.decimal_separator": (changed('decimal_separator = ""', 'decimal_separator = ","'), '","', '""'),
    "reading.accepted_status": (changed('["final", ', "["), '["amended"', '["amended", "corrected", "final"'),
    "consent.required": (changed("required = false", "required = true"), "true", "false"),
    "consent.provision_codes": (changed("codes = []", 'codes = ["1"]'), '["1"]', "[]"),
}  # fmt: skip


@pytest.mark.parametrize("setting", STATED)
def test_a_setting_that_was_changed_after_the_pull_is_named_with_both_values(setting, site):
    site.pull()
    assert site.check() == (0, "")
    text, now, pulled = CHANGES[setting]
    code, line = site.check(text)
    assert code == 2
    assert line.startswith(f"error: study.toml: {setting} is {now}")
    assert f"but the tables were pulled with {pulled}" in line
    assert line.endswith("; pull again, or set it back\n")


def test_every_setting_is_compared_or_cannot_change_the_tables_or_is_an_overlay():
    every = {f"{name}.{field.name}" for name, kind in SECTIONS.items() for field in msgspec.structs.fields(kind)}
    overlays = {f"reading.{name}_overlay" for name in ("codelists", "units", "views")}
    assert every - set(STATED) == overlays | {"study.title"}
    assert tuple(SECTIONS) == PULL_SECTIONS


def test_the_manifest_states_the_settings_as_json_gives_them_back():
    manifest = stated(PullSettings(**pull_sections(read_study_file(REPOSITORY / "study.toml"))))
    assert json.loads(json.dumps(manifest)) == manifest
    assert manifest["day_zero"] == {
        "zone": "Europe/Berlin", "procedure": "lu_psma", "data_cutoff": None, "merge_days": 1
    }  # fmt: skip


def test_the_order_of_a_list_and_the_title_of_the_study_may_change(site):
    site.pull()
    reordered = changed('"lu_psma", "sirt", "maa_workup"', '"maa_workup", "sirt", "lu_psma"')
    assert site.check(reordered.replace('title = "', 'title = "Our ')) == (0, "")


def test_a_cohort_rule_of_the_call_belongs_to_the_call(site):
    manifest = site.pull(cohort="all")
    assert (manifest["cohort_rule"], manifest["cohort_rule_of_call"]) == (["all"], True)
    assert site.check() == (0, "")


def test_a_cohort_rule_of_the_settings_is_said_to_be_theirs(site):
    assert site.pull()["cohort_rule_of_call"] is False


def test_results_and_open_book_refuse_such_tables(site, tmp_path):
    from adapters.contract import SettingsError
    from analysis.book import open_book

    site.pull()
    site.settings.write_text(changed('day_zero = "lu_psma"', 'day_zero = "sirt"'), "utf-8")
    result = CliRunner().invoke(app, ["results", "--out", str(tmp_path / "results.json")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(
        'error: study.toml: time.day_zero is "sirt", but the tables were pulled with "lu_psma"'
    )
    assert not (tmp_path / "results.json").exists()
    with pytest.raises(SettingsError, match=r"time\.day_zero"):
        open_book("survival")


def test_the_site_is_not_built_from_such_tables(site, capsys):
    from analysis.book.sphinx import _require_settings

    manifest = site.pull()
    _require_settings(manifest)
    site.settings.write_text(changed("merge_days = 1", "merge_days = 2"), "utf-8")
    with pytest.raises(SystemExit) as ended:
        _require_settings(manifest)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(
        "error: study.toml: reading.merge_days is 2, but the tables were pulled with 1;"
    )


def test_an_overlay_whose_files_were_changed_after_the_pull_is_named(site):
    overlay = site.folder / "codes"
    overlay.mkdir()
    (overlay / "observations.csv").write_text(OVERLAY, "utf-8")
    text = changed('codelists_overlay = ""', 'codelists_overlay = "codes"')
    site.pull(text)
    assert site.check(text) == (0, "")
    (overlay / "observations.csv").write_text(OVERLAY.replace("ours", "ours, again"), "utf-8")
    code, line = site.check(text)
    assert code == 2
    assert line.startswith('error: study.toml: reading.codelists_overlay is "files of hash ')
    assert "pull again" in line


def test_an_overlay_that_was_named_or_left_out_after_the_pull_is_named(site):
    overlay = site.folder / "units"
    overlay.mkdir()
    (overlay / "own.csv").write_text("measure,ucum,to,factor,source\nalt,,U/L,1,ours\n", "utf-8")
    site.pull()
    code, line = site.check(changed('units_overlay = ""', 'units_overlay = "units"'))
    assert code == 2
    assert 'reading.units_overlay is "files of hash ' in line
    assert 'but the tables were pulled with "no files"' in line
    assert site.check(changed('units_overlay = ""', 'units_overlay = "gone"'))[0] == 2


def test_what_an_earlier_manifest_does_not_state_is_not_compared(site):
    site.pull()
    path = next(site.folder.rglob("manifest.json")).resolve()
    manifest = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({"cohort_rule": manifest["cohort_rule"], "day_zero": {}, "consent": None}), "utf-8")
    assert site.check(changed("merge_days = 1", "merge_days = 2")) == (0, "")
    assert site.check(CHANGES["cohort.any_of"][0])[0] == 2


def test_hashes_name_files_by_content(tmp_path):
    (tmp_path / "a").write_bytes(b"same")
    (tmp_path / "b").write_bytes(b"same")
    hashes = file_hashes({"b": tmp_path / "b", "a": tmp_path / "a"})
    assert list(hashes) == ["a", "b"]
    assert hashes["a"] == hashes["b"]
    assert len(hashes["a"]) == 16


def test_a_section_may_be_missing_where_all_its_keys_have_defaults():
    file = StudyFile(Path("study.toml"), {})
    assert PullSettings(**pull_sections(file)).time.day_zero == "lu_psma"
