"""Hostile texts in files, views, settings and the environment: one line, an exit code, and nothing written elsewhere."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.__main__ import app
from adapters.plain_text import visible
from tests.support.reading_support import bundle, patient, psa, therapy, write

GOOD = bundle(patient(), psa(), therapy())
VIEW = {"resource": "Patient", "name": "p", "select": [{"column": [{"name": "id", "path": "id"}]}]}
Run = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Exit code and lines of standard error of a command; no traceback, no control characters."""

    def call(*arguments: str | Path) -> tuple[int, list[str]]:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        lines = result.stderr.splitlines()
        assert all(line.isprintable() for line in lines)
        return result.exit_code, lines

    return call


def view_named(folder: Path, name: object, file: str = "v.json") -> Path:
    return write_json(folder / file, {**VIEW, "name": name})


def write_json(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


NAMES = ["../../x", "/tmp/x", "a/b", "..", ".", "a\\b", "x\x00y", "\x1b[31m", "n" * 300, "C:x", ".hidden", "a b", "é"]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_view_chooses_no_place(run, tmp_path, name):
    views = [view_named(tmp_path, name), view_named(tmp_path, "other", "w.json")]
    out = tmp_path / "deep" / "er" / "out"
    code, lines = run("view", *views, write(tmp_path / "x.ndjson", patient()), "--format", "csv", "--out", out)
    assert code == 2
    assert "cannot be that of a file" in lines[-1]
    assert not list(tmp_path.rglob("*.csv"))


def test_names_that_differ_in_case_only_are_one_file_on_some_systems(run, tmp_path):
    views = [view_named(tmp_path, "Rows"), view_named(tmp_path, "rows", "w.json")]
    code, lines = run(
        "view", *views, write(tmp_path / "x.ndjson", patient()), "--format", "csv", "--out", tmp_path / "o"
    )
    assert code == 2
    assert "two views have the same name" in lines[-1]


FORMULAS = ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]
HARMLESS = ["a=b", "1-2", "'=1", " x", "2017-03-01"]


@pytest.mark.parametrize("text", FORMULAS + HARMLESS)
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(run, tmp_path, text):
    columns = [{"name": "family", "path": "name.first().family"}, {"name": "born", "path": "birthDate"},
               {"name": "number", "path": "extension.first().value.ofType(decimal)"}]  # fmt: skip
    view = write_json(tmp_path / "v.json", {"resource": "Patient", "name": "p", "select": [{"column": columns}]})
    someone = patient(name=[{"family": text}], extension=[{"url": "urn:x", "valueDecimal": -1.5}])
    source = write(tmp_path / "x.ndjson", someone)
    cells = {}
    for options in ((), ("--exact-csv",)):
        out = tmp_path / "rows.csv"
        assert run("view", view, source, "--format", "csv", "--out", out, *options)[0] == 0
        (cells[options],) = csv.DictReader(io.StringIO(out.read_bytes().decode(), newline=""))
    assert cells["--exact-csv",] == {"family": text, "born": someone["birthDate"], "number": "-1.5"}
    assert cells[()] == cells["--exact-csv",] | {"family": f"'{text}" if text in FORMULAS else text}
    out = tmp_path / "rows.ndjson"
    assert run("view", view, source, "--format", "ndjson", "--out", out)[0] == 0
    assert json.loads(out.read_text())["family"] == text


def test_exact_csv_is_for_csv(run, tmp_path):
    source = write(tmp_path / "x.ndjson", patient())
    code, lines = run("view", view_named(tmp_path, "p"), source, "--format", "ndjson", "--exact-csv")
    assert (code, len(lines)) == (2, 1)


