"""study.toml as the analysis reads it: every fault is one line that names section and key, through the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from adapters.contract.study_file import ANALYSIS_SECTIONS
from analysis.__main__ import app
from analysis.response.results import criteria_results
from analysis.settings import REPOSITORY, SettingsError, Study, load_study

TEXT = (REPOSITORY / "study.toml").read_text("utf-8")
STUDY = load_study()


def said(file: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """The one line on standard error that the command line gives for this file, after exit code 2."""
    monkeypatch.setenv("STUDY_SETTINGS", str(file))
    result = CliRunner().invoke(app, arguments or ["check"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("error: ")
    return result.stderr


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


WRONG = {
    "missing section": (TEXT.partition("[psa]")[0], "study.toml: the section [psa] is missing; add it"),
    "missing key": (changed("alpha = 0.05", ""), "study.toml [analysis]: analysis.alpha is missing; add it"),
    "missing key inside": (
        changed("creatinine_max_mg_dl = 2.0", ""),
        "[eligibility]: eligibility.lu_psma.creatinine_max_mg_dl is missing",
    ),
    "unknown section": (changed("[survival]", "[survivl]"), "study.toml: [survivl] is not a section; write survival"),
    "unknown section of the adapters": (changed("[time]", "[times]"), "[times] is not a section; write time"),
    "outside of a section": (f"alpha = 0.05\n{TEXT}", "study.toml: alpha stands in no section; choose of study, cohort"),
    "unknown key": (
        changed("landmarks_days", "landmark_days"),
        "study.toml [survival]: survival.landmark_days is not a setting; write landmarks_days",
    ),
    "unknown key inside": (
        changed("lung_shunt_max_pct", "lung_shunt_max_percent"),
        "eligibility.sirt.lung_shunt_max_percent is not a setting; write lung_shunt_max_pct",
    ),
    "unknown key of nothing near": (changed("alpha = 0.05", "alpha = 0.05\nx = 1"), "analysis.x is not a setting; choose of"),
    "unknown key of a test": (changed("question =", "questions ="), 'tests."os.logrank".questions is not a setting; write'),
    "unknown key of the adapters": (changed("day_zero =", "dayzero ="), "time.dayzero is not a setting; write day_zero"),
    "word instead of a number": (changed("alpha = 0.05", 'alpha = "five"'), "analysis.alpha is 'five': expected float"),
    "truth instead of a number": (changed("events_per_term = 10", "events_per_term = true"), "events_per_term is True"),
    "number instead of a truth": (changed("progression_new_lesion = true", "progression_new_lesion = 1"), "expected bool"),
    "part of a day": (changed("scan_window_days = 28", "scan_window_days = 28.5"), "response.scan_window_days is 28.5"),
    "value instead of a section": (f"psa = 3\n{TEXT.partition('[psa]')[0]}", "psa is 3, not a section of settings"),
    "wrong type in a list": (changed("[60, 105, 150, 180]", '[60, "later"]'), "survival.landmarks_days[1] is [60, 'later']"),
    "percent above 100": (
        changed("partial_response_decrease_pct = 30.0", "partial_response_decrease_pct = 130.0"),
        "response.partial_response_decrease_pct is 130.0: expected float <= 100.0; correct that value",
    ),
    "negative days": (changed("followup_days = 90", "followup_days = -1"), "toxicity.followup_days is -1: expected int >= 0"),
    "not a number": (changed("alpha = 0.05", "alpha = nan"), "analysis.alpha is nan: not a finite number"),
    "endless": (changed("[6.0, 7.5]", "[6.0, inf]"), "therapy.target_activity_gbq is [6.0, inf]: not a finite number"),
    "limit of a share": (changed("alpha = 0.05", "alpha = 1.0"), "analysis.alpha is 1.0: expected float < 1.0"),
    "zero weight": (changed("haemoglobin_min_g_dl = 8.0", "haemoglobin_min_g_dl = 0"), "haemoglobin_min_g_dl is 0"),
    "unknown word": (
        changed('transaminases_rule = "either"', 'transaminases_rule = "eiter"'),
        "eligibility.lu_psma.transaminases_rule is 'eiter', not one of its words; write either",
    ),
    "version that is not there": (
        changed("ctcae_version = 5", "ctcae_version = 4"),
        "toxicity.ctcae_version is 4, not one of its words; choose of 5, 6",
    ),
    "unknown design": (changed('"log_rank"', '"logrank"'), "design is 'logrank', not one of its words; write log_rank"),
    "too few sizes": (
        changed('["os.lu.deaths", "os.lu_sirt.deaths"]', '["os.lu.deaths"]'),
        'multiplicity.tests."os.logrank".sizes names 1 results; the design log_rank needs 2',
    ),
    "family of an unknown test": (
        changed('tests = ["os.logrank", "resp.lu.best_worst_p"', 'tests = ["os.log_rank", "resp.lu.best_worst_p"'),
        'multiplicity.families."all".tests names os.log_rank, which is not a test; the nearest is os.logrank',
    ),
    "no landmarks": (changed("[60, 105, 150, 180]", "[]"), "survival.landmarks_days must name at least one day"),
    "landmarks twice": (changed("[60, 105, 150, 180]", "[60, 60]"), "each once and in order"),
    "range the wrong way round": (changed("[7, 8]", "[8, 7]"), "therapy.cycle_repeat_weeks must give the lower number first"),
    "not TOML": (changed("alpha = 0.05", "alpha = "), "study.toml: study settings are not TOML: Invalid value (at line"),
    "nested too deeply": (f"{TEXT}\nx = {'[' * 5000}{']' * 5000}", "nested too deeply"),
    "empty": ("", "study.toml: the section [analysis] is missing; add it"),
    "key of many lines": (changed("alpha = 0.05", 'alpha = 0.05\n"a\\nb" = 1'), "analysis.a b is not a setting"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_fault_is_one_line_and_exit_2(case, tmp_path, monkeypatch):
    text, message = WRONG[case]
    (tmp_path / "study.toml").write_text(text, "utf-8")
    assert message in said(tmp_path / "study.toml", monkeypatch)


def test_a_file_that_is_not_utf_8_is_one_line_with_the_remedy(tmp_path, monkeypatch):
    (tmp_path / "study.toml").write_bytes(changed("the paper", "Prüfplan").encode("latin-1"))
    assert "study settings are not UTF-8 (byte " in said(tmp_path / "study.toml", monkeypatch)


def test_a_file_that_is_not_there_is_one_line(tmp_path, monkeypatch):
    assert "none.toml: study settings cannot be read" in said(tmp_path / "none.toml", monkeypatch)
    assert "study settings cannot be read" in said(tmp_path, monkeypatch)  # a folder


def test_a_byte_order_mark_is_no_fault(tmp_path):
    (tmp_path / "study.toml").write_text(TEXT, "utf-8-sig")
    assert load_study(tmp_path / "study.toml").psa.landmark_day == 84


def test_what_is_technical_may_be_left_out(tmp_path):
    text = changed("days_per_month = 30.4375", "").replace("significant_digits = 8", "# left out")
    section = text.index("[balance]")
    text = text[:section] + text[text.index("[eligibility.lu_psma]") :]
    (tmp_path / "study.toml").write_text(text, "utf-8")
    study = load_study(tmp_path / "study.toml")
    assert study.analysis.days_per_month == 30.4375
    assert study.toxicity.significant_digits == 8
    assert (study.balance.permutations, study.balance.seed) == (2000, 20200501)


def test_results_say_what_is_wrong_before_any_table_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_TABLES", str(tmp_path / "no tables"))
    (tmp_path / "study.toml").write_text(changed("alpha = 0.05", "alfa = 0.05"), "utf-8")
    out = tmp_path / "results.json"
    line = said(tmp_path / "study.toml", monkeypatch, "results", "--out", str(out))
    assert "analysis.alfa is not a setting; write alpha" in line
    assert not out.exists()


def test_without_tables_results_are_one_line_too(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_TABLES", str(tmp_path / "no tables"))
    line = said(REPOSITORY / "study.toml", monkeypatch, "results", "--out", str(tmp_path / "results.json"))
    assert "no tables in" in line


def test_a_process_of_its_own_ends_with_2_and_no_traceback(tmp_path):
    (tmp_path / "study.toml").write_text(changed("[survival]", "[survivl]"), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "analysis", "check"],
        capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"STUDY_SETTINGS": str(tmp_path / "study.toml")},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: study.toml: [survivl] is not a section; write survival\n"


@pytest.mark.slow
def test_nothing_reads_the_settings_when_it_is_imported(tmp_path):
    everything = (
        "import importlib, pkgutil, adapters, analysis\n"
        "for package in (adapters, analysis):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        module.name.endswith('__main__') or importlib.import_module(module.name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", everything],
        capture_output=True, text=True, check=False, timeout=300,
        env=os.environ | {"STUDY_SETTINGS": str(tmp_path / "none.toml"), "STUDY_TABLES": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_two_studies_live_in_one_process(tmp_path):
    (tmp_path / "study.toml").write_text(changed("target_lesions_max = 4", "target_lesions_max = 5"), "utf-8")
    other = load_study(tmp_path / "study.toml")
    limits = [{row.id: row.value for row in criteria_results(study)} for study in (STUDY, other, STUDY)]
    assert [values["crit.targets_max"] for values in limits] == [4, 5, 4]


def test_another_study_leaves_this_one_as_it_is():
    other = STUDY.with_(eligibility={"lu_psma": {"creatinine_max_mg_dl": 1.5}}, psa={"landmark_day": 80})
    assert (other.eligibility.lu_psma.creatinine_max_mg_dl, other.psa.landmark_day) == (1.5, 80)
    assert (STUDY.eligibility.lu_psma.creatinine_max_mg_dl, STUDY.psa.landmark_day) == (2.0, 84)
    assert other.eligibility.sirt == STUDY.eligibility.sirt
    assert STUDY.with_() == STUDY


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"psas": {}}, "[psas] is not a section; write psa"),
        ({"psa": {"landmark": 80}}, "psa.landmark is not a setting; write landmark_day"),
        ({"psa": 80}, "psa is 80, not a section"),
        ({"eligibility": {"sirt": 3}}, "eligibility.sirt is 3, not a section"),
    ],
)
def test_another_study_is_checked_as_a_file_is(changes, message):
    with pytest.raises(SettingsError) as caught:
        STUDY.with_(**changes)
    assert message in str(caught.value)


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(AttributeError):
        STUDY.psa.landmark_day = 80  # type: ignore[misc]
    with pytest.raises(TypeError):
        STUDY.multiplicity.families["all"] = STUDY.multiplicity.families["efficacy"]  # type: ignore[index]


def test_both_halves_know_the_same_sections():
    assert Study.__struct_fields__ == ANALYSIS_SECTIONS


def test_every_section_says_what_it_is_for():
    for field in msgspec.structs.fields(Study):
        assert field.type.__doc__, field.name
