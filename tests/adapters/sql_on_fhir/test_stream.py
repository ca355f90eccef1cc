"""Files through views: one pass, many processes, the same rows; no line vanishes, nothing half-written stays."""

from __future__ import annotations

import gzip
import json
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from adapters.errors import InputError
from adapters.sql_on_fhir import compile_view
from adapters.sql_on_fhir.files.blocks import BLOCK, Piece, blocks, lines_of, pieces
from adapters.sql_on_fhir.files.lines import LineReader
from adapters.sql_on_fhir.files.stream import run_views
from tests.support.sql_on_fhir.views import columns, typed, view

IDS = view("Patient", columns(id="id")) | {"name": "ids"}
GIVEN = view("Patient", {"forEach": "name.given", **columns(given="$this")}) | {"name": "given"}
VALUES = view("Observation", columns(id="id"), typed("value.ofType(Quantity).value", "decimal")) | {"name": "values"}


def patient(number: int) -> str:
    return json.dumps({"resourceType": "Patient", "id": f"p{number}", "name": [{"given": ["A", f"B{number}"]}]})


def observation(number: int) -> str:
    return f'{{"resourceType":"Observation","id":"o{number}","valueQuantity":{{"value":{number}.10}}}}'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Patients and Observations in turn, in two files, one of them gzip."""
    folder = tmp_path / "export"
    folder.mkdir()
    lines = [patient(number) if number % 2 else observation(number) for number in range(200)]
    (folder / "a.ndjson").write_text("\n".join(lines[:120]) + "\n")
    (folder / "b.ndjson.gz").write_bytes(gzip.compress(("\r\n".join(lines[120:])).encode()))
    (folder / "notes.txt").write_text("not read")
    return folder


@pytest.mark.parametrize("processes", [1, 2])
def test_several_views_in_one_pass(source: Path, tmp_path: Path, processes: int) -> None:
    seen: list[tuple[int, int]] = []
    counts = run_views(
        [IDS, GIVEN, VALUES],
        [source],
        out=tmp_path / "out",
        processes=processes,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert counts["lines"] == 200
    assert counts["resources"] == {"Observation": 100, "Patient": 100}
    assert counts["rows"] == {"ids": 100, "given": 200, "values": 100}
    assert (counts["unreadable"], counts["findings"]) == (0, [])
    values = pq.read_table(tmp_path / "out" / "values.parquet").to_pylist()
    assert [row["id"] for row in values] == [f"o{number}" for number in range(0, 200, 2)]
    assert str(values[1]["x"]) == "2.100000000000000000"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "given.parquet",
        "ids.parquet",
        "values.parquet",
    ]
    assert seen[-1][0] == seen[-1][1] == sum(path.stat().st_size for path in source.glob("*.ndjson*"))


def test_text_formats(source: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    run_views([VALUES], [source / "a.ndjson"], out=tmp_path / "v.csv", format="csv")
    assert (tmp_path / "v.csv").read_text().splitlines()[:3] == ["id,x", "o0,0.10", "o2,2.10"]
    run_views([VALUES], [source / "b.ndjson.gz"], format="ndjson")
    assert capfdbinary.readouterr().out.splitlines()[0] == b'{"id":"o120","x":120.10}'


def test_a_view_without_rows_still_gives_a_table(source: Path, tmp_path: Path) -> None:
    nobody = view("Patient", columns(id="id"), where=[{"path": "id = 'nobody'"}])
    assert run_views([nobody], [source], out=tmp_path / "x.parquet")["rows"] == {"tested": 0}
    table = pq.read_table(tmp_path / "x.parquet")
    assert (table.num_rows, table.column_names) == (0, ["id"])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"resourceType":"Patient","id":"p1"', "not JSON"),
        ('{"resourceType":"Patient","id":"p1"} x', "not JSON"),
        ('{"resourceType":"Patient","id":"p1"}{"resourceType":"Patient"}', "not JSON"),
        ('{"resourceType":"Encounter","id":', "not JSON"),
        ('{"resourceType":"Encounter","id":[1,]}', "not JSON"),
        ('{"id":"p1"}', "resourceType is missing"),
        ('{"resourceType":5}', "resourceType is missing"),
        ("[]", "resourceType is missing"),
        ("null", "resourceType is missing"),
        ('{"resourceType":"Encounter","id":' + "[" * 100_000, "nested too deeply"),
        ('{"resourceType":"Patient","id":1E+99999999999999999999}', "a number beyond all decimals"),
    ],
)
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_line_that_is_no_resource_never_vanishes(tmp_path: Path, line: str, reason: str, place: int) -> None:
    lines = [patient(number) for number in range(4)]
    lines.insert(place, line)
    path = tmp_path / "broken.ndjson"
    path.write_text("\n".join(lines))
    with pytest.raises(InputError) as caught:
        run_views([IDS], [path], out=tmp_path / "out.csv", format="csv")
    assert reason in str(caught.value)
    assert f"broken.ndjson:{place + 1}" in str(caught.value)
    assert "p1" not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["broken.ndjson"], "nothing half-written stays"
    counts = run_views([IDS], [path], out=tmp_path / "out.csv", format="csv", accept_unreadable=True)
    assert (counts["unreadable"], counts["rows"]) == (1, {"ids": 4})


def test_bytes_that_are_no_utf8_are_found_even_where_no_view_reads(tmp_path: Path) -> None:
    path = tmp_path / "latin.ndjson"
    path.write_bytes(b'{"resourceType":"Patient","id":"a"}\n{"resourceType":"Patient","id":"b","x":"\xff"}\n')
    with pytest.raises(InputError, match=r"latin.ndjson:2: .*not UTF-8"):
        run_views([IDS], [path], out=tmp_path / "x.csv", format="csv")


def test_blank_lines_byte_order_mark_and_missing_last_newline(tmp_path: Path) -> None:
    path = tmp_path / "odd.ndjson"
    path.write_bytes(b"\xef\xbb\xbf\n" + patient(1).encode() + b"\r\n\r\n  \n" + patient(2).encode())
    counts = run_views([IDS], [path], out=tmp_path / "x.csv", format="csv")
    assert counts["rows"] == {"ids": 2}


def test_findings_are_counted_by_column_and_reason(tmp_path: Path) -> None:
    whole = view("Observation", columns(id="id"), typed("value.ofType(Quantity).value", "integer"))
    path = tmp_path / "o.ndjson"
    path.write_text("\n".join(observation(number) for number in range(5)))
    counts = run_views([whole], [path], out=tmp_path / "x.parquet")
    (finding,) = counts["findings"]
    assert finding == {
        "view": "tested",
        "column": "x",
        "path": "value.ofType(Quantity).value",
        "reason": "not a whole number",
        "count": 5,
    }
    assert pq.read_table(tmp_path / "x.parquet").column("x").null_count == 5


@pytest.mark.parametrize(
    ("paths", "options", "words"),
    [
        (["missing.ndjson"], {}, "no such file"),
        ([], {}, "nothing to read"),
        (["."], {}, "no .ndjson"),
        (["a.ndjson"], {"format": "xml", "out": "x"}, "unknown format"),
        (["a.ndjson"], {"format": "parquet"}, "standard output"),
        (["cut.ndjson.gz"], {"out": "x.parquet"}, "cut off or damaged"),
    ],
)
def test_a_wrong_call_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: list[str], options: Any, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if "." not in paths:
        (tmp_path / "a.ndjson").write_text(patient(1))
        (tmp_path / "cut.ndjson.gz").write_bytes(gzip.compress(patient(1).encode())[:-12])
    with pytest.raises(InputError, match=words) as caught:
        run_views([IDS], paths, **options)
    assert "\n" not in str(caught.value)


def test_several_views_need_a_folder_and_names(source: Path) -> None:
    with pytest.raises(InputError, match="need a folder"):
        run_views([IDS, GIVEN], [source], format="csv")
    with pytest.raises(InputError, match="same name"):
        run_views([IDS, IDS], [source], format="csv", out="somewhere")


def test_pieces_of_a_file_join_to_the_file_wherever_they_are_cut(tmp_path: Path) -> None:
    chance = random.Random(3)
    path = tmp_path / "x.ndjson"
    for _ in range(60):
        data = b"\n".join(b"x" * chance.randint(0, 30) for _ in range(chance.randint(0, 40)))
        path.write_bytes(data)
        for size in (1, 2, 7, 50, 1000):
            found = b"".join(block for piece in pieces(path, size) for block in lines_of(piece, chance.randint(1, 20)))
            assert found == data


def test_blocks_end_at_line_ends() -> None:
    piece = Piece(Path("x"), 0, 0, b"abc\n" * 1000)
    found = list(lines_of(piece, 10))
    assert b"".join(found) == piece.data
    assert all(block.endswith(b"\n") for block in found)
    assert BLOCK > 0
    assert blocks.__doc__


@pytest.mark.slow
def test_memory_does_not_grow_with_the_input(tmp_path: Path) -> None:
    """Peak of Python's own allocations for ten times the lines: flat but for a few blocks."""
    peaks = []
    for copies in (1, 10):
        path = tmp_path / f"{copies}.ndjson"
        with path.open("w") as file:
            for _ in range(copies):
                file.writelines(observation(number) + "\n" for number in range(20_000))
        tracemalloc.start()
        run_views([VALUES], [path], out=tmp_path / "x.parquet", processes=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 3 * peaks[0] + (8 << 20)


def test_a_line_takes_back_the_rows_of_a_resource_it_cannot_finish() -> None:
    """The third name does not fit: its resource is read again from its beginning, once, with a finding."""
    compiled = compile_view(view("Patient", {"forEach": "name", **typed("period.start", "dateTime")}))
    names = [{"period": {"start": text}} for text in ("2020", "2021-01", "nonsense")]
    reader = LineReader([compiled])
    reader.block(json.dumps({"resourceType": "Patient", "name": names}).encode())
    assert reader.rows[0] == [("2020",), ("2021-01",), (None,)]
    assert sum(reader.tally.findings.values()) == 1


def test_a_number_of_more_digits_than_arrow_holds_is_null_and_a_finding(tmp_path):
    source = tmp_path / "one.ndjson"
    source.write_text('{"resourceType": "Patient", "id": "a"}\n')
    view = {"resource": "Patient", "name": "v", "select": [{"column": [{"name": "x", "path": "1.50.power(99)"}]}]}
    counts = run_views([view], [source], out=tmp_path / "v.parquet")
    assert pq.read_table(tmp_path / "v.parquet")["x"].to_pylist() == [None]
    assert [finding["reason"] for finding in counts["findings"]] == ["does not fit decimal128(38, 18)"]
