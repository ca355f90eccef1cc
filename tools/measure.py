"""Measure the house: python tools/measure.py prints size, complexity and documentation of the code by package.

Everything is read from the syntax tree of the files that git tracks, so two checkouts can be compared. Statements count
every statement but docstrings. Complexity is McCabe's: one and one more for each branch, loop, handler, condition and
boolean operator. The shares of docstrings say how many public functions name what a reader looks for; they are found by
words (patterns below) and are estimates.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.comprehension, ast.Assert)
DOCUMENTED = {
    "shape": re.compile(r"columns?\b|shape|rows?\b|index|-> |frame|array|mapping|list of|series", re.I),
    "unit": re.compile(
        r"\b(Gy|GBq|MBq|mm|cm|mL|kg|days?|hours?|months?|years?|percent|P value|ratio|MeV|keV|%|unit)", re.I
    ),
    "errors": re.compile(r"raises|None (if|when|where|with)|NaN (if|when|where)|missing (if|where|when)", re.I),
    "source": re.compile(
        r"\d{4};|\bet al|RECIST|CTCAE|SPSS|ICRP|MIRD|ESTAR|PCWG3|formula|paper|J [A-Z]|Stat\b|=", re.I
    ),
}


@dataclass
class Package:
    """What was counted below one folder."""

    modules: int = 0
    lines: int = 0
    statements: int = 0
    longest_module: int = 0
    bodies: list[int] = field(default_factory=list)
    complexity: list[int] = field(default_factory=list)
    public: int = 0
    documented: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def tracked_files() -> Iterator[Path]:
    """The Python files that git tracks."""
    listed = subprocess.run(["git", "ls-files", "*.py"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    yield from (Path(name) for name in listed.splitlines())


def package_of(path: Path) -> str:
    """The first two folders, or one: `analysis/statistics`, `tests/adapters`, `benchmarks`."""
    return "/".join(path.parts[: min(2, len(path.parts) - 1)]) or "."


def complexity(function: ast.AST) -> int:
    """McCabe complexity of one function, inner functions apart."""
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    total, waiting = 1, list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if isinstance(node, inner):
            continue
        total += isinstance(node, BRANCHES) + (len(node.values) - 1 if isinstance(node, ast.BoolOp) else 0)
        waiting += ast.iter_child_nodes(node)
    return total


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def measure(path: Path, package: Package) -> None:
    """Add one file to its package."""
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    lines = text.count("\n")
    package.modules += 1
    package.lines += lines
    package.longest_module = max(package.longest_module, lines)
    for node in ast.walk(tree):
        is_text = (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
        package.statements += isinstance(node, ast.stmt) and not is_text
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            _measure_function(node, package)


def _measure_function(function: ast.FunctionDef | ast.AsyncFunctionDef, package: Package) -> None:
    package.bodies.append(body_lines(function))
    package.complexity.append(complexity(function))
    if function.name.startswith("_"):
        return
    package.public += 1
    docstring = ast.get_docstring(function) or ""
    package.documented["any"] += bool(docstring)
    for what, pattern in DOCUMENTED.items():
        package.documented[what] += bool(pattern.search(docstring))


def row(name: str, package: Package) -> str:
    """One line of the report."""
    tenth = round(quantiles(package.bodies, n=10)[-1]) if len(package.bodies) > 1 else 0
    shares = " ".join(
        f"{100 * package.documented[what] / max(1, package.public):4.0f}" for what in ("any", *DOCUMENTED)
    )
    return (
        f"{name:28} {package.modules:4} {package.lines:6} {package.statements:6} {package.longest_module:5}   "
        f"{len(package.bodies):5} {median(package.bodies or [0]):4.0f} {tenth:4} {max(package.bodies or [0]):4}   "
        f"{max(package.complexity or [0]):4} {sum(c > 10 for c in package.complexity):4}   {shares}"
    )


def main() -> None:
    """Print the report: packages, then product and tests as a whole."""
    packages: dict[str, Package] = defaultdict(Package)
    whole: dict[str, Package] = defaultdict(Package)
    for path in tracked_files():
        for store, name in ((packages, package_of(path)), (whole, "TESTS" if path.parts[0] == "tests" else "PRODUCT")):
            measure(path, store[name])
    heads = "modules lines statements longest | functions median p90 longest | worst complexity, over 10"
    print(f"package: {heads} | % with docstring, shape, unit, errors, source")
    for name, package in [*sorted(packages.items()), *whole.items()]:
        print(row(name, package))


if __name__ == "__main__":
    main()
