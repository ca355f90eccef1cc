"""Shared by all tests: the two rings, the limit of CPU time, the demo cohort, and golden files.

Hypothesis runs the same examples every time, without a clock.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from tests.support.cpu_limit import OUTER, CpuLimit
from tests.support.demo import Demo
from tests.support.golden import Golden
from tests.support.once import Once, run_folder

settings.register_profile(
    "study",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("study")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of these tests."""
    words = "write the golden files anew instead of comparing with them; read the difference before you commit it"
    parser.addoption("--update-golden", action="store_true", help=words)


def pytest_configure(config: pytest.Config) -> None:
    """Measure the CPU time of every test."""
    config.pluginmanager.register(CpuLimit())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The outer ring is every test that has one of the markers which name a cost."""
    for item in items:
        if any(item.get_closest_marker(name) for name in OUTER):
            item.add_marker("outer")


def pytest_collection_finish() -> None:
    """Keep the collected tests out of garbage collection: statsmodels collects the whole process at every call."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Folders that are made once a run and shared by all workers."""
    return Once(run_folder(request.config, tmp_path_factory) / "once")


@pytest.fixture(scope="session")
def demo_in(once: Once) -> Callable[[str, str], Demo]:
    """(dialect, format) -> the demo cohort: its FHIR files, a pull of them, the results. Made once a run, to be read."""
    made: dict[tuple[str, str], Demo] = {}

    def get(dialect: str = "mcode", form: str = "bundle") -> Demo:
        return made.setdefault((dialect, form), Demo(once, dialect, form))

    return get


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compares with committed values, or writes them anew (`--update-golden`)."""
    return Golden(update=bool(request.config.getoption("update_golden")))
