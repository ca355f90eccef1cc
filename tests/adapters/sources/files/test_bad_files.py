"""Bad input: one table of cases, exit codes and messages. Never a traceback, never half-written tables."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.__main__ import app
from tests.support.reading_support import bundle, patient, psa, therapy, write

GOOD = bundle(patient(), psa(), therapy())
TEXT = json.dumps(GOOD)
LINES = "".join(json.dumps(r) + "\n" for r in (patient(), psa(), therapy()))


def text(name: str, content: str | bytes) -> Callable[[Path], Path]:
    """A source of one file."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def document(content: object) -> Callable[[Path], Path]:
    """A source of one JSON file."""
    return text("b.json", json.dumps(content))


def nothing(folder: Path) -> Path:
    """A source that is not there."""
    return folder / "missing.json"


def empty_folder(folder: Path) -> Path:
    """A folder without files."""
    (folder / "in").mkdir()
    return folder / "in"


def in_folder(name: str, content: str) -> Callable[[Path], Path]:
    """A folder with good NDJSON and one more file."""

    def make(folder: Path) -> Path:
        write(folder / "in" / "good.ndjson", patient(), psa(), therapy())
        (folder / "in" / name).write_text(content)
        return folder / "in"

    return make


R5 = {"resourceType": "Procedure", "id": "x", "status": "completed", "occurrenceDateTime": "2019-01-01"}
STU3 = psa(context={"reference": "Encounter/1"})
PROFILED = patient(meta={"profile": ["http://hl7.org/fhir/5.0/StructureDefinition/Patient"]})
CAPABILITY = {"resourceType": "CapabilityStatement", "fhirVersion": "3.0.2"}
DEEP = '{"resourceType": "Patient", "contact": ' + "[" * 50_000 + "]" * 50_000 + "}"
BAD_LINE = LINES + "{oops\n" + LINES
CUT_LINES = LINES + LINES[:60]

# case: source, exit code, what the one line says
CASES: dict[str, tuple[Callable[[Path], Path], int, str]] = {
    "good": (document(GOOD), 0, ""),
    "missing": (nothing, 2, "missing.json: source not found"),
    "not JSON": (text("b.json", "hello"), 2, "b.json, line 1, character 1: not JSON"),
    "XML": (text("b.json", "<Bundle xmlns='http://hl7.org/fhir'/>"), 2, "XML, not JSON"),
    "truncated file": (text("b.json", TEXT[:-40]), 2, "cut off"),
    "truncated gz": (text("b.json.gz", gzip.compress(TEXT.encode())[:-30]), 2, "compressed file is cut off"),
    "damaged gz": (text("b.json.gz", gzip.compress(TEXT.encode())[:12] + b"\x00" * 40), 2, "cut off or damaged"),
    "truncated NDJSON gz": (text("x.ndjson.gz", gzip.compress(LINES.encode())[:-12]), 2, "compressed file is cut off"),
    "empty file": (text("b.json", ""), 2, "b.json: the file is empty"),
    "blank file": (text("b.json", " \n\n"), 2, "b.json: the file is empty"),
    "empty NDJSON": (text("x.ndjson", ""), 2, "no resources"),
    "empty Bundle": (document(bundle()), 2, "no resources"),
    "empty folder": (empty_folder, 2, "no FHIR files"),
    "null": (text("b.json", "null"), 2, "b.json: null where a FHIR resource should be"),
    "a list": (text("b.json", "[]"), 2, "a list where a FHIR resource should be"),
    "a number": (text("b.json", "5"), 2, "a number where a FHIR resource should be"),
    "an object without type": (text("b.json", "{}"), 2, "without resourceType"),
    "null as an entry": (document({"resourceType": "Bundle", "entry": [None]}), 2, "b.json#entry[0]: a Bundle entry"),
    "an entry's resource without type": (document(bundle({"id": "x"})), 2, "b.json#entry[0]: an object without"),
    "deep nesting": (text("b.json", DEEP), 2, "nested deeper"),
    "two values": (text("b.json", TEXT + TEXT), 2, "follows the end"),
    "duplicate key": (text("b.json", '{"resourceType": "Patient", "id": "a", "id": "b"}'), 2, "same key twice"),
    "NaN": (text("b.json", '{"resourceType": "Observation", "valueInteger": NaN}'), 2, "NaN is not"),
    "endless number": (text("b.json", '{"resourceType": "Patient", "x": ' + "9" * 5000 + "}"), 2, "too many digits"),
    "UTF-16": (text("b.json", TEXT.encode("utf-16")), 2, "not UTF-8"),
    "Latin-1": (text("b.json", '{"resourceType": "Patient", "id": "\xe4"}'.encode("latin-1")), 2, "not UTF-8"),
    "wrong resourceType": (document({"resourceType": "Patienten"}), 2, "not a FHIR R4 resource type"),
    "R5 element": (document(bundle(patient(), R5)), 2, "b.json#entry[1]: Procedure.occurrenceDateTime"),
    "R5 profile": (document(PROFILED), 2, "meta.profile names FHIR 5.0"),
    "STU3 element": (document(bundle(STU3)), 2, "Observation.context exists only in FHIR STU3"),
    "STU3 capability": (in_folder("metadata.json", json.dumps(CAPABILITY)), 2, "metadata.json: CapabilityStatement"),
    "no patients": (document(bundle(psa(), therapy())), 2, "no patients"),
    "nobody in cohort": (document(bundle(patient(), psa())), 2, "no patient meets the cohort rule"),
    "all untreated": (document(bundle(patient(), therapy(status="not-done"))), 2, "no patient meets the cohort rule"),
    "an invalid date": (document(bundle(patient(), therapy(), psa(effectiveDateTime="2019-13-45"))), 0, ""),
    "only invalid dates": (document(bundle(patient(), therapy(effectiveDateTime="soon"))), 0, ""),
    "unparsable NDJSON line": (text("x.ndjson", BAD_LINE), 2, "x.ndjson:4: not JSON"),
    "NDJSON line without type": (text("x.ndjson", LINES + "{}\n" + LINES), 2, "x.ndjson:4: an object without"),
    "NDJSON line in Latin-1": (text("x.ndjson", b'{"a": "\xe4"}\n' + LINES.encode()), 2, "x.ndjson:1: not UTF-8"),
    "cut last NDJSON line": (text("x.ndjson", CUT_LINES), 2, "x.ndjson:4: not JSON"),
    "a file of another kind in the folder": (in_folder("package.json", '{"name": "x"}'), 2, "package.json: an object"),
}


