"""What was fetched lies on disk: private, for one pull at a time, whole or an error, and gone afterwards."""

from __future__ import annotations

import stat
from collections.abc import Callable
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
def test_a_part_that_was_cut_is_fetched_again(kept, fake, opened, tmp_path):
    interrupted(fake, opened, at="Procedure")
    part = max(spool_folder(tmp_path).glob("Observation-*.ndjson"), key=lambda path: path.stat().st_size)
    lines = part.read_text().splitlines(keepends=True)
    assert len(lines) > 2
    part.write_text("".join(lines[: int(kept)]) + (lines[1][:20] if kept == 1.5 else ""))
    before = fake.hits["Observation/_search"]
    assert len(keys(opened(counts=False))) == 15
    assert fake.hits["Observation/_search"] > before


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def change(pattern: str, old: bytes, new: bytes) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        for path in folder.glob(pattern):
            assert old in path.read_bytes()
            path.write_bytes(path.read_bytes().replace(old, new))

    return damage


def append(content: bytes) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        with (folder / "done.jsonl").open("ab") as file:
            file.write(content)

    return damage


def a_folder_for(name: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).mkdir()
        (folder / name / "x").write_text("x")

    return damage


def emptied(folder: Path) -> None:
    for path in folder.glob("Observation-*.ndjson"):
        path.write_bytes(b"")


def gone(folder: Path) -> None:
    for path in folder.glob("Patient-*.ndjson"):
        path.unlink()


DAMAGE: dict[str, Callable[[Path], object]] = {
    **{f"done: {line[:12]!r}": append(b"\n" + line + b"\n") for line in (
        b"123", b"{}", b"[]", b"null", b'"x"', b"\xff\xfe", b"\x00", b"[" * 5000, b'{"part": 1}',
        b'{"part": "Patient x", "file": "../../x.ndjson", "resources": 1, "sha256": ""}',
        b'{"part": "Patient x", "file": "done.jsonl", "resources": 1, "sha256": ""}',
        b'{"part": "Patient x", "file": "Patient-x.ndjson", "resources": -1, "sha256": ""}',
        b'{"part": "Patient x", "file": ["a"], "resources": 1, "sha256": "", "counts": 7}')},
    **{f"{name}: {text!r}": write(f"{name}.json", text) for name in ("started", "chunks", "status", "abandoned")
       for text in (b"[1]", b"", b"\xff", b"123", b'"soon"', b"{}", b"[[1]]", b"null")},
    "done: empty": write("done.jsonl", b""),
    "done: zeros": write("done.jsonl", bytes(4096)),
    "a value altered, as many lines": change("Observation-*.ndjson", b"2016-05-03", b"2061-05-03"),
    "counts altered": change("done.jsonl", b'"pages"', b'"leaves"'),
    "a part emptied": emptied,
    "a part gone": gone,
    "a folder for done": a_folder_for("done.jsonl"),
    "a folder for a note": a_folder_for("started.json"),
    "a folder for a part": a_folder_for("Patient-x.ndjson"),
    "a link": lambda folder: (folder / "download.part").symlink_to("/dev/null"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_spool_heals_in_the_next_pull(case, fake, opened, tmp_path):
    interrupted(fake, opened, at="Procedure")
    DAMAGE[case](spool_folder(tmp_path))
    source = opened(counts=False)
    found = {f"{read.resource['resourceType']}/{read.resource['id']}": read.resource for read in source.read()}
    assert len(found) == 15
    assert "2061" not in str(found)


def test_what_cannot_be_used_is_named_with_its_remedy(fake, opened, tmp_path):
    interrupted(fake, opened)
    folder = spool_folder(tmp_path)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("a file instead of the folder")
    with pytest.raises(InputError, match="remove it") as caught:
        keys(opened())
    assert str(folder) in str(caught.value)


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
