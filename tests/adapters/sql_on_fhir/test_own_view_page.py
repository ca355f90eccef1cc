"""The page on writing one's own view: its cells run, and they show what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any

import pytest

from adapters.sql_on_fhir import UNSUPPORTED_FUNCTIONS
from tests.support.paths import REPOSITORY

PAGE = REPOSITORY / "chapters" / "own_view.md"
CELL = re.compile(r"```\{code-cell\} ipython3\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def page() -> tuple[dict[str, Any], str]:
    """The names the page's cells leave behind, and what they print."""
    names: dict[str, Any] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for cell in CELL.findall(PAGE.read_text(encoding="utf-8")):
            exec(compile(cell, PAGE.name, "exec"), names)
            if "blood_pressures" in names and "first" not in names:
                names["first"] = names["blood_pressures"].to_dict("records")
    return names, printed.getvalue()


def test_first_view_gives_one_row_for_each_component(page: tuple[dict[str, Any], str]) -> None:
    base = {"measurement": "Observation/bp1", "patient": "Patient/7", "taken": "2024-03", "unit": "mm[Hg]"}
    assert page[0]["first"] == [
        {**base, "part": 0, "loinc": "8480-6", "value": 128},
        {**base, "part": 1, "loinc": "8462-4", "value": 81},
    ]


def test_value_that_does_not_fit_is_a_finding_without_the_value(page: tuple[dict[str, Any], str]) -> None:
    findings = page[0]["findings"]
    assert set(findings) == {("blood_pressures", "taken", "effective.ofType(dateTime)", "not a valid dateTime")}
    assert {row["taken"] for row in page[0]["rows"]} == {None}


def test_wrong_view_is_refused_with_its_position(page: tuple[dict[str, Any], str]) -> None:
    expected = "view blood_pressures, select[1].forEach, 'component.wher(true)' at 10: unknown function wher()"
    assert page[1].strip() == expected


def test_page_holds_no_function_of_its_own() -> None:
    cells = "\n".join(CELL.findall(PAGE.read_text(encoding="utf-8")))
    assert not re.search(r"^\s*(def|class) ", cells, re.MULTILINE)


def test_page_lists_the_unsupported_functions_of_the_library() -> None:
    """The line is generated: where it differs, replace it by the one expected here."""
    section = PAGE.read_text(encoding="utf-8").partition("## What an expression cannot use\n")[2].partition("\n## ")[0]
    line = ", ".join(f"`{name}()`" for name in UNSUPPORTED_FUNCTIONS) + "."
    assert line in section.splitlines()
