"""Regular expressions of views end in linear time, or are an error that says why."""

from __future__ import annotations

import json
import time

import pytest
from typer.testing import CliRunner

from adapters.__main__ import app
from adapters.sql_on_fhir.complete.primitives import PATTERNS
from adapters.sql_on_fhir.complete.regular_expressions import PatternError, matches, matches_full, replace_matches

# pattern and text on which engines that go back take for ever
CATASTROPHIC = [
    (r"^(a+)+$", "a" * 41 + "!"), (r"^(a|aa)+$", "a" * 60 + "!"), (r"^(a|a)*$", "a" * 60 + "!"), (r"(.*a){20}$", "a" * 60),
    (r"^([a-zA-Z]+)*$", "a" * 60 + "1"), (r"(x+x+)+y", "x" * 60), (r"^(\d+)*\.$", "1" * 60), (r"(a*)*b", "a" * 60),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 60), (r"(\s*\w+\s*)*;", "word " * 30), (r".*.*.*=.*", "x" * 5000),
]  # fmt: skip
NOT_KNOWN = [r"(?=a)", r"(?!a)", r"(?<=a)b", r"(a)\1", r"(?>a)", r"a{1001}", r"((a{900}){900})", r"a++", r"(?(1)a)"]
NONE = ["[", "(", "a**", "\\", "*", "a{2,1}", "(?P<x"]


@pytest.mark.parametrize(("pattern", "text"), CATASTROPHIC)
def test_no_pattern_takes_for_ever(pattern, text):
    begun = time.process_time()
    matches(text, pattern)
    matches_full(text, pattern)
    replace_matches(text, pattern, "x")
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("pattern", NOT_KNOWN + NONE)
def test_what_the_engine_does_not_know_is_an_error(pattern):
    for call in (
        lambda: matches("a", pattern),
        lambda: matches_full("a", pattern),
        lambda: replace_matches("a", pattern, ""),
    ):
        with pytest.raises(PatternError, match="lookaround, backreference"):
            call()


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [("abc", "b", True), ("abc", "^b", False), ("a\nb", "a.b", True), ("Müller", r"^M\p{L}ller$", True), ("", "", True),
     ("2.4", r"^\d+\.\d$", True), ("MÜLLER", "(?i)müller", True), ("a+b", r"a\+b", True), ("😀", "^.$", True)],
)  # fmt: skip
def test_matches(text, pattern, expected):
    assert matches(text, pattern) is expected


def test_replacements_name_groups():
    assert replace_matches("11/30/1972", r"(\d+)/(\d+)/(\d+)", "$2-$1-$3") == "30-11-1972"
    with pytest.raises(PatternError, match="a group that is not there"):
        replace_matches("a", "a", "$3")


@pytest.mark.parametrize(
    "expression", ["id.matches('(?=a)')", "id.matchesFull('[')", "id.replaceMatches('(a)\\\\1', '')"]
)
def test_a_view_says_which_expression_is_at_fault(expression, tmp_path):
    view = {"resource": "Patient", "name": "v", "select": [{"column": [{"name": "x", "path": expression}]}]}
    (tmp_path / "v.json").write_text(json.dumps(view))
    (tmp_path / "x.ndjson").write_text('{"resourceType": "Patient", "id": "a"}\n')
    done = CliRunner().invoke(app, ["view", str(tmp_path / "v.json"), str(tmp_path / "x.ndjson"), "--format", "csv"])
    assert done.exit_code == 2
    assert "regular expression" in done.stderr


@pytest.mark.parametrize("text", ["QUJD " * 40 + "!", ("QUJD" + " " * 200) * 40 + "!", " " * 5000 + "!", "A" * 5000])
def test_the_form_of_binaries_is_looked_at_in_linear_time(text):
    begun = time.process_time()
    PATTERNS["base64Binary"].fullmatch(text)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("text", "whole"), [("", True), ("QUJD", True), (" QUJD\nQUI= ", True), ("QUJ", False), (" ", False)]
)
def test_the_form_of_binaries(text, whole):
    assert bool(PATTERNS["base64Binary"].fullmatch(text)) is whole
