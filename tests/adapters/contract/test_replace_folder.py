"""There is a whole folder at every moment: the old one or the new one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from adapters.contract import replace_folder as module
from adapters.contract.replace_folder import recover, replace_folder
from tests.support.paths import REPOSITORY


def site(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("index.html", "results.json"):
        (folder / name).write_text(text)
    return folder


def shown(live: Path) -> set[str]:
    return {path.read_text() for path in live.iterdir()}


@pytest.mark.parametrize("can_exchange", [True, False])
def test_the_new_folder_takes_the_place(tmp_path, monkeypatch, can_exchange):
    if not can_exchange:
        monkeypatch.setattr(module, "_system_call", lambda: None)
    live = site(tmp_path / "html", "old")
    replace_folder(site(tmp_path / "new", "new"), live)
    assert shown(live) == {"new"}
    assert [path.name for path in tmp_path.iterdir()] == ["html"]


def test_the_first_folder_needs_no_old_one(tmp_path):
    replace_folder(site(tmp_path / "new", "new"), tmp_path / "html")
    assert shown(tmp_path / "html") == {"new"}


def test_there_is_no_moment_without_a_folder(tmp_path):
    live, missing, stop = site(tmp_path / "html", "0"), [], threading.Event()

    def look() -> None:
        while not stop.is_set():
            if not (live / "index.html").exists():
                missing.append(1)

    watching = threading.Thread(target=look)
    watching.start()
    for number in range(200):
        replace_folder(site(tmp_path / f"new{number}", str(number)), live)
    stop.set()
    watching.join()
    assert not missing


def test_what_was_moved_aside_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_system_call", lambda: None)
    site(tmp_path / "html.last", "old")  # as a process leaves it that ended between two renames
    recover(tmp_path / "html")
    assert shown(tmp_path / "html") == {"old"}
    with pytest.raises(OSError, match="No such file"):
        replace_folder(tmp_path / "missing", tmp_path / "html")
    assert shown(tmp_path / "html") == {"old"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_a_kill_in_the_swap_leaves_a_whole_folder(tmp_path, seed):
    live = site(tmp_path / "html", "old")
    program = (
        "import sys\nfrom pathlib import Path\nfrom adapters.contract.replace_folder import replace_folder\n"
        "from tests.adapters.contract.test_replace_folder import site\nprint(1, flush=True)\n"
        "for n in range(10**6): replace_folder(site(Path(sys.argv[1]) / f'new{n}', str(n)), Path(sys.argv[2]))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), str(live)], cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(random.Random(seed).random() / 2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert len(shown(live)) == 1
    assert {path.name for path in live.iterdir()} == {"index.html", "results.json"}
    replace_folder(site(tmp_path / "next", "next"), live)
    assert shown(live) == {"next"}