LINKS = [
    {"patients": {"Patient/1": 5}, "lesions": {}}, {"patients": {"Patient/1": "S1; x"}, "lesions": {}},
    {"patients": {"Patient/1": ""}, "lesions": {}}, {"patients": {"Patient/1": "X01"}, "lesions": {}},
    {"patients": {"Patient/1": None}, "lesions": {}}, {"patients": {"Patient/1": ["S01"]}, "lesions": {}},
    {"patients": [], "lesions": {}}, {"patients": {}, "lesions": []}, {"patients": {}}, [], 5, None, "x",
    {"patients": {}, "lesions": {"BodyStructure/1": "S01"}}, {"patients": {}, "lesions": {"BodyStructure/1": "S01-Lx"}},
    {"patients": {"Patient/1": "S" + "9" * 5000}, "lesions": {}}, {"patients": {"Patient/1": "S²"}, "lesions": {}},
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(LINKS)))
def test_a_damaged_link_file_is_an_error(run, tmp_path, number):
    link = write_json(tmp_path / "link.json", LINKS[number])
    before = link.read_bytes()
    code, lines = run("pull", write(tmp_path / "b.json", GOOD), "--out", tmp_path / "out", "--link", link)
    assert (code, len(lines)) == (2, 1)
    assert "the link file cannot be read" in lines[0]
    assert link.read_bytes() == before
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"{" * 100_000, b"[" * 100_000])
def test_a_link_file_that_is_no_json_is_an_error(run, tmp_path, content):
    (tmp_path / "link.json").write_bytes(content)
    code, lines = run(
        "pull", write(tmp_path / "b.json", GOOD), "--out", tmp_path / "o", "--link", tmp_path / "link.json"
    )
    assert (code, len(lines)) == (2, 1)


EPOCHS = ["1000000000000", "1" + "0" * 30, "9" * 5000, "²", "-1", "1.5", "1e9", "soon", "0x10", "١٢"]


