"""Decimals keep their digits, partial dates stay partial, types become Arrow types, misfits become findings."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from adapters.sql_on_fhir import compile_view
from adapters.sql_on_fhir.files.arrow import record_batch
from adapters.sql_on_fhir.files.texts import csv_header, csv_text, ndjson
from tests.support.sql_on_fhir.views import by_lines, decoded, typed, view

QUANTITY = "value.ofType(Quantity).value"
DATE_TIME = "effective.ofType(dateTime)"


def observation(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": "o1", **elements}


def outcome(resource: dict[str, Any], path: str, kind: str, **more: Any) -> tuple[Any, list[str]]:
    """The value of one typed column and the reasons of its findings, over dicts; lines must agree."""
    compiled = compile_view(view(resource["resourceType"], typed(path, kind, **more)))
    reasons: list[str] = []
    (row,) = compiled.rows([resource], lambda *finding: reasons.append(finding[3]))
    assert repr(by_lines(compiled, [resource])) == repr([(row["x"],)])
    return row["x"], reasons


@pytest.mark.parametrize(
    "text", ["0.10", "5.0", "100", "1.50E-7", "-0.0001", "12345678901234567.89", "0.1234567890123456789"]
)
def test_a_decimal_keeps_its_digits(text: str) -> None:
    resource = decoded(f'{{"resourceType":"Observation","valueQuantity":{{"value":{text}}}}}')
    number, reasons = outcome(resource, QUANTITY, "decimal")
    assert (str(number), reasons) == (str(Decimal(text)), [])
    as_text, _ = outcome(resource, QUANTITY, "string")
    assert Decimal(as_text) == Decimal(text)
    assert as_text == format(Decimal(text), "f")


def test_a_decimal_that_arrives_as_float_stays_one() -> None:
    compiled = compile_view(view("Observation", typed(QUANTITY, "decimal")))
    assert list(compiled.rows([observation(valueQuantity={"value": 0.1})])) == [{"x": 0.1}]


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("0.1 + 0.2", "0.3"),
        ("1.10 * 3", "3.30"),
        ("1 / 3", "0.333333333333333333"),
        ("7 / 0", None),
        ("7 div 2", "3"),
        ("-7 mod 3", "-1"),
    ],
)
def test_arithmetic_is_decimal(path: str, result: str | None) -> None:
    value, reasons = outcome(observation(), path, "decimal")
    assert (None if value is None else str(value), reasons) == (result, [])


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        *[("date", text, True) for text in ("1970", "1970-06", "2020-02-29")],
        *[
            ("date", text, False)
            for text in ("2019-02-29", "1970-13", "70", "1970-6-1", "0000", "2020-01-01T10:00:00Z", "")
        ],
        *[
            ("dateTime", text, True)
            for text in ("1970", "1970-06", "2020-02-29", "2020-02-29T10:00:00Z", "2020-02-29T10:00:00.5+14:00")
        ],
        *[
            ("dateTime", text, False)
            for text in ("2020-02-29T10:00", "2020-02-29T10:00:00", "2020-02-30T10:00:00Z", "2020-02-29T24:00:00Z")
        ],
        *[("dateTime", text, False) for text in ("202002", "2020-02-29T10:00:00+15:00", "2020-02-29 10:00:00Z")],
        ("instant", "2015-02-07T13:28:17.239+02:00", True),
        ("instant", "2015-02-07", False),
        ("time", "12:34:00", True),
        ("time", "12:34", False),
    ],
)
def test_partial_dates_stay_and_wrong_ones_are_findings(kind: str, value: str, fits: bool) -> None:
    found, reasons = outcome(observation(valueString=value), "value.ofType(string)", kind)
    assert (found == value, len(reasons)) == ((True, 0) if fits else (False, 1))


@pytest.mark.parametrize(
    ("element", "path", "kind", "reason"),
    [
        ({"valueString": "5"}, "value.ofType(string)", "integer", "not a whole number"),
        ({"valueInteger": 2**31}, "value.ofType(integer)", "integer", "outside the range of integer"),
        ({"valueInteger": True}, "value.ofType(integer)", "integer", "not a whole number"),
        ({"valueQuantity": {"value": Decimal("1.0")}}, QUANTITY, "integer", "not a whole number"),
        ({"valueQuantity": {"value": "1"}}, QUANTITY, "decimal", "not a number"),
        ({"valueQuantity": {"value": True}}, QUANTITY, "decimal", "not a number"),
        ({"valueBoolean": "true"}, "value.ofType(boolean)", "boolean", "not true or false"),
        ({"valueQuantity": {"value": 1}}, "value.ofType(Quantity)", "string", "not a single text"),
        ({"effectiveDateTime": 2020}, DATE_TIME, "dateTime", "not a dateTime"),
    ],
)
def test_a_value_that_does_not_fit_is_a_finding_and_null(element: Any, path: str, kind: str, reason: str) -> None:
    assert outcome(observation(**element), path, kind) == (None, [reason])


@pytest.mark.parametrize(("low", "fits"), [(-(2**31), True), (-(2**31) - 1, False), (2**31 - 1, True), (2**31, False)])
def test_integers_have_limits(low: int, fits: bool) -> None:
    found, reasons = outcome(observation(valueInteger=low), "value.ofType(integer)", "integer")
    assert (found == low, reasons == []) == (fits, fits)


def test_without_listener_findings_are_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    compiled = compile_view(view("Observation", typed(QUANTITY, "integer")))
    resources = [observation(valueQuantity={"value": Decimal("1.5")})] * 3
    assert [row["x"] for row in compiled.rows(resources)] == [None] * 3
    ((finding, count),) = compiled.findings.items()
    assert (finding.view, finding.column, finding.path, finding.reason, count) == (
        "tested",
        "x",
        QUANTITY,
        "not a whole number",
        3,
    )
    assert len(caplog.records) == 1
    assert "1.5" not in caplog.text


@pytest.mark.parametrize(
    ("kind", "more", "wanted"),
    [
        ("string", {}, pa.string()),
        ("code", {}, pa.string()),
        ("decimal", {}, pa.decimal128(38, 18)),
        ("integer", {}, pa.int32()),
        ("positiveInt", {}, pa.int32()),
        ("integer64", {}, pa.int64()),
        ("boolean", {}, pa.bool_()),
        ("date", {}, pa.string()),
        ("dateTime", {}, pa.string()),
        ("instant", {}, pa.timestamp("us", tz="UTC")),
        ("string", {"collection": True}, pa.list_(pa.string())),
        ("date", {"tag": [{"name": "ansi/type", "value": "DATE"}]}, pa.date32()),
        ("decimal", {"tag": [{"name": "ansi/type", "value": "decimal(10, 2)"}]}, pa.decimal128(10, 2)),
        ("decimal", {"tag": [{"name": "ansi/type", "value": "DOUBLE PRECISION"}]}, pa.float64()),
        ("dateTime", {"tag": [{"name": "ansi/type", "value": "TIMESTAMP"}]}, pa.timestamp("us", tz="UTC")),
        ("string", {"tag": [{"name": "ansi/type", "value": "VARCHAR(5)"}]}, pa.string()),
    ],
)
def test_columns_have_arrow_types(kind: str, more: dict[str, Any], wanted: pa.DataType) -> None:
    compiled = compile_view(view("Observation", typed("id", kind, **more)))
    assert compiled.arrow_schema.field("x").type == wanted
    assert compiled.arrow_schema.field("x").metadata == {b"fhir_type": kind.encode()}
    assert compiled.columns[0] == ("x", kind, more.get("collection", False))


def test_the_type_of_a_column_without_declaration_is_that_of_its_path() -> None:
    paths = {
        "a": "status",
        "b": QUANTITY,
        "c": "issued",
        "d": "code.exists()",
        "e": "component.count()",
        "f": "code",
        "g": "value",
    }
    select = {"column": [{"name": name, "path": path} for name, path in paths.items()]}
    found = [column.type for column in compile_view(view("Observation", select)).columns]
    assert found == ["code", "decimal", "instant", "boolean", "integer", "CodeableConcept", None]


@pytest.mark.parametrize(
    ("kind", "tag", "value", "stored", "reasons"),
    [
        ("decimal", None, Decimal("0.10"), Decimal("0.10"), []),
        ("decimal", None, 7, Decimal(7), []),
        ("decimal", None, 0.1, Decimal("0.1"), []),
        ("decimal", None, Decimal("1E-18"), Decimal("1E-18"), []),
        ("decimal", None, Decimal("1E-19"), None, ["more digits than decimal128(38, 18)"]),
        ("decimal", None, Decimal("1E+19"), Decimal("1E+19"), []),
        ("decimal", None, Decimal("1E+20"), None, ["more digits than decimal128(38, 18)"]),
        ("decimal", None, Decimal("1E+999999"), None, ["not a number of ordinary size"]),
        ("decimal", "DOUBLE PRECISION", Decimal("0.5"), 0.5, []),
        ("decimal", "INTEGER", Decimal("2.0"), 2, []),
        ("decimal", "INTEGER", Decimal("2.5"), None, ["no int32"]),
        ("string", "DECIMAL", "abc", None, ["not a number"]),
        ("date", "DATE", "2020-02-29", date(2020, 2, 29), []),
        ("date", "DATE", "2020-02", None, ["only part of a date"]),
        ("instant", None, "2015-02-07T13:28:17.239+02:00", datetime(2015, 2, 7, 11, 28, 17, 239000, UTC), []),
        ("instant", None, "2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC), []),
        ("instant", None, "2015-02-07T13:28:17.1234567Z", None, ["more exact than a microsecond"]),
        ("dateTime", "TIMESTAMP", "2015-02-07", None, ["not exact to the second with a time zone"]),
    ],
)
def test_arrow_holds_a_value_exactly_or_reports_it(
    kind: str, tag: str | None, value: Any, stored: Any, reasons: list[str]
) -> None:
    more = {"tag": [{"name": "ansi/type", "value": tag}]} if tag else {}
    compiled = compile_view(view("Observation", typed("id", kind, **more)))
    noted: list[str] = []
    batch = record_batch(compiled, [(value,), (None,)], lambda column, path, reason: noted.append(reason))
    assert batch.column(0).to_pylist() == [stored, None]
    assert noted == reasons


def test_text_outputs_keep_digits_and_nulls() -> None:
    select = {"column": [{"name": name, "path": "id", "collection": name == "c"} for name in "abc"]}
    compiled = compile_view(view("Observation", select))
    rows = [(Decimal("0.10"), None, ["x", 'y"z']), ("a,b", True, [])]
    assert ndjson(compiled, rows) == b'{"a":0.10,"b":null,"c":["x","y\\"z"]}\n{"a":"a,b","b":true,"c":[]}\n'
    assert csv_header(compiled) + csv_text(rows) == b'a,b,c\n0.10,,"[""x"",""y\\""z""]"\n"a,b",true,[]\n'


def test_complex_values_become_json_text_in_tables() -> None:
    compiled = compile_view(view("Observation", typed("value.ofType(Quantity)", "Quantity")))
    (row,) = compiled.tuples(observation(valueQuantity={"value": Decimal("0.10"), "unit": "mg"}))
    batch = record_batch(compiled, [row], lambda *finding: None)
    assert batch.column(0).to_pylist() == ['{"unit":"mg","value":0.10}']
