"""How fast the view runner is, and how much memory it takes, each figure beside its target.

Everything is measured in one run on the default path: decimals exact, type checks on, every line of the type the
view reads. Rates are medians over rounds in which the contestants take turns; ratios are of medians. What runs in
one process is timed in its CPU seconds, so that other work on the machine does not count; whole files, several
processes and start-up are timed by the wall clock, with the CPU seconds beside it. Run by `make bench`; `--observations` and
`--file-observations` make it smaller.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
from parts.observations import COMPONENTS, LAB, NESTED, UNION, write_observations
from parts.processes import Usage, watched

from adapters.sql_on_fhir import compile_view
from adapters.sql_on_fhir.files.blocks import blocks
from adapters.sql_on_fhir.files.lines import LineReader

SLOW_SAMPLE = 2000
ROWS = 50_000
SQLONFHIR = "sqlonfhir==0.0.2"
HERE = Path(__file__).parent


def show(name: str, figure: float, target: float | None = None, unit: str = "", more: bool = True) -> None:
    """One line of the report: figure, target, verdict."""
    verdict = ""
    if target is not None:
        met = figure >= target if more else figure <= target
        verdict = f"   target {'>=' if more else '<='} {target:g}{unit}: {'met' if met else 'NOT MET'}"
    sys.stdout.write(f"{name:<68} {figure:>10.2f}{unit}{verdict}\n")
    sys.stdout.flush()


def medians(contestants: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each, taking turns."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            start = time.process_time()
            run()
            times[name].append(time.process_time() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def by_orjson(lines: Sequence[bytes]) -> None:
    for line in lines:
        orjson.loads(line)


def by_lines(view: dict[str, Any], whole: Sequence[bytes]) -> None:
    """The rows of a view from NDJSON, as the command line reads it."""
    reader = LineReader([compile_view(view)])
    for block in whole:
        reader.block(block)
        if len(reader.rows[0]) > ROWS:
            reader.rows[0].clear()
    if reader.tally.unreadable or reader.tally.findings:
        raise SystemExit("the benchmark's own Observations gave findings")


def by_dicts(view: dict[str, Any], lines: Sequence[bytes]) -> None:
    """The rows of a view through `compile_view(view).rows(...)` on what orjson reads."""
    for _ in compile_view(view).rows(map(orjson.loads, lines)):
        pass


def one_process(lines: Sequence[bytes], rounds: int) -> None:
    whole = list(blocks(io.BytesIO(b"\n".join(lines))))
    contestants: dict[str, Callable[[], object]] = {"orjson": lambda: by_orjson(lines)}
    views = {view["name"]: view for view in (LAB, COMPONENTS, NESTED, UNION)}
    for name, view in views.items():
        contestants[name] = lambda view=view: by_lines(view, whole)  # type: ignore[misc]
    contestants["lab by dicts"] = lambda: by_dicts(LAB, lines)
    found = medians(contestants, rounds)
    show("orjson.loads, thousand Observations a second", len(lines) / found["orjson"] / 1000)
    for name in views:
        show(f"  {name}, thousand Observations a second", len(lines) / found[name] / 1000)
        show(f"  {name}, of orjson.loads", found["orjson"] / found[name], 0.5 if name == "lab" else 0.3)
    show("  lab through rows() on dicts, orjson.loads included", found["orjson"] / found["lab by dicts"])
    slow_libraries(lines, len(lines) / found["lab"], rounds)


def slow_libraries(lines: Sequence[bytes], own_rate: float, rounds: int) -> None:
    """sqlonfhir and fhirpathpy on a sample, their expressions parsed before the clock starts."""
    sample = [orjson.loads(line) for line in lines[:SLOW_SAMPLE]]
    rate = len(sample) / medians({"fhirpathpy": fhirpathpy_rows(sample)}, min(rounds, 3))["fhirpathpy"]
    show("fhirpathpy, thousand Observations a second", rate / 1000)
    show("  lab, times fhirpathpy", own_rate / rate, 30)
    other = sqlonfhir_rate(lines[:SLOW_SAMPLE])
    if other is None:
        sys.stdout.write(f"{SQLONFHIR}: not there and not to be had, comparison skipped\n")
        return
    show("sqlonfhir 0.0.2, thousand Observations a second", other / 1000)
    show("  lab, times sqlonfhir", own_rate / other, 30)


def fhirpathpy_rows(sample: list[dict[str, Any]]) -> Callable[[], object]:
    """The six columns by fhirpathpy's own functions."""
    import fhirpathpy
    from fhirpathpy.models import models

    columns = [column["path"] for column in LAB["select"][0]["column"]]
    paths = [
        path.replace("getResourceKey()", "id").replace("getReferenceKey(Patient)", "reference") for path in columns
    ]
    compiled = [fhirpathpy.compile(path, models["r4"]) for path in paths]

    def run() -> None:
        for resource in sample:
            for path in compiled:
                path(resource, {})

    return run


