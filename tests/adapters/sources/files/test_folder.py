"""Whatever lies in a folder is read, is an error, or is counted: nothing is passed over in silence."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters.__main__ import app
from adapters.errors import InputError
from adapters.sources import open_source
from tests.support.reading_support import bundle, patient, psa, therapy, write

PSA = (json.dumps(psa()) + "\n").encode()
Make = Callable[[Path], None]


def file(name: str, content: bytes = PSA) -> Make:
    def make(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return make


def link(name: str, target: str) -> Make:
    return lambda folder: (folder / name).symlink_to(target)


def zipped(folder: Path) -> None:
    with zipfile.ZipFile(folder / "Observation.zip", "w") as archive:
        archive.writestr("Observation.ndjson", PSA)


def linked_folder(folder: Path) -> None:
    write(folder / "sub" / "Observation.ndjson", psa())
    (folder / "again").symlink_to("sub")


def a_socket(folder: Path) -> None:
    here = os.getcwd()
    os.chdir(folder)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as unused:
            unused.bind("Observation.ndjson")
    finally:
        os.chdir(here)


# what lies beside good files -> what the error says
UNREAD: dict[str, tuple[Make, str]] = {
    "zip": (zipped, "not a FHIR file"),
    "zstandard": (file("Observation.ndjson.zst"), "not a FHIR file"),
    "bzip2": (file("Observation.ndjson.bz2", bz2.compress(PSA)), "not a FHIR file"),
    "xz": (file("Observation.ndjson.xz", lzma.compress(PSA)), "not a FHIR file"),
    "tar": (file("Observation.tar.gz"), "not a FHIR file"),
    "an unfinished download": (file("Observation.ndjson.part"), "not a FHIR file"),
    "a download of a browser": (file("Observation.ndjson.crdownload"), "not a FHIR file"),
    "an unfinished copy of rsync": (file(".Observation.ndjson.aB3xY9"), "not a FHIR file"),
    "a rotated file": (file("Observation.ndjson.1"), "not a FHIR file"),
    "an old file": (file("Observation.ndjson~"), "not a FHIR file"),
    "a file without suffix": (file("part-00000"), "not a FHIR file"),
    "text": (file("Observation.txt"), "not a FHIR file"),
    "XML": (file("Observation.xml", b"<Observation/>"), "not a FHIR file"),
    "deep in a subfolder": (file("a/b/c/Observation.ndjson.zst"), "not a FHIR file"),
    "a dangling link": (link("Observation.ndjson", "nowhere.ndjson"), "a link that leads nowhere"),
    "a link to itself": (link("Observation.ndjson", "Observation.ndjson"), "a link that leads nowhere"),
    "a link to a folder": (linked_folder, "a link to a folder"),
    "a link to the folder itself": (link("more", "."), "a link to a folder"),
    "a FIFO": (lambda folder: os.mkfifo(folder / "Observation.ndjson"), "not a regular file"),
    "a FIFO of any name": (lambda folder: os.mkfifo(folder / "pipe"), "not a regular file"),
    "a socket": (a_socket, "not a regular file"),
    "an empty folder named as a file": (lambda folder: (folder / "Observation.ndjson").mkdir(), "no data"),
    "an empty file": (file("Observation.ndjson", b""), "an empty file"),
    "an empty file of a part": (file("Observation.0001.ndjson.gz", b""), "an empty file"),
    "blank lines": (file("Observation.ndjson", b"\n \r\n"), "an empty file"),
    "a byte order mark alone": (file("Observation.ndjson", b"\xef\xbb\xbf"), "an empty file"),
    "nothing, compressed": (file("Observation.ndjson.gz", gzip.compress(b"")), "an empty file"),
    "an empty document": (file("Observation.json", b""), "an empty file"),
    "an empty file of no type": (file("data.ndjson", b""), "an empty file"),
}
KNOWN = {
    "_SUCCESS": "_SUCCESS", ".Observation.ndjson.crc": "*.crc", "Observation.ndjson.crc": "*.crc",
    "README.md": "readme.md", "README": "readme", ".DS_Store": ".*", "._Patient.ndjson": ".*",
    "_committed_123": "_committed_*", "SHA256SUMS": "sha256sums*", "Thumbs.db": "thumbs.db",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Good files."""
    write(tmp_path / "in" / "Patient.ndjson", patient())
    write(tmp_path / "in" / "MedicationAdministration.0.ndjson", therapy())
    return tmp_path / "in"


@pytest.mark.parametrize("case", UNREAD)
def test_what_cannot_be_read_is_an_error_that_names_it(folder, case):
    make, says = UNREAD[case]
    make(folder)
    with pytest.raises(InputError, match="--skip-unknown-files") as caught:
        open_source(str(folder))
    assert says in str(caught.value)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("case", UNREAD)
def test_what_cannot_be_read_is_counted_where_that_was_asked_for(folder, case):
    make, says = UNREAD[case]
    make(folder)
    source = open_source(str(folder), skip_unknown_files=True)
    assert {read.resource["resourceType"] for read in source.read()} >= {"Patient", "MedicationAdministration"}
    ((why, number),) = source.manifest["skipped_files"].items()
    assert says in why
    assert number == 1


