"""What a command and all its processes take together: seconds by the clock, CPU seconds, and the peak of memory."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
PAUSE_SECONDS = 0.05
TICKS = os.sysconf("SC_CLK_TCK")
SESSION, USER, SYSTEM = 3, 11, 12  # fields of /proc/PID/stat after the name


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run took; `cpu_seconds` may miss what a process did after it was last looked at, 0.05 s at most."""

    seconds: float
    cpu_seconds: float
    first_cpu_seconds: float  # of the process that was started, without those it started
    peak_megabytes: float


def watched(command: Sequence[str], folder: Path, *, memory: bool = False) -> Usage:
    """Run the command in `folder` and watch its processes (Linux); memory only if asked, for looking costs time."""
    peak, cpu = 0, {}
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, start_new_session=True, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - the benchmark's own
        while process.poll() is None:
            found = family(process.pid)
            cpu |= found
            peak = max(peak, sum(map(held, found))) if memory else 0
            time.sleep(PAUSE_SECONDS)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command))
    return Usage(seconds, sum(cpu.values()), cpu.get(process.pid, 0.0), peak / 1000)


def family(session: int) -> dict[int, float]:
    """All processes of the session that the command leads, with their CPU seconds."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            if int(fields[SESSION]) == session:
                found[int(entry.name)] = (int(fields[USER]) + int(fields[SYSTEM])) / TICKS
    return found


def held(pid: int) -> int:
    """Kilobytes of one process, pages shared with others counted in part."""
    try:
        found = PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0
