"""The demo of both dialects: entries of its Bundles, pulls, results."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analysis.results import Result
from tests.support.demo import DIALECTS, Demo
from tests.support.fhir_changes import Entry, Pulled, entries_of


@pytest.fixture(scope="session")
def pulls(demo_in: Callable[..., Demo]) -> dict[str, Pulled]:
    """Dialect -> what a pull of it gives."""
    return {dialect: demo_in(dialect).pulled for dialect in DIALECTS}


@pytest.fixture(scope="session")
def demo(pulls: dict[str, Pulled]) -> Pulled:
    """What the book is built from."""
    return pulls["mcode"]


@pytest.fixture(scope="session")
def results(demo_in: Callable[..., Demo]) -> dict[str, Result]:
    """Every number of the book on the demo."""
    return demo_in("mcode").results()


@pytest.fixture(scope="session")
def entries(demo_in: Callable[..., Demo]) -> list[Entry]:
    """The entries of the demo's mCODE Bundle; not to be changed in place."""
    return entries_of(demo_in("mcode").fhir / "demo.json")


@pytest.fixture(scope="session")
def mii_entries(demo_in: Callable[..., Demo]) -> list[Entry]:
    """The entries of the demo's MII Bundle; not to be changed in place."""
    return entries_of(demo_in("mii").fhir / "demo.json")