SQLONFHIR_CLOCK = """
import json, sys, time
from sqlonfhir import sqlonfhir
task = json.load(sys.stdin)
view = sqlonfhir.normalize(task["view"])
resources = [json.loads(line) for line in task["lines"]]
evaluator = sqlonfhir.ViewDefinitionEvaluator()
evaluator.call_fn(view, resources[0], task["view"])
start = time.process_time()
for resource in resources:
    evaluator.call_fn(view, resource, task["view"])
print(len(resources) / (time.process_time() - start))
"""


def sqlonfhir_rate(lines: Sequence[bytes]) -> float | None:
    """Observations a second in an environment of its own, since it holds fhirpathpy at an older version."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "bin" / "python"
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)  # noqa: S603 - own interpreter
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", SQLONFHIR]
            subprocess.run(install, check=True, capture_output=True, timeout=180)  # noqa: S603 - as above
            task = json.dumps({"view": LAB, "lines": [line.decode() for line in lines]})
            done = subprocess.run(  # noqa: S603 - as above
                [str(python), "-c", SQLONFHIR_CLOCK], input=task, check=True, capture_output=True, text=True
            )
        except (subprocess.SubprocessError, OSError):
            return None
        return float(done.stdout)


def whole_files(small: Path, large: Path, count: int, rounds: int) -> None:
    """From file to Parquet: two processes against one, the command line against bare orjson.loads, memory."""
    definition = large.with_name("lab.json")
    definition.write_text(json.dumps(LAB))
    lines = large.read_bytes().splitlines()
    found: dict[str, list[Usage]] = {name: [] for name in ("orjson", "one", "two", "command")}
    for _ in range(rounds):
        found["orjson"].append(by_orjson_clocked(lines))
        found["one"].append(watched(once([large], 1), HERE))
        found["two"].append(watched(once([large], 2), HERE))
        found["command"].append(watched(command(definition, large), HERE.parent))
    del lines
    wall = {name: statistics.median(run.seconds for run in runs) for name, runs in found.items()}
    cpu = {name: statistics.median(run.cpu_seconds for run in runs) for name, runs in found.items()}
    show(f"orjson.loads over {count} lines, seconds", wall["orjson"])
    for name, words in (("one", "one process"), ("two", "two processes")):
        show(f"  to Parquet with {words}, start-up included, seconds", wall[name])
        show(f"  to Parquet with {words}, CPU seconds in all", cpu[name])
    share = statistics.median(run.first_cpu_seconds / run.cpu_seconds for run in found["two"])
    show("  share of the process that writes in the CPU seconds of two", share)
    show("  two processes, times one", wall["one"] / wall["two"], 1.6)
    show("  python -m adapters view to Parquet, of orjson.loads", wall["orjson"] / wall["command"], 0.4)
    show("  the same by CPU seconds, were they spread over two free cores", 2 * cpu["orjson"] / cpu["command"])
    for sources in ([small], [large] * max(1, round(2e9 / large.stat().st_size))):
        for processes in (1, 2):
            peak = watched(once(sources, processes), HERE, memory=True).peak_megabytes
            size = sum(path.stat().st_size for path in sources) / 1e9
            name = f"  peak memory, {size:.1f} GB, {processes} process{'es in sum' if processes > 1 else ''}"
            show(name, peak, 300, " MB", more=False)


def by_orjson_clocked(lines: Sequence[bytes]) -> Usage:
    start, cpu = time.perf_counter(), time.process_time()
    by_orjson(lines)
    seconds = time.process_time() - cpu
    return Usage(time.perf_counter() - start, seconds, seconds, 0)


def once(sources: Sequence[Path], processes: int) -> list[str]:
    """The command for one run of the lab view to Parquet in a process of its own."""
    program = (
        "import sys\nfrom parts.observations import LAB\nfrom adapters.sql_on_fhir.files.stream import run_views\n"
        "if sys.argv[2] == '1':\n"  # as the command line does
        "    from adapters.sql_on_fhir.files.arrow import leave_pandas_out\n    leave_pandas_out()\n"
        "run_views([LAB], sys.argv[3:], out=sys.argv[1], format='parquet', processes=int(sys.argv[2]))\n"
    )
    target = sources[0].with_name("rows.parquet")
    return [sys.executable, "-c", program, str(target), str(processes), *map(str, sources)]


def command(definition: Path, source: Path) -> list[str]:
    out = ["--format", "parquet", "--out", str(source.with_name("command.parquet"))]
    return [sys.executable, "-m", "adapters", "view", str(definition), str(source), *out]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--observations", type=int, default=200_000, help="in memory, for one process")
    parser.add_argument("--file-observations", type=int, default=1_000_000, help="in a file, for the rest")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sys.stdout.write(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory() as name:
        small, large = Path(name) / "small.ndjson", Path(name) / "large.ndjson"
        write_observations(small, options.observations)
        one_process(small.read_bytes().splitlines(), options.rounds)
        write_observations(large, options.file_observations)
        whole_files(small, large, options.file_observations, min(options.rounds, 3))


if __name__ == "__main__":
    main()
