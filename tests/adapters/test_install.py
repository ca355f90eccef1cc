"""What is installed: the adapters need their own requirements alone, and the wheel holds what the commands need."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import REPOSITORY
from tests.support.reading_support import bundle, patient, psa, therapy, write

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Runs a command of the adapters as if the modules named in the first argument were not installed.
RUNNER = """
import json, runpy, sys
absent = set(json.loads(sys.argv.pop(1)))

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""
COMMAND = RUNNER + "runpy.run_module('adapters', run_name='__main__', alter_sys=True)\n"
IMPORTS = (
    RUNNER
    + """
import importlib, pkgutil, adapters
names = [module.name for module in pkgutil.walk_packages(adapters.__path__, "adapters.")]
for name in names:
    if not name.endswith("__main__") and not name.startswith("adapters.synthetic.search"):
        importlib.import_module(name)
print(len(names))
"""
)


def _required() -> set[str]:
    """The distributions that the base requirements of the project bring, themselves included."""
    waiting = [Requirement(text) for text in PROJECT["dependencies"]]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *requirement.extras):
            if (requirement.name, extra) in seen:
                continue
            seen.add((requirement.name, extra))
            try:
                needed = [Requirement(text) for text in requires(requirement.name) or ()]
            except PackageNotFoundError:  # for another system or Python
                continue
            waiting += [one for one in needed if one.marker is None or one.marker.evaluate({"extra": extra})]
    return {canonicalize_name(name) for name, _ in seen}


def _absent() -> str:
    """As JSON, the top-level modules of this environment that a plain install would not have, and the analysis."""
    required = _required()
    owners = packages_distributions()
    others = {name for name, owned in owners.items() if not required & {canonicalize_name(one) for one in owned}}
    return json.dumps(sorted((others | {"analysis"}) - {"adapters"}))


def _run(program: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """The program in a Python of its own that imports the adapters from `folder`."""
    call = [sys.executable, "-W", "error", "-c", program, _absent(), *map(str, arguments)]
    return subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)


def test_what_the_book_needs_counts_as_absent():
    book = {
        "altair",
        "lifelines",
        "statsmodels",
        "scipy",
        "sphinx",
        "jupyter_book",
        "jupyterlab",
        "fhirpathpy",
        "orjson",
    }
    absent = set(json.loads(_absent()))
    assert book <= absent
    assert absent.isdisjoint({"pandas", "numpy", "pyarrow", "msgspec", "typer", "cryptography", "fhir"})


def test_every_requirement_is_named_once():
    texts = [*PROJECT["dependencies"], *(text for extra in PROJECT["optional-dependencies"].values() for text in extra)]
    names = [canonicalize_name(Requirement(text).name) for text in texts]
    assert sorted(names) == sorted(set(names))


def test_all_modules_of_the_adapters_import_without_the_book():
    done = _run(IMPORTS, folder=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def test_a_pull_needs_nothing_of_the_book(tmp_path):
    source = write(tmp_path / "b.json", bundle(patient(), psa(), therapy()))
    done = _run(COMMAND, "pull", source, "--out", tmp_path / "tables", folder=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tables" / "current" / "observations.parquet").is_file()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, unpacked: what a user of it has."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as file:
        file.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_the_wheel_holds_all_modules_and_data_but_the_search_for_the_cohort(wheel):
    held = {str(path.relative_to(wheel)) for path in wheel.rglob("*") if path.is_file()}
    tracked = subprocess.run(
        ["git", "ls-files", "adapters", "analysis"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {name for name in tracked if name not in held} == {
        name for name in tracked if name.startswith("adapters/synthetic/search/")
    }


@pytest.mark.slow
def test_the_wheel_writes_the_demo_and_pulls_it_without_the_book(wheel, tmp_path):
    written = _run(COMMAND, "demo", "--out", tmp_path / "demo", folder=wheel)
    assert written.returncode == 0, written.stderr
    settings = REPOSITORY / "study.toml"
    pulled = _run(
        COMMAND, "pull", tmp_path / "demo", "--out", tmp_path / "tables", "--settings", settings, folder=wheel
    )
    assert pulled.returncode == 0, pulled.stderr
    assert (tmp_path / "tables" / "current" / "patients.parquet").is_file()
