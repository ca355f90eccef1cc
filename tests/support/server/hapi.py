"""A real FHIR server for the tests: HAPI FHIR from Maven Central, in a process of its own, or one that is named."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2

from tests.support.paths import REPOSITORY

PROJECT = REPOSITORY / "tests" / "servers" / "hapi"
START_SECONDS = 900  # the first start downloads about 450 MB
END_SECONDS = 120
WAIT_SECONDS = 0.5
LAST_WORDS = 2000  # characters of the log
ORDER = ("Patient", "Medication", "BodyStructure", "Condition", "Procedure", "MedicationStatement",
         "MedicationAdministration", "Observation")  # fmt: skip
ENTRIES = 250


class NoServerError(RuntimeError):
    """There is to be no live server here; the message says why."""


class StartError(RuntimeError):
    """All that the live server needs is here, and it did not start; the message ends with what it last said."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Base address of a server that is empty at the start, or the one that FHIR_TEST_BASE names.

    Raises NoServerError without a JDK or Maven, or where FHIR_TEST_BASE is "none"; StartError if it does not start.
    """
    named = os.environ.get("FHIR_TEST_BASE")
    if named == "none":
        raise NoServerError("FHIR_TEST_BASE says that there is none")
    if named:
        yield named
        return
    missing = [tool for tool in ("java", "javac", "mvn") if shutil.which(tool) is None]
    if missing:
        raise NoServerError(f"the live server needs a JDK and Maven; not found: {', '.join(missing)}")
    project = shutil.copytree(PROJECT, folder / "hapi", ignore=shutil.ignore_patterns("target"))
    address = folder / "base"
    log = folder / "server.log"
    command = ["mvn", "-B", "-q", f"-Dstudy.base.file={address}", "test"]
    with log.open("w") as lines:
        process = subprocess.Popen(command, cwd=project, stdout=lines, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield _started(process, address, log)
    finally:
        address.unlink(missing_ok=True)  # the sign for the server to end
        _ended(process)


def _started(process: subprocess.Popen[bytes], address: Path, log: Path) -> str:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if address.exists():
            return address.read_text()
        time.sleep(WAIT_SECONDS)
    how = "in time" if process.returncode is None else f"(Maven ended with {process.returncode})"
    raise StartError(f"the live server did not start {how}: {log.read_text()[-LAST_WORDS:]}")


def _ended(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end, and make one where there is none: of Maven and of the Java that it started."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with suppress(ProcessLookupError):  # all have ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


ABROAD = "https://example.org/fhir/"  # the base that some references of the demo name


def stored_lines(folder: Path, kind: str) -> list[str]:
    """The resources of one type as a server holds them: each reference literal, to a resource of this server.

    Text is changed in place, so that no digit of a number is lost. References by identifier are what servers resolve
    when they take resources in: left as they are, no search by patient would find them.
    """
    patients = {}
    for line in (folder / "Patient.ndjson").read_text(encoding="utf-8").splitlines():
        patient = json.loads(line)
        for identifier in patient.get("identifier") or ():
            patients[identifier["system"], identifier["value"]] = patient["id"]
    file = folder / f"{kind}.ndjson"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [_literal(line, patients) for line in lines]


def _literal(line: str, patients: dict[tuple[str, str], str]) -> str:
    line = line.replace(f'"reference":"{ABROAD}', '"reference":"')
    for name in ("subject", "patient"):
        holder = json.loads(line).get(name) or {}
        if "identifier" in holder and "reference" not in holder:
            key = holder["identifier"]["system"], holder["identifier"]["value"]
            start = line.index(f'"{name}":{{') + len(name) + 4
            line = f'{line[:start]}"reference":"Patient/{patients[key]}",{line[start:]}'
    return line


def load(base: str, folder: Path) -> list[str]:
    """Put a folder of NDJSON on the server as transactions, older versions first; gives the ids of the patients."""
    with httpx2.Client(timeout=600) as client:
        for kind in ORDER:
            lines = stored_lines(folder, kind)
            for start in range(0, len(lines), ENTRIES):
                for group in _without_repeats(lines[start : start + ENTRIES]):
                    _transaction(client, base, kind, group)
    return patient_ids(folder)


def patient_ids(folder: Path) -> list[str]:
    """The ids of the patients in a folder of NDJSON."""
    return [json.loads(line)["id"] for line in (folder / "Patient.ndjson").read_text(encoding="utf-8").splitlines()]


def _without_repeats(lines: list[str]) -> list[dict[str, str]]:
    """The lines in groups that hold each id once, in order."""
    groups: list[dict[str, str]] = []
    for line in lines:
        identifier = json.loads(line)["id"]
        group = next((group for group in groups if identifier not in group), None)
        if group is None:
            groups.append(group := {})
        group[identifier] = line
    return groups


def _transaction(client: httpx2.Client, base: str, kind: str, group: dict[str, str]) -> None:
    """The resources as they are written: their text is put into the Bundle, so that no digit of a number is lost."""
    entries = ",".join(
        f'{{"resource":{line},"request":{{"method":"PUT","url":"{kind}/{identifier}"}}}}'
        for identifier, line in group.items()
    )
    body = f'{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}'
    answer = client.post(base, content=body.encode(), headers={"Content-Type": "application/fhir+json"})
    assert answer.status_code < 300, answer.text[:500]
