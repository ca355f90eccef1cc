"""Kill pulls and the exchange of a site at random moments: python -m tests.kills [SEED].

24 pulls of a file, 12 of a server, 12 exchanges. After each kill the tables or the site are whole, old or new, and the next
run gives exactly what an undisturbed one gives. Prints one line a kind and ends with 1 if anything was lost.
"""

from __future__ import annotations

import logging
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pytest_httpserver import HTTPServer

from adapters.contract.replace_folder import replace_folder
from adapters.synthetic.demo import write_demo
from tests.support.server.fake_fhir import Fake

EPOCH = {"SOURCE_DATE_EPOCH": "1600000000"}
KILLS = {"file": 24, "server": 12, "site": 12}


def tables(out: Path) -> dict[str, bytes]:
    """What a reader of the tables sees."""
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.parquet"))} if out.is_dir() else {}


def killed(command: list[str], seconds: float, **environment: str) -> bool:
    """Start a command, kill it after so many seconds; True if it was still running."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ | EPOCH | environment)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def pulls(kind: str, source: str, folder: Path, moments: random.Random) -> bool:
    """Kill pulls of a source; True if the tables were whole after each, and exact after the next."""
    pull = [sys.executable, "-m", "adapters", "pull", source, "--out"]
    spool = {"STUDY_SPOOL": str(folder / "spool")}
    begun = time.monotonic()
    subprocess.run(
        [*pull, str(folder / "whole")], check=True, stderr=subprocess.DEVNULL, env=os.environ | EPOCH | spool
    )
    seconds, expected, out = time.monotonic() - begun, tables(folder / "whole"), folder / "out"
    running = whole = 0
    for _ in range(KILLS[kind]):
        running += killed([*pull, str(out)], moments.random() * seconds, **spool)
        whole += tables(out) in ({}, expected)
    done = subprocess.run([*pull, str(out)], check=False, stderr=subprocess.DEVNULL, env=os.environ | EPOCH | spool)
    exact = done.returncode == 0 and tables(out) == expected
    left = len(list(out.glob(".pull-*")))
    print(
        f"{kind}: {KILLS[kind]} pulls, {running} killed while running, {whole} whole; the next exact: {exact}; left: {left}"
    )
    return whole == KILLS[kind] and exact and not left


def sites(folder: Path, moments: random.Random) -> bool:
    """Kill exchanges of a site in a loop; True if a whole one was there after each."""
    live, whole = folder / "html", 0
    new = "import sys, pathlib; from adapters.contract.replace_folder import replace_folder; from tests.kills import made\n"
    loop = (
        new
        + "for n in range(10**6): replace_folder(made(pathlib.Path(sys.argv[1]) / f'n{n}'), pathlib.Path(sys.argv[2]))"
    )
    replace_folder(made(folder / "first"), live)
    for _ in range(KILLS["site"]):
        killed([sys.executable, "-c", loop, str(folder), str(live)], 1.5 + moments.random())
        whole += (live / "index.html").is_file() and (live / "results.json").is_file()
    print(f"site: {KILLS['site']} exchanges killed, {whole} whole")
    return whole == KILLS["site"]


def made(folder: Path) -> Path:
    """A site of two pages."""
    folder.mkdir(exist_ok=True)
    for name in ("index.html", "results.json"):
        (folder / name).write_text("x")
    return folder


def main(seed: int) -> int:
    """Run all kinds; gives the exit code."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    moments, held = random.Random(seed), []
    with tempfile.TemporaryDirectory() as name, HTTPServer(host="127.0.0.1", port=0) as server:
        folder = Path(name)
        write_demo(folder / "demo", dialect="mcode", format="ndjson")
        fake = Fake(base=server.url_for("/fhir"))
        server.expect_request(re.compile("/fhir.*")).respond_with_handler(fake)
        checks: list[tuple[str, Callable[[Path], bool]]] = [
            ("file", lambda own: pulls("file", str(folder / "demo"), own, moments)),
            ("server", lambda own: pulls("server", fake.base, own, moments)),
            ("site", lambda own: sites(own, moments)),
        ]
        for kind, check in checks:
            (folder / kind).mkdir()
            held.append(check(folder / kind))
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
