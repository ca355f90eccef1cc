"""study.toml as the adapters read it: what is wrong is named, and what is left out has its default."""

from __future__ import annotations

from datetime import date

import pytest

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
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path, text, named):
    with pytest.raises(InputError, match=named) as caught:
        from_text(tmp_path, text)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ['data_cutoff = "2019-12-31"', "data_cutoff = 2019-12-31"])
def test_the_data_cutoff_is_a_date(tmp_path, text):
    assert from_text(tmp_path, f"[time]\n{text}").time.data_cutoff == date(2019, 12, 31)


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


@pytest.mark.parametrize(("cohort", "everyone"), [(None, False), ("all", True), ("lu_psma", False)])
def test_the_call_may_choose_the_cohort(cohort, everyone):
    assert chosen_settings(None, cohort).cohort.everyone is everyone


def test_a_cohort_that_no_code_list_knows_is_an_error():
    with pytest.raises(InputError, match="cohort"):
        chosen_settings(None, "lu-psma")
