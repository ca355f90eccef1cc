"""What the tests rest on: the limit of CPU time, what is made once a run, golden files."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.support import processor_time
from tests.support.cpu_limit import CpuLimit
from tests.support.golden import Golden
from tests.support.once import Once

pytest_plugins = ["pytester"]

TESTS = """
import pytest, time
def burn():
    end = time.process_time() + 0.2
    while time.process_time() < end: pass
@pytest.fixture
def burnt(): burn()
def test_quick(): pass
def test_sleeps(): time.sleep(0.2)
def test_long(): burn()
def test_long_fixture(burnt): pass
@pytest.mark.outer
def test_marked(): burn()
"""


def test_a_test_that_uses_too_much_cpu_time_fails_but_for_the_outer_ring(pytester: pytest.Pytester):
    pytester.makepyfile(TESTS)
    pytester.makeini("[pytest]\nmarkers = outer")
    result = pytester.inline_run("-p", "no:cacheprovider", plugins=[CpuLimit(limit_seconds=0.1)])
    passed, _, failed = result.listoutcomes()
    assert [report.nodeid.split("::")[1] for report in failed] == ["test_long", "test_long_fixture"]
    assert [report.nodeid.split("::")[1] for report in passed] == ["test_quick", "test_sleeps", "test_marked"]


def test_shared_work_counts_for_no_test():
    start, started = processor_time.seconds(), time.process_time()
    with processor_time.shared_work():
        while time.process_time() < started + 0.1:
            pass
    assert processor_time.seconds() - start < 0.05


def test_a_folder_is_made_once_and_a_failure_leaves_none(tmp_path: Path):
    def fail(out: Path) -> None:
        (out / "half").touch()
        raise OSError("no space left")

    once, calls = Once(tmp_path / "once"), []
    with pytest.raises(OSError, match="no space"):
        once.folder("a", fail)
    assert not (tmp_path / "once" / "a").exists()
    for _ in range(2):
        folder = once.folder("a", lambda out: (calls.append(1), (out / "whole").touch()))
    assert ([path.name for path in folder.iterdir()], len(calls)) == (["whole"], 1)


def test_a_value_is_a_fresh_copy(tmp_path: Path):
    once = Once(tmp_path / "once")
    once.value("v", lambda: {"a": 1})["a"] = 2
    assert once.value("v", dict) == {"a": 1}


def test_golden_files_are_compared_with_and_written_when_asked(tmp_path: Path):
    values, table, text = (tmp_path / name for name in ("v.json", "t.csv", "t.txt"))
    values.write_text(json.dumps({"a": {"b": 1}}, indent=2) + "\n")
    table.write_text("id,x,y\nn.1,1,2\n")
    compare, update = Golden(update=False), Golden(update=True)
    assert compare.entry(values, ["a", "b"], 5) == 1
    assert compare.column(table, "x", {"n.2": "7"}) == {"n.1": "1"}
    before = values.read_text()
    assert update.entry(values, ["a", "b"], 1) == 1
    assert values.read_text() == before, "what did not change is written as it was"
    assert update.entry(values, ["a", "c"], 5) == 5
    assert update.column(table, "x", {"n.2": "7"}) == {"n.2": "7"}
    assert table.read_text() == "id,x,y\nn.1,,2\nn.2,7,\n"
    assert update.text(text, "new") == compare.text(text, "old") == "new"
