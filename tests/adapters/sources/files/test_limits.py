"""Files that hold more than they seem to: an error in one line, within little memory, and the last tables untouched."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.errors import InputError
from adapters.sources import open_source
from adapters.sources.files import limits
from tests.support.reading_support import bundle, patient, psa, therapy, write

LINES = "".join(json.dumps(one) + "\n" for one in (patient(), therapy(), psa())).encode()
MIB = 2**20


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits a thousandth of what they are."""
    for name in ("MAX_LINE_BYTES", "MAX_DOCUMENT_BYTES", "ALWAYS_READ_BYTES"):
        monkeypatch.setattr(limits, name, getattr(limits, name) // 1024)


def packed(path: Path, pieces: Iterator[bytes]) -> None:
    with gzip.open(path, "wb", compresslevel=9) as file:
        for piece in pieces:
            file.write(piece)


def many(piece: bytes, mebibytes: float) -> Iterator[bytes]:
    block = piece * (2**16 // len(piece))
    return iter([block] * int(mebibytes * MIB / len(block)))


BOMBS: dict[str, tuple[str, Callable[[], Iterator[bytes]], str]] = {
    "blank lines": ("x.ndjson.gz", lambda: many(b"\n", 1), "500 times its size"),
    "spaces": ("x.ndjson.gz", lambda: many(b" ", 1), "a line is longer"),
    "zeros in a line": ("x.ndjson.gz", lambda: many(b"0", 1), "a line is longer"),
    "zeros after good lines": ("x.jsonl.gz", lambda: iter([LINES, *many(b"0", 1)]), "a line is longer"),
    "a document of spaces": ("x.json.gz", lambda: many(b" ", 1), "500 times its size"),
    "zeros after a Bundle": ("x.json", lambda: iter([json.dumps(bundle()).encode(), *many(b"0", 2)]), "500 times"),
    "a string of letters": ("x.json.gz", lambda: iter([b'{"resourceType": "', *many(b"A", 1)]), "500 times"),
}


@pytest.mark.parametrize("case", BOMBS)
def test_a_bomb_is_an_error(case, small, tmp_path):
    name, pieces, says = BOMBS[case]
    packed(tmp_path / name, pieces())
    with pytest.raises(InputError, match=says):
        list(open_source(str(tmp_path / name)).read())


def test_a_large_document_is_an_error(small, tmp_path):
    write(tmp_path / "x.json", bundle(*(psa(identity=f"o{number}" * 20) for number in range(6000))))
    assert (tmp_path / "x.json").stat().st_size > limits.MAX_DOCUMENT_BYTES
    with pytest.raises(InputError, match="a JSON document of more than"):
        list(open_source(str(tmp_path / "x.json")).read())


def test_a_file_that_repeats_itself_is_no_bomb(small, tmp_path):
    packed(tmp_path / "x.ndjson.gz", iter([LINES] * 700))
    assert len(list(open_source(str(tmp_path / "x.ndjson.gz")).read())) == 2100


def test_the_limits_are_wide():
    assert (limits.MAX_LINE_BYTES, limits.MAX_DOCUMENT_BYTES) == (64 * MIB, 1024 * MIB)


def test_what_does_not_fit_into_memory_is_an_error(tmp_path, monkeypatch):
    def none(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr("adapters.sources.files.source.document_within", none)
    write(tmp_path / "x.json", bundle(patient()))
    with pytest.raises(InputError, match="does not fit into the memory"):
        list(open_source(str(tmp_path / "x.json")).read())


def within_2_gb(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    limit = 2 * 1024 * MIB
    return subprocess.run(
        [sys.executable, "-m", "adapters", *map(str, arguments)], capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip


HUGE: dict[str, tuple[str, Callable[[], Iterator[bytes]]]] = {
    "a document of 1.5 GB": ("x.json.gz", lambda: iter([b'{"resourceType": "', *many(b"A", 1500)])),
    "a document of 900 MB": ("x.json.gz", lambda: iter([b'{"resourceType": "', *many(b"AbCdE012", 900)])),
    "a line of 1.5 GB": ("x.ndjson.gz", lambda: many(b"0", 1500)),
    "deep nesting": ("x.json", lambda: iter([b"[" * 10_000_000])),
    "deep nesting in a line": ("x.ndjson", lambda: iter([LINES, b'{"a":' * 5_000_000])),
    "one bad of 10^6 lines": ("x.ndjson", lambda: iter([*([LINES] * 333_333), b"{oops\n"])),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", HUGE)
def test_in_2_gb_an_error_is_one_line_and_the_tables_stay(case, tmp_path):
    out = tmp_path / "out"
    assert (
        within_2_gb("pull", write(tmp_path / "good.json", bundle(patient(), therapy())), "--out", out).returncode == 0
    )
    before = (out / "manifest.json").read_bytes()
    name, pieces = HUGE[case]
    packed(tmp_path / name, pieces())
    done = within_2_gb("pull", tmp_path / name, "--out", out)
    assert done.returncode == 2, done.stderr
    (said,) = [line for line in done.stderr.splitlines() if not line.startswith("reading: ")]  # progress apart
    assert said.startswith("error: ")
    assert (out / "manifest.json").read_bytes() == before