@pytest.mark.parametrize("epoch", EPOCHS)
def test_an_odd_source_date_epoch_is_an_error(run, tmp_path, monkeypatch, epoch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    code, lines = run("pull", write(tmp_path / "b.json", GOOD), "--out", tmp_path / "out")
    assert (code, len(lines)) == (2, 1)
    assert "SOURCE_DATE_EPOCH" in lines[0]


@pytest.mark.parametrize("epoch", ["", "0", "253370764800"])
def test_the_first_and_last_seconds_are_times(run, tmp_path, monkeypatch, epoch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert run("pull", write(tmp_path / "b.json", GOOD), "--out", tmp_path / "out")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("nested", ["x = " + "[" * 20_000, "x = " + "{a=" * 20_000, "[" + "a." * 50_000 + "a]"])
def test_deeply_nested_server_settings_are_an_error(run, tmp_path, nested):
    (tmp_path / "server.toml").write_text(nested)
    config = ("--server-config", tmp_path / "server.toml")
    code, lines = run("pull", "http://localhost:1/fhir", "--out", tmp_path / "out", *config)
    assert (code, len(lines)) == (2, 1)


@pytest.mark.parametrize("folder", ["codelists", "units"])
@pytest.mark.parametrize("cell", ["x" * 131_073, '"' + "y" * 200_000])
def test_a_huge_cell_of_an_overlay_is_an_error_that_names_the_file(run, tmp_path, folder, cell):
    (tmp_path / "own").mkdir()
    headers = {"codelists": "system,code,display,means,source", "units": "measure,ucum,to,factor,source"}
    (tmp_path / "own" / ("observations.csv" if folder == "codelists" else "own.csv")).write_text(
        f"{headers[folder]}\n{cell},a,b,c,d\n"
    )
    (tmp_path / "study.toml").write_text(f'[reading]\n{folder}_overlay = "own"\n')
    source = write(tmp_path / "b.json", GOOD)
    code, lines = run("pull", source, "--out", tmp_path / "out", "--settings", tmp_path / "study.toml")
    assert (code, len(lines)) == (2, 1)
    assert ".csv" in lines[0]


@pytest.mark.parametrize("mask", [0o077, 0o027, 0o022, 0o000])
def test_tables_respect_the_umask(tmp_path, run, mask):
    before = os.umask(mask)
    try:
        assert run("pull", write(tmp_path / "b.json", GOOD), "--out", tmp_path / "out")[0] == 0
    finally:
        os.umask(before)
    (tables,) = (tmp_path / "out").glob("tables-*")
    assert stat.S_IMODE(tables.stat().st_mode) == 0o777 & ~mask
    assert stat.S_IMODE((tables / "patients.parquet").stat().st_mode) == 0o666 & ~mask


WHOLE = {"no resources": bundle(), "no patients": bundle(psa()), "no patient meets": bundle(patient(), psa())}


@pytest.mark.parametrize("says", WHOLE)
@pytest.mark.parametrize("name", ["b.json", "in"])
def test_an_error_about_the_whole_source_names_it_as_it_was_given(run, tmp_path, monkeypatch, says, name):
    monkeypatch.chdir(tmp_path)
    write(Path(name) / "x.json" if name == "in" else Path(name), WHOLE[says])
    code, lines = run("pull", name, "--out", "out")
    assert (code, len(lines)) == (2, 1)
    assert lines[0].startswith(f"error: {name}: {says}")


HOSTILE = [
    "\x1b[31m",
    "\x07",
    "\x00",
    "\x9b31m",
    "\u202eabc",
    "\u2066x",
    "\u200b",
    "\u2028",
    "\ud800",
    "\x7f",
    "\ufeff",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_unseen_characters_become_escapes(text):
    shown = visible(f"a{text}b")
    assert shown.isprintable()
    assert shown.startswith("a")
    assert shown != "ab"


def test_long_texts_are_cut_and_others_left():
    assert visible("x" * 5000, 80) == "x" * 79 + "…"
    assert visible("Müller ≥ 3 µg/l – 日本") == "Müller ≥ 3 µg/l – 日本"
    assert visible("a\n b\t c") == "a b c"


@pytest.mark.parametrize("text", ["[/red]", "[bold", *HOSTILE[:6], "=1", "x" * 5000])
def test_doctor_shows_codes_without_their_tricks(run, tmp_path, text):
    coding = {"system": f"urn:{text}", "code": f"c{text}", "display": text}
    source = write(tmp_path / "b.json", bundle(patient(), therapy(), psa(code={"coding": [coding]})))
    result = CliRunner().invoke(app, ["doctor", str(source)])
    assert result.exit_code == 0
    for shown in (result.stdout, result.stderr):
        assert all(line.isprintable() for line in shown.split("\n"))
        assert max(map(len, shown.split("\n"))) < 1000


def test_an_unforeseen_fault_is_one_line_and_a_file_without_data(tmp_path, monkeypatch, capsys):
    import tempfile

    from adapters import console

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    secret = "CANARY-4711"

    def boom(*_: object, **__: object) -> None:
        try:
            raise KeyError(secret)
        except KeyError as error:
            raise ValueError(f"no such thing {secret}") from error

    monkeypatch.setattr("sys.argv", ["adapters", "doctor", "x"])
    with pytest.raises(SystemExit) as left:
        console.run(boom, "python -m adapters")  # type: ignore[arg-type] # a command line that fails
    assert left.value.code == 70
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: unforeseen fault (ValueError); the last tables are untouched; details")
    (file,) = tmp_path.glob("adapters-fault-*.txt")
    assert str(file) in line
    text = file.read_text()
    assert secret not in line + text
    assert "KeyError" in text
    assert "test_attacks.py" in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (RecursionError(), 70), (OSError(5, "x"), 70)])
def test_whatever_ends_a_command_has_its_exit_code(monkeypatch, capsys, error, code, tmp_path):
    import tempfile

    from adapters import console

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def boom(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("sys.argv", ["adapters", "pull"])
    with pytest.raises(SystemExit) as left:
        console.run(boom, "python -m adapters")  # type: ignore[arg-type] # a command line that fails
    assert left.value.code == code
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_fault_in_the_middle_of_a_pull_leaves_the_last_tables(tmp_path, monkeypatch, run):
    source, out = write(tmp_path / "b.json", GOOD), tmp_path / "out"
    assert run("pull", source, "--out", out)[0] == 0
    before = (out / "manifest.json").read_bytes()

    def boom(*_: object) -> None:
        raise RuntimeError("CANARY")

    monkeypatch.setattr("adapters.pull.write_manifest", boom)
    result = CliRunner().invoke(app, ["pull", str(source), "--out", str(out)])
    assert isinstance(result.exception, RuntimeError)  # which `console.run` turns into one line
    assert (out / "manifest.json").read_bytes() == before
    assert len(list(out.glob("tables-*"))) == 1
    assert not list(out.glob(".pull-*"))
