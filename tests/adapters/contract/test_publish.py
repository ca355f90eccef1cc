"""Tables appear all at once or not at all, whatever happens to the pull."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.contract.publish import publish
from adapters.errors import InputError
from tests.support.paths import REPOSITORY


def fill(text: str):
    """Write two tables and a manifest that hold `text`."""

    def write(folder: Path) -> str:
        for name in ("patients.parquet", "lesions.parquet", "manifest.json"):
            (folder / name).write_text(text)
        return f"stamp{text}"

    return write


def fail(folder: Path) -> str:
    """Write half of the tables, then fail as a full disk does."""
    (folder / "patients.parquet").write_text("half")
    raise OSError(28, "No space left on device")


def shown(out: Path) -> dict[str, str]:
    """What a reader of OUT sees."""
    return {p.name: p.read_text() for p in sorted(out.iterdir()) if p.is_file() and not p.name.startswith(".")}


ALL = ("lesions.parquet", "manifest.json", "patients.parquet")


@pytest.mark.parametrize("name", ["out", "current", "a/b/out"])
def test_the_first_pull_shows_all_files(tmp_path, name):
    publish(tmp_path / name, fill("1"))
    assert shown(tmp_path / name) == dict.fromkeys(ALL, "1")


@pytest.mark.parametrize("name", ["out", "current"])
def test_the_next_pull_replaces_all_files(tmp_path, name):
    for text in "123":
        publish(tmp_path / name, fill(text))
        assert shown(tmp_path / name) == dict.fromkeys(ALL, text)


@pytest.mark.parametrize("name", ["out", "current"])
def test_a_failed_pull_leaves_the_last_tables(tmp_path, name):
    publish(tmp_path / name, fill("1"))
    before = sorted(str(p) for p in tmp_path.rglob("*"))
    with pytest.raises(OSError, match="No space"):
        publish(tmp_path / name, fail)
    assert shown(tmp_path / name) == dict.fromkeys(ALL, "1")
    assert sorted(str(p) for p in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["out", "data/out", "data/current"])
def test_a_failed_first_pull_leaves_nothing(tmp_path, name):
    with pytest.raises(OSError, match="No space"):
        publish(tmp_path / name, fail)
    assert not list(tmp_path.rglob("*.parquet"))
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["out", "current"])
def test_only_the_last_two_sets_are_kept(tmp_path, name):
    for text in "12345":
        publish(tmp_path / name, fill(text))
    store = tmp_path / name if name == "out" else tmp_path
    assert len([p for p in store.glob("tables-*") if p.is_dir()]) == 2


def test_a_reader_of_the_last_set_keeps_it(tmp_path):
    publish(tmp_path / "current", fill("1"))
    reading = (tmp_path / "current").resolve()
    publish(tmp_path / "current", fill("2"))
    assert shown(reading) == dict.fromkeys(ALL, "1")


def test_files_of_others_in_the_folder_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    publish(tmp_path, fill("1"))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_link_is_switched_beside_its_target(tmp_path):
    (tmp_path / "store").mkdir()
    publish(tmp_path / "store" / "current", fill("1"))
    link = tmp_path / "store" / "other"
    link.symlink_to("nowhere")
    publish(link, fill("2"))
    assert shown(link) == dict.fromkeys(ALL, "2")
    assert shown(tmp_path / "store" / "current") == dict.fromkeys(ALL, "1")


def test_a_file_in_the_way_is_an_error(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        publish(tmp_path / "out", fill("1"))


KILLED = """
import os, signal, sys
from pathlib import Path
from adapters.contract import publish
from tests_fill import fill
moment = sys.argv[2]
def fatal(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if moment == "writing":
    def dying(folder):
        (folder / "patients.parquet").write_text("half")
        fatal()
    publish.publish(Path(sys.argv[1]), dying)
else:
    setattr(publish, moment, fatal)
    publish.publish(Path(sys.argv[1]), fill)
"""


@pytest.mark.parametrize("moment", ["writing", "_link_files", "_switch", "_forget"])
@pytest.mark.parametrize("earlier", [False, True], ids=["first pull", "later pull"])
def test_a_killed_pull_shows_the_old_tables_or_the_new_ones_but_no_mixture(tmp_path, moment, earlier):
    (tmp_path / "tests_fill.py").write_text(
        "def fill(folder):\n"
        "    for name in ('patients.parquet', 'lesions.parquet', 'manifest.json'):\n"
        "        (folder / name).write_text('2')\n"
        "    return 'stamp2'\n"
    )
    out = tmp_path / "out"
    if earlier:
        publish(out, fill("1"))
    search = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(out), moment], env=os.environ | {"PYTHONPATH": search}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    expected = {"_forget": "2"}.get(moment, "1" if earlier else "")
    assert (shown(out) if out.exists() else {}) == (dict.fromkeys(ALL, expected) if expected else {})
    publish(out, fill("3"))
    assert shown(out) == dict.fromkeys(ALL, "3")
    assert not [p for p in out.iterdir() if p.name.startswith(".pull")]
