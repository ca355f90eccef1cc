"""The peak of the memory that a command and all its processes hold together."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
PAUSE_SECONDS = 0.05


def peak_megabytes(command: Sequence[str]) -> float:
    """Run the command and watch the sum of its processes' proportional set sizes (Linux)."""
    peak = 0
    folder = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=folder, start_new_session=True) as process:  # noqa: S603 - the benchmark's own
        while process.poll() is None:
            peak = max(peak, sum(held(pid) for pid in family(process.pid)))
            time.sleep(PAUSE_SECONDS)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command))
    return peak / 1000


def family(session: int) -> list[int]:
    """All processes of the session that the command leads."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            if int(fields[3]) == session:
                found.append(int(entry.name))
    return found


def held(pid: int) -> int:
    """Kilobytes of one process, pages shared with others counted in part."""
    try:
        found = PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0
