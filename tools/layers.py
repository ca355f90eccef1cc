"""Write the layers of ARCHITECTURE.md from the import-linter contracts: python tools/layers.py [--check]."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
BEGIN, END = "<!-- layers: made by tools/layers.py -->", "<!-- end of layers -->"


def contracts() -> list[dict[str, Any]]:
    """The import contracts of pyproject.toml, in their order."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    rules: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return rules


def purpose(module: str) -> str:
    """The first line of a module's or package's docstring."""
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    return text.partition("\n")[0].replace("|", "\\|")


def table(contract: dict[str, Any]) -> list[str]:
    """A layers contract as rows: upper layers first; modules of one row do not import each other."""
    (container,) = contract.get("containers", [""])
    lines = ["| Module | Purpose |", "|---|---|"]
    for layer in contract["layers"]:
        for number, name in enumerate(layer.split(" | ")):
            module = f"{container}.{name}" if container else name
            mark = "" if number == 0 else "beside it: "
            lines.append(f"| {mark}`{module}` | {purpose(module)} |")
    return lines


def section() -> str:
    """The generated part of the page."""
    parts = []
    for contract in contracts():
        parts.append(f"**{contract['name']}.**")
        if contract["type"] == "layers":
            parts.append("\n".join(table(contract)))
    return "\n\n".join([BEGIN, *parts, END])


def page() -> str:
    """ARCHITECTURE.md as it should be."""
    text = PAGE.read_text("utf-8")
    before, rest = text.split(BEGIN)
    return before + section() + rest.split(END)[1]


def main(arguments: list[str]) -> int:
    """Write the page, or with --check say whether it is current."""
    wanted = page()
    if "--check" in arguments:
        return int(PAGE.read_text("utf-8") != wanted)
    PAGE.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
