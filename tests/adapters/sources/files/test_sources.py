"""Files and folders as sources: every container and encoding in use gives the same records."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.errors import InputError
from adapters.fhir import strict_json
from adapters.sources import Line, Read, open_source, read_again
from adapters.sources.files.source import safe_label
from tests.support.reading_support import bundle, patient, psa, write


def keys(path: Path) -> list[str]:
    return [f"{r.resource['resourceType']}/{r.resource.get('id')}" for r in open_source(str(path)).read()]


@pytest.mark.parametrize("kind", ["transaction", "collection", "searchset", "batch", "history", "document"])
def test_a_bundle_of_any_type_gives_its_resources_in_order(tmp_path, kind):
    path = write(tmp_path / "b.json", bundle(patient(), psa(), kind=kind))
    assert keys(path) == ["Patient/p1", "Observation/o1"]


def test_a_single_resource_is_a_source_of_one(tmp_path):
    assert keys(write(tmp_path / "one.json", patient())) == ["Patient/p1"]


def test_key_order_in_a_bundle_does_not_matter(tmp_path):
    reordered = {"entry": [{"resource": patient()}], "type": "collection", "resourceType": "Bundle"}
    assert keys(write(tmp_path / "b.json", reordered)) == ["Patient/p1"]


def test_bundles_within_a_bundle_are_opened(tmp_path):
    assert keys(write(tmp_path / "b.json", bundle(bundle(patient()), psa()))) == ["Patient/p1", "Observation/o1"]


def test_entries_without_a_resource_are_counted(tmp_path):
    document = bundle(patient())
    document["entry"].append({"request": {"method": "DELETE", "url": "Patient/p2"}})
    source = open_source(str(write(tmp_path / "b.json", document)))
    assert [r.origin for r in source.read()] == ["b.json#entry[0]"]
    assert source.manifest["entries_without_resource"] == 1


def test_a_bundle_without_entries_gives_nothing(tmp_path):
    assert keys(write(tmp_path / "b.json", {"resourceType": "Bundle", "type": "searchset"})) == []


@pytest.mark.parametrize(
    "text",
    [
        "{a}\n{b}\n",
        "{a}\r\n{b}\r\n",
        "\ufeff{a}\n{b}",
        "\n\n{a}\n\n{b}\n\n",
        "  {a}  \n\t{b}",
    ],
    ids=["plain", "crlf", "bom", "blank lines", "spaces"],
)
def test_ndjson_is_read_however_it_was_written(tmp_path, text):
    lines = text.replace("{a}", json.dumps(patient())).replace("{b}", json.dumps(psa()))
    path = tmp_path / "x.ndjson"
    path.write_bytes(lines.encode())
    assert keys(path) == ["Patient/p1", "Observation/o1"]


@pytest.mark.parametrize("name", ["x.ndjson.gz", "x.jsonl.gz", "x.ndjson", "x.jsonl"])
def test_gzip_is_known_by_its_first_bytes_whatever_the_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(json.dumps(patient()).encode()))
    assert keys(path) == ["Patient/p1"]


def test_a_plain_file_named_gz_is_read_as_it_is(tmp_path):
    path = tmp_path / "x.json.gz"
    path.write_text(json.dumps(patient()))
    assert keys(path) == ["Patient/p1"]


def test_a_folder_may_mix_bundles_and_ndjson_in_subfolders(tmp_path):
    write(tmp_path / "a" / "b.json", bundle(patient()))
    write(tmp_path / "c.ndjson", psa())
    (tmp_path / "README.md").write_text("no FHIR")
    (tmp_path / "log.ndjson").write_text('{"eventId": "kickoff"}\n')
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.json").write_text("not JSON")
    source = open_source(str(tmp_path))
    assert [r.origin for r in source.read()] == ["a/b.json#entry[0]", "c.ndjson:1"]
    assert source.kind == "folder"


def test_reading_again_gives_the_same_records(tmp_path):
    source = open_source(str(write(tmp_path / "b.json", bundle(patient(), psa()))))
    assert list(source.read()) == list(source.read())


def test_a_folder_without_fhir_files_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no FHIR files"):
        open_source(str(tmp_path))


def test_a_link_out_of_the_folder_is_an_error(tmp_path):
    outside = write(tmp_path / "outside" / "x.json", patient())
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "x.json").symlink_to(outside)
    with pytest.raises(InputError, match="leads out of the folder"):
        open_source(str(folder))


def test_an_unreadable_line_is_counted_where_that_was_accepted(tmp_path):
    path = tmp_path / "x.ndjson"
    path.write_text(json.dumps(patient()) + "\n{oops\nnull\n[]\n" + json.dumps(psa()) + "\n")
    source = open_source(str(path), accept_unreadable=True)
    assert [r.origin for r in source.read()] == ["x.ndjson:1", "x.ndjson:5"]
    assert source.unreadable == 3


def test_a_last_line_cut_off_is_never_accepted(tmp_path):
    path = tmp_path / "x.ndjson"
    path.write_text(json.dumps(patient()) + "\n" + json.dumps(psa())[:-5])
    with pytest.raises(InputError, match="last line is cut off"):
        list(open_source(str(path), accept_unreadable=True).read())


@pytest.mark.parametrize("text", ["0.10", "1.2E+2", "1234567890.123456789", "-0.0"])
def test_decimals_keep_their_digits(text):
    value = strict_json.loads(f'{{"value": {text}}}')["value"]
    assert isinstance(value, Decimal)
    assert str(value) == str(Decimal(text))


@pytest.mark.parametrize(("digits", "kind"), [(299, int), (300, Decimal), (4300, Decimal)])
def test_integers_that_no_float_holds_are_decimals(digits, kind):
    value = strict_json.loads("9" * digits)
    assert type(value) is kind
    assert str(value) == "9" * digits


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": 1, "a": 2}', "same key twice"),
        ('{"a": NaN}', "NaN is not"),
        ('{"a": -Infinity}', "Infinity is not"),
        ('{"a": ' + "1" * 5000 + "}", "too many digits"),
        ('{"a": 1e99999999999999999999}', "too many digits"),
        ("[" * 101 + "]" * 101, "nested deeper"),
        ("[" * 100_000, "nested deeper"),
        ('{"a": "\\ud800"}', "half a character"),
        ('{"a": "\\uDC00"}', "half a character"),
        ('{"a": 1} {}', "follows the end"),
        ('{"a": 1,}', "property name"),
        ("", "expecting value"),
    ],
)
def test_what_parsers_forgive_is_an_error(text, reason):
    with pytest.raises(strict_json.JsonError, match=reason):
        strict_json.loads(text)


@pytest.mark.parametrize("text", ["[" * 100 + "]" * 100, '{"a": "\\ud83d\\ude00"}', '{"a": ' + "1" * 4000 + "}"])
def test_what_only_looks_odd_is_read(text):
    strict_json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"resourceType": "Bundle", "entry": [], "entry": []}',
        '{"resourceType": "Bundle", "entry": [{}',
        '{"resourceType": "Bundle", "entry": [{},]}',
        '{"resourceType": "Bundle", "entry": [{}]} x',
        '{"resourceType": "Bundle", "entry": [{} {}]}',
        '{"resourceType": "Bundle" "entry": []}',
        '{"resourceType": "Bundle",}',
        '{"resourceType": "Bundle"',
        "{1: 2}",
    ],
)
def test_reading_entry_by_entry_is_as_strict_as_reading_at_once(text):
    with pytest.raises(strict_json.JsonError):
        list(strict_json.stream_object(text, "entry"))
    with pytest.raises(strict_json.JsonError):
        strict_json.loads(text)


@pytest.mark.parametrize("text", ["{}", ' { "a" : [ ] , "entry" : [ 1 , {"b":2} ] , "c":null } ', '{"entry": 5}'])
def test_reading_entry_by_entry_gives_what_reading_at_once_gives(text):
    whole = strict_json.loads(text)
    flat = [(k, e) for k, v in whole.items() for e in (v if k == "entry" and isinstance(v, list) else [v])]
    assert list(strict_json.stream_object(text, "entry")) == flat


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Observation.ndjson", "Observation.ndjson"),
        ("demo.json", "demo.json"),
        ("Mustermann_Max.json", "file-0007.json"),
        ("MRN-123.ndjson.gz", "file-0007.ndjson"),
        ("Observation.000.ndjson", "file-0007.ndjson"),
    ],
)
def test_file_names_that_may_name_patients_stay_out_of_the_manifest(name, label):
    assert safe_label(Path(name), 7) == label


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1.10}',
        '{"a": [1, 2.50],\n "b": {}}',
        '{"a":1e2}',
        '{"a":"\\u00e4\\/"}',
        '"\u00e4"',
        "-0",
        "9" * 300,
        "9" * 299,
    ],
)
def test_the_quick_decoder_gives_what_the_strict_one_gives(text):
    value, strict = strict_json.loads(text), strict_json._strict(text)
    assert (type(value), repr(value)) == (type(strict), repr(strict))


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_key_given_twice_is_found_however_the_text_is_spaced(separators):
    text = json.dumps({"a": {"b": 1, "c": 2}}, separators=separators).replace('"c"', '"b"')
    with pytest.raises(strict_json.JsonError, match="twice"):
        strict_json.loads(text)


def test_reading_again_gives_lines_where_a_resource_has_one_of_its_own(tmp_path):
    bundle_line = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Patient"}}]}
    lines = [{"resourceType": "Patient", "id": "a"}, {"id": "b", "resourceType": "Patient"}, bundle_line]
    source = open_source(str(write(tmp_path / "x.ndjson", *lines)))
    once = [read.resource for read in source.read()]
    again = list(read_again(source))
    assert [type(record) for record in again] == [Line, Read, Read]
    assert [strict_json.loads(r.text.decode()) if isinstance(r, Line) else r.resource for r in again] == once


def test_reading_again_decodes_where_lines_were_passed_over(tmp_path):
    path = tmp_path / "x.ndjson"
    path.write_text('{"resourceType":"Patient"}\nno JSON\n{"resourceType":"Patient"}\n')
    source = open_source(str(path), accept_unreadable=True)
    assert len(list(source.read())) == 2
    assert [type(record) for record in read_again(source)] == [Read, Read]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_reading_again_gives_what_reading_gave_whatever_stands_around_the_lines(tmp_path, ending):
    path = tmp_path / "x.ndjson"
    texts = ["", ' {"resourceType":"Patient","id":"a"}', "  ", '{"resourceType":"Patient","id":"b"}']
    texts += [
        '{ "resourceType" : "Patients" }',
        '{"resourceType":"Condition","id":"c"}',
        "",
        '{"resourceType":"Patient"}',
    ]
    for start in (0, 1, 3):
        for mark in (b"", b"\xef\xbb\xbf"):
            path.write_bytes(mark + ending.join(texts[start:]).encode())
            source = open_source(str(path))
            once = [read.resource for read in source.read()]
            again = [
                strict_json.loads(r.text.decode()) if isinstance(r, Line) else r.resource for r in read_again(source)
            ]
            kinds = [r.kind if isinstance(r, Line) else r.resource["resourceType"] for r in read_again(source)]
            assert again == once
            assert kinds == [resource["resourceType"] for resource in once]
            assert len(once) == 5 - (start == 3)


@pytest.mark.parametrize("deep", [False, True])
def test_many_brackets_are_fine_and_only_deep_ones_are_refused(deep):
    levels = strict_json.MAX_DEPTH
    text = "[" * levels + "1" + "]" * levels if deep else "[" + "[1]," * 2 * levels + "[]]"
    assert strict_json.loads(text) == strict_json._strict(text)
    if deep:
        with pytest.raises(strict_json.JsonError, match="nested deeper"):
            strict_json.loads(f"[{text}]")