def run(*arguments: str | Path) -> tuple[int, list[str]]:
    """Exit code and the lines on standard error that begin with "error"."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert "Traceback" not in result.output + result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, [line for line in result.stderr.splitlines() if line.startswith("error")]


@pytest.mark.parametrize("case", CASES)
def test_bad_input(case, tmp_path):
    make, code, says = CASES[case]
    out = tmp_path / "out"
    exit_code, errors = run("pull", make(tmp_path), "--out", out)
    assert exit_code == code
    if code == 0:
        assert not errors
        assert (out / "patients.parquet").is_file()
    else:
        assert len(errors) == 1
        assert says in errors[0]
        assert ";" in errors[0]  # the remedy
        assert not out.exists()


ACCEPTED = {
    "bad line": (BAD_LINE, 0),
    "line without type": (LINES + "{}\n" + LINES, 0),
    "cut last line": (CUT_LINES, 2),
    "only bad lines": ("{oops\n\n{oops\n" + LINES[:30], 2),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_unreadable_lines_are_counted_where_that_was_accepted(case, tmp_path):
    content, code = ACCEPTED[case]
    path = text("x.ndjson", content)(tmp_path)
    exit_code, _ = run("pull", path, "--out", tmp_path / "out", "--accept-unreadable")
    assert exit_code == code
    if code == 0:
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
        assert manifest["reading"]["unreadable"] == 1
        assert manifest["findings"]["unreadable-line"] == 1


@pytest.mark.parametrize("content", [bundle(psa()), bundle(patient(), psa())], ids=["no patients", "nobody"])
def test_empty_tables_where_that_was_asked_for(content, tmp_path):
    exit_code, _ = run("pull", document(content)(tmp_path), "--out", tmp_path / "out", "--allow-empty")
    assert exit_code == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["tables"]["patients"] == 0
    assert manifest["complete"] is True


CALLS = {
    "no command": ([], 2),
    "unknown command": (["fetch"], 2),
    "no source": (["pull", "--out", "x"], 2),
    "unknown option": (["pull", "x", "--out", "y", "--colour"], 2),
    "unknown format": (["demo", "--out", "x", "--format", "xml"], 2),
    "no patients": (["demo", "--out", "x", "--patients", "0"], 2),
    "view without source": (["view", "v.json", "--format", "csv"], 2),
    "doctor without source": (["doctor"], 2),
}


@pytest.mark.parametrize("call", CALLS)
def test_wrong_calls(call):
    arguments, code = CALLS[call]
    assert run(*arguments)[0] == code
