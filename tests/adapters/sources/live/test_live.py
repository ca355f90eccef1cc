"""The demo cohort through a real server: loaded as transactions, pulled by search and by export, equal row for row."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import stamina

from adapters.fhir.selection import Selection
from tests.support.demo import Demo
from tests.support.paths import VIEWS
from tests.support.server.demo_support import assert_equal, tables_of
from tests.support.server.hapi import NoServerError, load, served

pytestmark = [pytest.mark.java, pytest.mark.slow, pytest.mark.xdist_group("server")]


@dataclass(frozen=True)
class Live:
    """A server with one dialect on it, a folder to write to, and the demo that was loaded."""

    base: str
    folder: Path
    demo: Demo

    @property
    def expected(self) -> dict[str, pd.DataFrame]:
        """What a pull of the same files gives."""
        return self.demo.frames()


@pytest.fixture(autouse=True)
def real_waits() -> None:
    stamina.set_testing(False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("server")
    with ExitStack() as stack:
        try:
            base = stack.enter_context(served(folder))
        except NoServerError as error:
            pytest.skip(str(error))
        yield base, folder


@pytest.fixture(scope="module")
def mcode(server: tuple[str, Path], demo_in: Callable[..., Demo]) -> Live:
    base, folder = server
    demo = demo_in("mcode", "ndjson")
    load(base, demo.fhir)
    return Live(base, folder, demo)


def test_a_pull_by_search_gives_the_tables_of_the_files(mcode: Live):
    assert_equal(tables_of(mcode.base, mcode.folder / "by-search"), mcode.expected)


def test_a_bulk_export_gives_the_tables_of_the_files(mcode: Live):
    config = mcode.folder / "server.toml"
    config.write_text("poll_cap_seconds = 2\n")  # the server asks for 120 s for a job of two
    found = tables_of(mcode.base, mcode.folder / "by-export", bulk="system", server_config=config)
    assert_equal(found, mcode.expected)


def rows(result) -> Counter[tuple[str, ...]]:
    """The rows of a view but for the patient, whom some files name by identifier."""
    assert result.exit_code == 0, result.output
    table = csv.DictReader(io.StringIO(result.stdout))
    return Counter(tuple(text for name, text in row.items() if name != "patient_key") for row in table)


@pytest.mark.parametrize("view", ["conditions.Condition", "observations.Observation", "patients.Patient"])
def test_a_view_gives_the_rows_of_the_files(view, mcode: Live, run):
    arguments = ("view", VIEWS / f"{view}.json", "--format", "csv")
    served = rows(run(*arguments, mcode.base, "--all"))
    told = rows(run(*arguments, mcode.demo.fhir))
    assert served <= told, "the files hold older versions too"
    assert {row[0] for row in served} == {row[0] for row in told}


def test_the_other_dialect_gives_the_same_tables(mcode: Live, demo_in):
    patients = load(mcode.base, demo_in("mii", "ndjson").fhir)
    # Told by type, for the patients of the first dialect bear the same ids as identifiers.
    selection = Selection(frozenset(f"Patient/{one}" for one in patients))
    assert_equal(tables_of(mcode.base, mcode.folder / "mii-tables", selection=selection), mcode.expected)
