"""Reference numbers from R: the script is run again where R is installed, and gives the committed numbers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SECONDS = 120
NOT_INSTALLED = "there is no package called"


def output_of(script: Path) -> str:
    """What an R script prints. Skips the test where R or one of its packages is not installed."""
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    command = ["Rscript", script.name]
    run = subprocess.run(command, cwd=script.parent, capture_output=True, text=True, timeout=SECONDS, check=False)
    if run.returncode and NOT_INSTALLED in run.stderr:
        pytest.skip(f"a package of R is not installed: {run.stderr.strip().splitlines()[0]}")
    assert run.returncode == 0, run.stderr
    return run.stdout
