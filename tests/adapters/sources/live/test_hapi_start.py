"""How the live server of the tests is started: what is missing is a skip, what fails is an error, nothing stays behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.support.server import hapi
from tests.support.server.hapi import NoServerError, StartError, served

CHILD = "sleep 300 & echo $! > {folder}/child"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A PATH with java, javac and a Maven that does what the test says."""
    monkeypatch.delenv("FHIR_TEST_BASE", raising=False)
    monkeypatch.setattr(hapi, "START_SECONDS", 1.0)
    monkeypatch.setattr(hapi, "END_SECONDS", 0.5)
    monkeypatch.setattr(hapi, "WAIT_SECONDS", 0.05)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    (tmp_path / "bin").mkdir()

    def make(maven: str) -> Path:
        for name in ("java", "javac", "mvn"):
            tool = tmp_path / "bin" / name
            tool.write_text(f"#!/bin/sh\n{maven.format(folder=tmp_path) if name == 'mvn' else ''}\n")
            tool.chmod(0o755)
        return tmp_path

    return make


def gone(folder: Path) -> bool:
    """Whether the process that Maven started has ended."""
    child = int((folder / "child").read_text())
    for _ in range(100):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":  # dead, and nobody has asked how it ended
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("maven", ["echo 'no such artifact'; exit 1", "echo 'no such artifact'; exit 0"])
def test_a_maven_that_fails_is_an_error_with_its_last_words(maven, tools):
    folder = tools(maven)
    with pytest.raises(StartError, match=r"Maven ended with \d\): no such artifact"), served(folder):
        pass


def test_a_server_that_does_not_come_up_is_an_error_and_its_processes_are_ended(tools):
    folder = tools(CHILD + "; sleep 300")
    with pytest.raises(StartError, match="did not start in time"), served(folder):
        pass
    assert gone(folder)


@pytest.mark.parametrize("after", ["wait", "exit 0"])
def test_the_java_that_maven_started_is_ended_too(after, tools):
    folder = tools("for one in $@; do case $one in -Dstudy.base.file=*) echo http://localhost:1 > ${{one#*=}};; esac; done\n"
                   + CHILD + f"; sleep 0.3; {after}")  # fmt: skip
    with served(folder) as base:
        assert base.strip() == "http://localhost:1"
    assert gone(folder)


def test_without_a_tool_there_is_no_server_and_the_reason_is_told(tools, monkeypatch):
    folder = tools("")
    monkeypatch.setenv("PATH", str(folder / "bin"))
    (folder / "bin" / "mvn").unlink()
    with pytest.raises(NoServerError, match="not found: mvn"), served(folder):
        pass


@pytest.mark.parametrize(("named", "error"), [("none", NoServerError), ("http://localhost:9/fhir", None)])
def test_the_environment_may_name_a_server_or_say_that_there_is_none(named, error, tools, monkeypatch):
    folder = tools("exit 1")
    monkeypatch.setenv("FHIR_TEST_BASE", named)
    if error is None:
        with served(folder) as base:
            assert base == named
    else:
        with pytest.raises(error, match="FHIR_TEST_BASE"), served(folder):
            pass
    assert os.environ["FHIR_TEST_BASE"] == named
