"""What was fetched lies on disk: private, for one pull at a time, whole or an error, and gone afterwards."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from adapters.errors import IncompleteError, InputError
from adapters.sources.spool.spool import REPOSITORY, Spool
from tests.support.server.fake_fhir import PSA, observation, spool_files
from tests.support.server.resume_support import interrupted, keys, spool_folder


def test_two_pulls_of_one_question_do_not_meet(fake, opened):
    first = opened()
    keys(first)
    asked = sum(fake.hits.values())
    with pytest.raises(InputError, match="another pull of this question is running"):
        keys(opened())
    assert sum(fake.hits.values()) == asked, "nothing is asked"
    first.finished()
    assert len(keys(opened())) == 15


def test_a_part_that_vanishes_is_an_error_and_no_shorter_answer(opened, tmp_path):
    source = opened()
    keys(source)
    next(spool_folder(tmp_path).glob("Observation-*.ndjson")).unlink()
    with pytest.raises(IncompleteError, match="gone or damaged"):
        keys(source)


@pytest.mark.parametrize("kept", [0, 1, 1.5])
def test_a_part_that_was_cut_is_an_error(kept, fake, opened, tmp_path):
    interrupted(fake, opened, at="Procedure")
    part = max(spool_folder(tmp_path).glob("Observation-*.ndjson"), key=lambda path: path.stat().st_size)
    lines = part.read_text().splitlines(keepends=True)
    assert len(lines) > 2
    part.write_text("".join(lines[: int(kept)]) + (lines[1][:20] if kept == 1.5 else ""))
    with pytest.raises(IncompleteError, match="gone or damaged"):
        keys(opened(counts=False))
    assert len(keys(opened(counts=False))) == 15


def test_only_what_this_pull_asked_for_is_read(fake, opened, tmp_path):
    interrupted(fake, opened)
    spool = Spool(spool_folder(tmp_path))
    spool.keep("Observation of-other-codes", "Observation-other", [observation(99, "a", PSA)], verified=True)
    spool.release()
    assert "Observation/o99" not in keys(opened(counts=False))


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


def test_raw_resources_are_refused_in_the_repository():
    with pytest.raises(InputError, match="never kept in the repository"):
        Spool(REPOSITORY / "data" / "spool")


def test_the_spool_lies_where_the_environment_says(monkeypatch, tmp_path):
    from adapters.sources.spool.spool import default_root

    monkeypatch.setenv("STUDY_SPOOL", str(tmp_path / "here"))
    assert default_root() == tmp_path / "here"
    monkeypatch.delenv("STUDY_SPOOL")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_root() == Path(tmp_path) / "radionuclide-study"
