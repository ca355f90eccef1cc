"""Our pull from a real server beside FHIR-PYrate 0.2.6: requests, bytes and seconds for the same resources in one run.

HAPI FHIR serves the demo cohort and 180 patients drawn from it. Each contestant runs in its own process, FHIR-PYrate in
its own environment from the package index; a relay counts for both alike; rounds take turns, after one that is not
counted. Neither filters by code: the embedded H2 store takes minutes for a search by 67 codes, whoever asks.

Run by `make bench-server`; FHIR_TEST_BASE names another server, which should be empty. What is missing is said.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from relay import Relay

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from adapters.synthetic.demo import write_demo  # noqa: E402
from tests.support.server import hapi  # noqa: E402 - the server of the tests

PEER = "fhir-pyrate==0.2.6"
TYPES = ["Patient", "BodyStructure", "Condition", "MedicationAdministration", "MedicationStatement", "Observation",
         "Procedure"]  # fmt: skip
COUNT, PARALLEL = 1000, 4
FASTER_THAN_DEFAULTS = 3.0
OURS, UNCOUNTED, EQUAL, CHUNKED, DEFAULTS = (
    "ours, verified by counts",
    "ours, without counts",
    f"FHIR-PYrate, _count={COUNT}, {PARALLEL} processes",
    "  the same, 25 patients a search",
    "FHIR-PYrate, its defaults",
)
OUR_JOBS: dict[str, dict[str, Any]] = {
    OURS: {"count": COUNT, "parallel": PARALLEL, "counts": True},
    UNCOUNTED: {"count": COUNT, "parallel": PARALLEL, "counts": False},
}
PEER_JOBS: dict[str, dict[str, Any]] = {
    EQUAL: {"count": COUNT, "parallel": PARALLEL, "patients_a_row": 1},
    CHUNKED: {"count": COUNT, "parallel": PARALLEL, "patients_a_row": 25},
    DEFAULTS: {"count": None, "parallel": 1, "patients_a_row": 1},
}


@dataclass
class Figures:
    """What the rounds of one contestant gave."""

    seconds: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def median_seconds(self) -> float:
        return statistics.median(self.seconds)

    @property
    def median_requests(self) -> float:
        return statistics.median(self.requests)


class Worker:
    """A contestant in a process of its own: a job in, an answer out."""

    def __init__(self, python: Path | str, script: str, base: str) -> None:
        command = [str(python), str(HERE / script), base]
        self.told = tempfile.TemporaryFile("w+")  # noqa: SIM115 - a pipe that nobody reads would block progress bars
        self.process = subprocess.Popen(  # noqa: S603 - our own scripts
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.told, text=True
        )

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None  # noqa: S101 - for the type checker
        assert self.process.stdout is not None  # noqa: S101 - for the type checker
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.told.seek(0)
            raise RuntimeError(self.told.read()[-1000:])
        return json.loads(line)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.told.close()


def peer_python(folder: Path) -> Path | str:
    """Python of an environment with FHIR-PYrate, or the reason why there is none."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - pip of that environment
    return python if done.returncode == 0 else f"{PEER} could not be installed: {done.stderr.strip().splitlines()[-1]}"


def compare(name: str, workers: dict[str, Worker], relay: Relay, patients: list[str], rounds: int) -> None:
    """Run all contestants in turns and print their figures."""
    common = {"patients": sorted(patients), "types": TYPES}
    jobs = {what: ("ours", job) for what, job in OUR_JOBS.items()}
    if "peer" in workers:
        jobs |= {what: ("peer", job) for what, job in PEER_JOBS.items()}
    figures = {what: Figures() for what in jobs}
    for turn in range(rounds + 1):
        for what, (worker, job) in jobs.items():
            relay.reset()
            answer = workers[worker].run(common | job)
            requests, received = relay.reset()
            sys.stderr.write(f"round {turn} of {rounds}: {what}: {requests} requests, {answer['seconds']:.1f} s\n")
            one = figures[what]
            one.keys = answer["keys"]
            if turn:  # the first one warms the server
                one.seconds.append(answer["seconds"])
                one.requests.append(requests)
                one.received.append(received)
    show(name, figures)