def test_a_locked_subfolder_is_an_error(folder, monkeypatch):
    (folder / "sub").mkdir()
    listed = Path.iterdir

    def iterdir(path: Path):
        if path.name == "sub":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)  # tests may run as root, who can open any folder
    with pytest.raises(InputError, match="a folder that cannot be opened"):
        open_source(str(folder))
    assert open_source(str(folder), skip_unknown_files=True).manifest["skipped_files"] == {
        "a folder that cannot be opened": 1
    }


@pytest.mark.parametrize("name", KNOWN)
def test_known_other_files_are_counted(folder, name):
    (folder / name).write_text("x")
    source = open_source(str(folder))
    assert source.manifest["other_files"] == {KNOWN[name]: 1}
    assert len(list(source.read())) == 2


def test_a_manifest_and_a_log_of_an_export_are_known(folder):
    (folder / "manifest.json").write_text('{"transactionTime": "2020", "output": [{"type": "Patient"}]}')
    (folder / "log.ndjson").write_text('{"eventId": "kickoff", "eventDetail": {"resourceType": "Patient"}}\n')
    assert open_source(str(folder)).manifest["other_files"] == {"log.ndjson": 1, "manifest.json": 1}


@pytest.mark.parametrize(
    ("name", "content"), [("manifest.json", json.dumps(bundle(psa())).encode()), ("log.ndjson", PSA), ("x.json", PSA)]
)
def test_resources_are_read_whatever_the_name_of_their_file(folder, name, content):
    (folder / name).write_bytes(content)
    assert "Observation" in {read.resource["resourceType"] for read in open_source(str(folder)).read()}


@pytest.mark.parametrize(
    "name",
    [
        "MedicationAdministration.1.ndjson",
        "Patient.json",
        "MedicationAdministration.ndjson.gz",
        "MedicationAdministration-more.jsonl",
    ],
)
def test_an_empty_file_of_a_type_that_others_give_is_counted(folder, name):
    (folder / name).write_bytes(b"")
    source = open_source(str(folder))
    assert source.manifest["empty_files"] == 1
    assert len(list(source.read())) == 2


def test_an_empty_part_of_an_export_without_types_is_counted(tmp_path):
    write(tmp_path / "part-00000-7f3a.json.gz", patient())
    (tmp_path / "part-00001-7f3a.json.gz").write_bytes(b"")
    assert open_source(str(tmp_path)).manifest["empty_files"] == 1


def test_a_folder_of_empty_files_is_an_error(tmp_path):
    (tmp_path / "Patient.ndjson").write_bytes(b"")
    with pytest.raises(InputError):
        open_source(str(tmp_path))
    with pytest.raises(InputError, match="no FHIR files"):
        open_source(str(tmp_path), skip_unknown_files=True)


def test_a_folder_named_as_a_file_is_read(folder):
    write(folder / "Observation.ndjson" / "part-0.ndjson", psa())
    assert len(list(open_source(str(folder)).read())) == 3


def appended(folder: Path) -> None:
    with (folder / "Patient.ndjson").open("ab") as stream:
        stream.write(PSA)


def replaced(folder: Path) -> None:
    write(folder / "new", patient())
    (folder / "new").replace(folder / "Patient.ndjson")


CHANGES: dict[str, Make] = {
    "rewritten": file("Patient.ndjson"),
    "emptied": file("Patient.ndjson", b""),
    "appended": appended,
    "replaced": replaced,
    "another file": file("Observation.ndjson"),
    "a file gone": lambda folder: (folder / "MedicationAdministration.0.ndjson").unlink(),
}


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("case", CHANGES)
def test_a_source_that_changes_after_it_was_opened_is_an_error(folder, case, again):
    source = open_source(str(folder))
    if again:
        list(source.read())
    CHANGES[case](folder)
    with pytest.raises(InputError, match=r"the source changed while it was read|cannot be read"):
        list(source.read())


@pytest.mark.parametrize("case", ["rewritten", "emptied", "another file"])
def test_a_file_that_changes_while_a_view_runs_leaves_no_rows(folder, case, tmp_path, monkeypatch):
    from adapters.view_command import run_view_command

    view = {"resource": "Patient", "name": "p", "select": [{"column": [{"name": "id", "path": "id"}]}]}
    (tmp_path / "v.json").write_text(json.dumps(view))
    source, out = open_source(str(folder)), tmp_path / "rows.csv"

    def progress(*_: object) -> None:
        CHANGES[case](folder)

    with pytest.raises(InputError, match="the source changed while it was read"):
        run_view_command([tmp_path / "v.json"], source, "csv", out, progress, accept_unreadable=False)
    assert not out.exists()


def test_the_commands_refuse_or_count_alike(folder, tmp_path):
    (folder / "Observation.ndjson.zst").write_bytes(PSA)
    view = {"resource": "Patient", "name": "p", "select": [{"column": [{"name": "id", "path": "id"}]}]}
    (tmp_path / "v.json").write_text(json.dumps(view))
    commands = [
        ["pull", str(folder), "--out", str(tmp_path / "out")],
        ["doctor", str(folder)],
        ["view", str(tmp_path / "v.json"), str(folder), "--format", "csv"],
    ]
    for command in commands:
        refused = CliRunner().invoke(app, command)
        assert refused.exit_code == 2
        assert "Observation.ndjson.zst: not a FHIR file; " in refused.stderr
        assert CliRunner().invoke(app, [*command, "--skip-unknown-files"]).exit_code == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["reading"]["skipped_files"] == {"not a FHIR file": 1}
