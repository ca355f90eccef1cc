"""A pull that is killed (SIGKILL) again and again and started again: same tables, no finished part asked for twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs

import pandas as pd
import pytest
from werkzeug import Request

from adapters import load_tables
from adapters.contract import TABLES
from tests.support.server.fake_fhir import Fake

PARTS = 12  # four types about each of three patients, by chunks of one
LONGEST_SECONDS = 300
HEARD_SECONDS = 0.5
INTERRUPTED = 130
# a command that a shell runs in the background is deaf to it, and hands that on
HEARS_CTRL_C = """import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from adapters.__main__ import main
main()"""


def started(fake: Fake, folder: Path, out: str, parallel: int, token: str) -> subprocess.Popen[str]:
    """`pull` in a process of its own; the token tells the server's log which run asks."""
    config = folder / "server.toml"
    config.write_text(f"chunk_size = 1\nparallel = {parallel}\n")
    command = [sys.executable, "-c", HEARS_CTRL_C, "pull", fake.base, "--out", str(folder / out)]
    environment = os.environ | {"STUDY_SPOOL": str(folder / f"spool-{out}"), "FHIR_TOKEN": token}
    return subprocess.Popen(
        [*command, "--server-config", str(config)], stderr=subprocess.PIPE, text=True, env=environment
    )


def pulled(fake: Fake, folder: Path, out: str, parallel: int, token: str) -> dict[str, pd.DataFrame]:
    process = started(fake, folder, out, parallel, token)
    _, told = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 0, told
    return dict(load_tables(folder / out).items())


def parts(fake: Fake, token: str) -> list[str]:
    """The parts that a run asked for, in order: type, patient and codes, whatever it counted beside."""
    found = []
    for asked_with, path, body in list(fake.searches):
        form = parse_qs(body)
        if asked_with == f"Bearer {token}" and "_summary" not in form and "patient" in form:
            found.append(f"{path} {form['patient'][0]}")
    return found


def killed(fake: Fake, folder: Path, parallel: int, token: str, at: int, by: int = signal.SIGKILL) -> str:
    """Start a pull, and kill it when it has asked for its at-th part and before that is answered; gives what it told."""
    reached, dead = threading.Event(), threading.Event()

    def hold(server: Fake, _request: Request, _number: int) -> None:
        if len(parts(server, token)) >= at:
            reached.set()
            dead.wait(LONGEST_SECONDS)

    fake.before = hold
    process = started(fake, folder, "killed", parallel, token)
    while not reached.wait(1):
        assert process.poll() is None, "the pull ended before it was killed"
    process.send_signal(by)
    if by == signal.SIGKILL:
        process.wait(LONGEST_SECONDS)
    else:
        time.sleep(HEARD_SECONDS)  # it waits for the answer that is under way
    fake.before = None
    dead.set()
    _, told = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == (-by if by == signal.SIGKILL else INTERRUPTED)
    assert not (folder / "killed").exists(), "no tables of a pull that did not end"
    return told


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [1, 3])
def test_killed_three_times_and_started_again(parallel, fake: Fake, tmp_path: Path):
    undisturbed = pulled(fake, tmp_path, "undisturbed", parallel, "whole")
    whole = parts(fake, "whole")
    assert len(whole) == len(set(whole)) == PARTS
    for number in range(3):
        killed(fake, tmp_path, parallel, f"run{number}", at=parallel + 1)  # each run finishes 1 to `parallel` parts

    again = pulled(fake, tmp_path, "killed", parallel, "last")
    for name in TABLES:
        pd.testing.assert_frame_equal(again[name], undisturbed[name], obj=name)
    runs = [parts(fake, token) for token in ("run0", "run1", "run2", "last")]
    assert set().union(*runs) == set(whole)
    for earlier, run in enumerate(runs[:-1]):
        later = {part for other in runs[earlier + 1 :] for part in other}
        assert len(set(run) & later) <= parallel, "only what was under way is asked for again"
    assert len(runs[-1]) < PARTS
    if parallel == 1:  # one after the other: all but the last one of a run were finished
        assert all(set(run[:-1]).isdisjoint(other) for n, run in enumerate(runs) for other in runs[n + 1 :])
    assert not [path for path in (tmp_path / "spool-killed").rglob("*") if path.is_file()]


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [1, 3])
def test_ctrl_c_ends_a_pull_after_what_is_under_way(parallel, fake: Fake, tmp_path: Path):
    told = killed(fake, tmp_path, parallel, "first", at=parallel, by=signal.SIGINT)
    assert told.count("interrupted; the last tables are untouched") == 1
    assert "Traceback" not in told
    asked = parts(fake, "first")
    assert len(asked) == parallel, "no other part is begun"
    pulled(fake, tmp_path, "killed", parallel, "second")
    assert set(asked).isdisjoint(parts(fake, "second")), "and what was under way is kept"
