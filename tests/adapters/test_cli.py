"""The command line as users call it: exit codes, one-line errors, nothing but data on standard output."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.reading_support import bundle, patient, psa, therapy, write

GOOD = bundle(patient(), psa(), therapy())
VIEW = {
    "resourceType": "ViewDefinition",
    "name": "psa",
    "status": "active",
    "resource": "Observation",
    "select": [
        {
            "column": [
                {"name": "of", "path": "subject.getReferenceKey(Patient)"},
                {"name": "value", "path": "value.ofType(Quantity).value"},
            ]
        }
    ],
}


def call(*arguments: str | Path, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run python -m adapters in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "adapters", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=os.environ | env,
        timeout=120,
    )


def test_pull_gives_tables_and_keeps_standard_output_clean(tmp_path):
    done = call("pull", write(tmp_path / "b.json", GOOD), "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (0, "")
    assert "3 resources read: 3 used" in done.stderr
    assert "\x1b" not in done.stderr  # no colours, no progress bar in a pipe
    assert (tmp_path / "out" / "patients.parquet").is_file()


def test_pull_works_from_any_directory_and_from_paths_with_spaces(tmp_path):
    folder = tmp_path / "a folder with spaces"
    write(folder / "b.json", GOOD)
    assert call("pull", "b.json", "--out", "the tables", cwd=folder).returncode == 0
    assert (folder / "the tables" / "manifest.json").is_file()


def test_errors_are_one_line_on_standard_error(tmp_path):
    done = call("pull", tmp_path / "none.json", "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pull"], "SOURCE"),
        (["pull", "b.json"], "--out"),
        (["pull", "b.json", "--out", "o", "--nosuch"], "--nosuch"),
        (["pull", "b.json", "c.json", "--out", "o"], "c.json"),
        (["view", "v.json", "b.json", "--format", "xls"], "xls"),
        (["demo", "--out", "o", "--patients", "0"], "--patients"),
        (["push"], "push"),
    ],
)
def test_a_wrong_call_is_one_line_that_leads_to_the_help(tmp_path, arguments, says):
    done = call(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (2, "", [])
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: command line: ")
    assert says in done.stderr
    assert done.stderr.endswith("--help\n")


@pytest.mark.parametrize("arguments", [["--help"], []])
def test_without_a_command_the_help_is_shown(arguments):
    done = call(*arguments)
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("pull", "demo", "view", "doctor"))


def test_an_error_of_the_system_says_where(tmp_path):
    (tmp_path / "file").touch()
    done = call("demo", "--out", tmp_path / "file")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {tmp_path / 'file'}: File exists; check the path, space and permissions\n"


def test_pull_has_the_options_that_every_source_knows():
    shown = call("pull", "--help", COLUMNS="200", NO_COLOR="1").stdout
    options = ("--cohort", "--patients", "--group", "--accept-unreadable", "--allow-empty", "--link")
    assert [option for option in options if option not in shown] == []


def test_view_writes_rows_to_standard_output(tmp_path):
    source = write(tmp_path / "b.json", bundle(patient(), psa(subject="urn:uuid:1"), urls=["urn:uuid:1"]))
    view = write(tmp_path / "v.json", VIEW)
    done = call("view", view, source, "--format", "csv")
    assert (done.returncode, done.stdout) == (0, "of,value\nPatient/p1,12.5\n")
    done = call("view", view, source, "--format", "ndjson")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"of": "Patient/p1", "value": 12.5}]


@pytest.mark.parametrize("name", ["b.json", "x.ndjson"])
def test_view_writes_files(tmp_path, name):
    contents = [GOOD] if name == "b.json" else [patient(), psa(), therapy()]
    source = write(tmp_path / name, *contents)
    done = call("view", write(tmp_path / "v.json", VIEW), source, "--format", "csv", "--out", tmp_path / "rows.csv")
    assert done.returncode == 0
    assert (tmp_path / "rows.csv").read_text() == "of,value\nPatient/p1,12.5\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not JSON"),
        ("[]", "not a ViewDefinition"),
        ('{"resource": "Observation"}', "select"),
        (json.dumps(VIEW | {"where": [{"path": "now() > effective"}]}), "unsupported function now()"),
    ],
)
def test_a_wrong_view_is_an_error(tmp_path, content, says):
    (tmp_path / "v.json").write_text(content)
    done = call("view", tmp_path / "v.json", write(tmp_path / "b.json", GOOD), "--format", "csv")
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_view_says_when_the_source_holds_nothing_of_the_type(tmp_path):
    view = write(tmp_path / "v.json", VIEW | {"resource": "Observations"})
    done = call("view", view, write(tmp_path / "x.ndjson", patient()), "--format", "csv")
    assert (done.returncode, done.stdout) == (0, "of,value\n")
    assert done.stderr == "1 resources read: 0 rows of psa\nthe source holds no Observations\n"


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_view_of_nothing_is_an_error_and_leaves_no_file(tmp_path, content):
    (tmp_path / "x.ndjson").write_text(content)
    rows = tmp_path / "rows.csv"
    done = call("view", write(tmp_path / "v.json", VIEW), tmp_path / "x.ndjson", "--format", "csv", "--out", rows)
    assert (done.returncode, done.stdout, rows.exists()) == (2, "", False)
    assert done.stderr == "error: x.ndjson: no resources; the source is empty: check what it should hold\n"


def test_view_never_replaces_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    source = write(tmp_path / "x.ndjson", psa())
    done = call("view", write(tmp_path / "v.json", VIEW), source, "--format", "csv", "--out", tmp_path / "pipe")
    assert done.returncode == 2
    assert "not a regular file" in done.stderr
    assert (tmp_path / "pipe").is_fifo()


def test_view_says_how_many_rows_and_which_values_do_not_fit(tmp_path):
    wrong = psa() | {"valueQuantity": {"value": "12.5"}}
    view = VIEW | {
        "select": [{"column": [{"name": "value", "path": "value.ofType(Quantity).value", "type": "decimal"}]}]
    }
    source = write(tmp_path / "x.ndjson", psa(), wrong | {"id": "o2"}, wrong | {"id": "o3"})
    done = call("view", write(tmp_path / "v.json", view), source, "--format", "csv")
    assert (done.returncode, done.stdout) == (0, 'value\n12.5\n""\n""\n')
    assert done.stderr.splitlines() == [
        "3 resources read: 3 rows of psa",
        "finding: view psa, column value, 'value.ofType(Quantity).value': not a number (2×)",
    ]


def test_view_stops_where_a_path_gives_several_values_and_one_is_declared(tmp_path):
    view = VIEW | {"select": [{"column": [{"name": "code", "path": "code.coding.code"}]}]}
    twice = psa() | {"code": {"coding": [{"code": "a"}, {"code": "b"}]}}
    source, out = write(tmp_path / "x.ndjson", psa(), twice), tmp_path / "rows.csv"
    done = call("view", write(tmp_path / "v.json", view), source, "--format", "csv", "--out", out)
    assert done.returncode == 2
    assert done.stderr == (
        "error: view psa, select[0].column[0].path, 'code.coding.code' at 0: "
        "2 values where one is declared (collection is not true)\n"
    )
    assert not out.exists()


def test_view_counts_lines_that_it_is_told_to_leave_out(tmp_path):
    source = tmp_path / "x.ndjson"
    source.write_text(json.dumps(psa()) + "\n{\n")
    done = call("view", write(tmp_path / "v.json", VIEW), source, "--format", "csv", "--accept-unreadable")
    assert done.returncode == 0
    assert "lines that cannot be read, left out: 1" in done.stderr


@pytest.mark.parametrize(
    ("row_format", "not_loaded"), [("csv", ("pandas", "rich", "pyarrow", "numpy")), ("parquet", ("pandas", "rich"))]
)
def test_view_loads_only_what_it_needs(tmp_path, row_format, not_loaded):
    program = (
        "import sys\nfrom adapters.__main__ import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        f"sys.exit(sum(name in sys.modules for name in {not_loaded!r}))"
    )
    view, source = write(tmp_path / "v.json", VIEW), write(tmp_path / "x.ndjson", psa())
    arguments = ["view", str(view), str(source), "--format", row_format, "--out", str(tmp_path / "rows")]
    assert subprocess.run([sys.executable, "-c", program, *arguments], check=False).returncode == 0
    assert (tmp_path / "rows").is_file()


def test_view_on_a_cut_file_leaves_no_output(tmp_path):
    (tmp_path / "x.ndjson").write_text(json.dumps(psa()) + "\n" + json.dumps(psa())[:-9])
    out = tmp_path / "rows.csv"
    done = call("view", write(tmp_path / "v.json", VIEW), tmp_path / "x.ndjson", "--format", "csv", "--out", out)
    assert done.returncode == 2
    assert not out.exists()


def test_doctor_says_what_a_pull_would_give(tmp_path):
    done = call("doctor", write(tmp_path / "b.json", GOOD), NO_COLOR="1")
    assert done.returncode == 0
    assert "table conditions would be empty" in done.stderr


def test_the_demo_can_be_pulled(tmp_path):
    assert call("demo", "--out", tmp_path / "demo").returncode == 0
    assert call("pull", tmp_path / "demo", "--out", tmp_path / "out").returncode == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["synthetic"] is True
    assert manifest["cohort_tags"] == ["reconstruction"]


def on_a_terminal(*arguments: str | Path) -> bytes:
    """What a command shows on a terminal that wants no colour."""
    master, terminal = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "adapters", *map(str, arguments)],
        stderr=terminal,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"NO_COLOR": "1", "TERM": "xterm-256color"},
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the terminal is closed when the process ends
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    assert done.wait(timeout=120) == 0
    return shown


def test_no_colour_on_a_terminal_that_does_not_want_it(tmp_path):
    shown = on_a_terminal("pull", write(tmp_path / "b.json", GOOD), "--out", tmp_path / "out")
    assert b"\x1b[3" not in shown.replace(b"\x1b[39", b"")
    assert b"reading" in shown


def test_view_shows_how_much_of_the_file_is_done(tmp_path):
    source = write(tmp_path / "x.ndjson", psa())
    shown = on_a_terminal("view", write(tmp_path / "v.json", VIEW), source, "--format", "csv")
    assert b"bytes" in shown
    assert b"100%" in shown
