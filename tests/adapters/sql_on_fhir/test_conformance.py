"""All 144 official SQL on FHIR cases through `compile_view`, compiled, by dicts and by lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.sql_on_fhir import ViewError, compile_view
from tests.support.paths import REPOSITORY, SHARED
from tests.support.sql_on_fhir.views import by_lines

SUITE = SHARED / "conformance" / "sql-on-fhir"
BUILD = REPOSITORY / "_build"
pytestmark = pytest.mark.skipif(
    not SUITE.is_dir(), reason="the official SQL on FHIR cases are not beside the repository"
)


def load_cases() -> list[tuple[str, list[dict[str, Any]], dict[str, Any]]]:
    found = []
    for path in sorted(SUITE.glob("*.json")):
        suite = json.loads(path.read_text())
        found += [(path.name, suite["resources"], test) for test in suite["tests"]]
    return found


CASES = load_cases()
WITH_ROWS = [case for case in CASES if not case[2].get("expectError")]


def name_of(part: object) -> str | None:
    """The title of a case stands for it among the names of the tests."""
    return part["title"] if isinstance(part, dict) else part if isinstance(part, str) else ""


def in_any_order(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True, default=str) for row in rows)


def run_case(resources: list[dict[str, Any]], test: dict[str, Any]) -> tuple[bool, str]:
    """Passed, and why not; only the runner's own error counts as an error."""
    try:
        compiled = compile_view(test["view"])
        rows = list(compiled.rows(resources))
    except ViewError as error:
        return bool(test.get("expectError")), f"error: {error}"
    if test.get("expectError"):
        return False, "an error is expected"
    if in_any_order(rows) != in_any_order(test["expect"]):
        return False, "other rows"
    if "expectColumns" in test and list(compiled.names) != test["expectColumns"]:
        return False, "other columns"
    return True, ""


def test_there_are_144_cases() -> None:
    assert len(CASES) == 144
    assert sum("shareable" in test["tags"] for _, _, test in CASES) == 133
    assert sum("experimental" in test["tags"] for _, _, test in CASES) == 11


@pytest.mark.parametrize(("file", "resources", "test"), CASES, ids=name_of)
def test_case(file: str, resources: list[dict[str, Any]], test: dict[str, Any]) -> None:
    passed, reason = run_case(resources, test)
    assert passed, reason


@pytest.mark.parametrize(("file", "resources", "test"), WITH_ROWS, ids=name_of)
def test_case_by_lines_gives_the_same_rows(file: str, resources: list[dict[str, Any]], test: dict[str, Any]) -> None:
    compiled = compile_view(test["view"])
    # Lines are decoded with exact decimals; the suite's numbers are compared by value.
    rows = [dict(zip(compiled.names, row, strict=True)) for row in by_lines(compiled, resources)]
    plain = json.loads(json.dumps(rows, default=float))
    assert in_any_order(plain) == in_any_order(json.loads(json.dumps(test["expect"], default=float)))


def test_score_and_report(capsys: pytest.CaptureFixture[str]) -> None:
    """Leaves `test_report.json` in the shape of the suite's site, and the same as text. All that runs is compiled."""
    report: dict[str, dict[str, list[dict[str, Any]]]] = {}
    lines, score = [], 0
    for file, resources, test in CASES:
        passed, reason = run_case(resources, test)
        score += passed
        result = {"passed": True} if passed else {"passed": False, "reason": reason}
        report.setdefault(file, {"tests": []})["tests"].append({"name": test["title"], "result": result})
        lines.append(f"{file}: {test['title']}: {'passed' if passed else reason}\n")
    BUILD.mkdir(exist_ok=True)
    (BUILD / "test_report.json").write_text(json.dumps(report, indent=1))
    (BUILD / "test_report.txt").write_text("".join(lines))
    with capsys.disabled():
        print(f"\nSQL on FHIR: {score} of {len(CASES)} passed, {score} compiled")
        print(f"by case: {BUILD.name}/test_report.json and .txt")
    assert score == 144
