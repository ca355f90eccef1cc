"""The demo of both dialects, written and pulled once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.synthetic.demo import write_demo
from analysis.results import Result
from tests.support.fhir_changes import Entry, Pulled, entries_of, pulled


@pytest.fixture(scope="session")
def demos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Dialect -> Bundle file of the demo."""
    folder = tmp_path_factory.mktemp("demos")
    return {dialect: write_demo(folder / dialect, dialect=dialect)[0] for dialect in ("mcode", "mii")}


@pytest.fixture(scope="session")
def pulls(demos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pulled]:
    """Dialect -> what a pull of it gives."""
    folder = tmp_path_factory.mktemp("pulls")
    return {dialect: pulled(source, folder / dialect) for dialect, source in demos.items()}


@pytest.fixture(scope="session")
def demo(pulls: dict[str, Pulled]) -> Pulled:
    """What the book is built from."""
    return pulls["mcode"]


@pytest.fixture(scope="session")
def results(demo: Pulled) -> dict[str, Result]:
    """Every number of the book on the demo."""
    return demo.results()


@pytest.fixture(scope="session")
def entries(demos: dict[str, Path]) -> list[Entry]:
    """The entries of the demo's mCODE Bundle; not to be changed in place."""
    return entries_of(demos["mcode"])


@pytest.fixture(scope="session")
def mii_entries(demos: dict[str, Path]) -> list[Entry]:
    """The entries of the demo's MII Bundle; not to be changed in place."""
    return entries_of(demos["mii"])
