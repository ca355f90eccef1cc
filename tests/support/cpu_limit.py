"""A plugin of pytest: a test of the inner ring that uses too much CPU time fails; the longest are listed at the end."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.support import processor_time

LIMIT_SECONDS = 5.0
OUTER = ("book", "browser", "java", "program", "slow")  # markers of the outer ring
LISTED = 10
PROPERTY = "cpu_seconds"


class CpuLimit:
    """Measures each test with its own fixtures; what tests share (`tests.support.once`) counts for none."""

    def __init__(self, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._limit_seconds = limit_seconds
        self._setup: dict[str, float] = {}
        self._spent: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        """Measure the fixtures."""
        start = processor_time.seconds()
        yield
        self._setup[item.nodeid] = processor_time.seconds() - start

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        """Measure the test; fail it where both together are too long and no marker says so."""
        start = processor_time.seconds()
        yield
        spent = self._setup.pop(item.nodeid, 0.0) + processor_time.seconds() - start
        item.user_properties.append((PROPERTY, spent))
        if spent > self._limit_seconds and not item.get_closest_marker("outer"):
            limit = f"{self._limit_seconds:g} s"
            pytest.fail(f"{spent:.1f} s of CPU time, more than {limit}: make it faster, or mark it slow")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the times, from this process or from the workers of pytest-xdist."""
        if report.when == "call":
            self._spent[report.nodeid] = dict(report.user_properties).get(PROPERTY, 0.0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the tests that used most CPU time."""
        longest = sorted(self._spent.items(), key=lambda pair: -pair[1])[:LISTED]
        total = sum(self._spent.values())
        terminalreporter.section(f"CPU time: {total:.0f} s in {len(self._spent)} tests")
        for name, seconds in longest:
            terminalreporter.write_line(f"{seconds:7.1f} s  {name}")