def show(name: str, figures: dict[str, Figures]) -> None:
    """One line a contestant, then the targets beside what was measured."""
    expected = figures[OURS].keys
    sys.stdout.write(f"{name}: {len(expected):,} resources\n")
    sys.stdout.write(f"  {'':<40} {'requests':>9} {'MB':>7} {'median s':>9} {'least':>7} {'most':>7}\n")
    for what, one in figures.items():
        same = "" if one.keys == expected else f"  OTHER RESOURCES: {len(one.keys):,}"
        megabytes = statistics.median(one.received) / 1e6
        sys.stdout.write(
            f"  {what:<40} {one.median_requests:>9,.0f} {megabytes:>7.2f} {one.median_seconds:>9.2f} "
            f"{min(one.seconds):>7.2f} {max(one.seconds):>7.2f}{same}\n"
        )
    ours = figures[OURS]
    if EQUAL in figures:
        equal, defaults = figures[EQUAL], figures[DEFAULTS]
        target("requests, of theirs at equal _count", ours.median_requests / equal.median_requests, 1.0, most=True)
        target("seconds, of theirs at equal _count", ours.median_seconds / equal.median_seconds, 1.0, most=True)
        target("times as fast as its defaults", defaults.median_seconds / ours.median_seconds, FASTER_THAN_DEFAULTS)
    sys.stdout.flush()


def target(what: str, value: float, wanted: float, *, most: bool = False) -> None:
    met = value <= wanted if most else value >= wanted
    sign = "<=" if most else ">="
    sys.stdout.write(f"  {what:<40} {value:>9.2f}  (target {sign} {wanted:g}: {'met' if met else 'not met'})\n")


@contextmanager
def relayed(base: str) -> Iterator[tuple[Relay, str]]:
    """A relay before the server, and the base address through it."""
    parts = urlsplit(base)
    relay = Relay(parts.hostname or "localhost", parts.port or 80)
    try:
        yield relay, f"http://localhost:{relay.port}{parts.path.rstrip('/')}"
    finally:
        relay.close()


def bench(folder: Path, rounds: int, sizes: list[int], loaded: bool, python: Path | str) -> None:
    """Start the server, load each cohort, and compare."""
    with hapi.served(folder) as base, relayed(base) as (relay, through):
        workers = {"ours": Worker(sys.executable, "ours.py", through)}
        if isinstance(python, Path):
            workers["peer"] = Worker(python, "pyrate.py", through)
        else:
            sys.stdout.write(f"FHIR-PYrate is left out: {python}\n")
        try:
            for size in sizes:
                cohort = folder / f"cohort-{size}"
                write_demo(cohort, form="ndjson", patients=size or None)
                patients = hapi.patient_ids(cohort) if loaded else hapi.load(base, cohort)
                name = f"{size} patients" if size else "the demo"
                compare(f"{name} ({len(patients)} Patient resources)", workers, relay, patients, rounds)
        finally:
            for worker in workers.values():
                worker.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--patients", type=int, nargs="+", default=[0, 180], help="sizes of cohorts; 0 is the demo")
    parser.add_argument("--loaded", action="store_true", help="FHIR_TEST_BASE holds these cohorts already")
    parser.add_argument("--peer", help="Python of an environment that holds FHIR-PYrate already")
    options = parser.parse_args()
    sys.stdout.write(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory() as folder:
        try:
            peer = Path(options.peer) if options.peer else peer_python(Path(folder) / "peer")
            bench(Path(folder), options.rounds, options.patients, options.loaded, peer)
        except hapi.NoServerError as error:
            sys.stdout.write(f"not run: {error}\n")


if __name__ == "__main__":
    main()
