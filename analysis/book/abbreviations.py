"""What the abbreviations of the book stand for: one table, shown as a page, and on every page at the first use.

`explain` is for the Sphinx extension: in a page it finds the first use of each abbreviation in running text and ties the
meaning to it, so that no page depends on another. Headings, links, code, tables, quotations and references stay as they
are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pandas as pd
from docutils import nodes

from analysis.report.tables import Table

TABLE = Path(__file__).with_name("abbreviations.csv")
LEFT_ALONE = (
    nodes.abbreviation,
    nodes.block_quote,
    nodes.citation,
    nodes.literal,
    nodes.literal_block,
    nodes.math,
    nodes.raw,
    nodes.reference,
    nodes.table,
    nodes.title,
)


def abbreviations() -> pd.DataFrame:
    """Columns abbreviation and meaning (text), sorted without regard to case."""
    table = pd.read_csv(TABLE, dtype="string", keep_default_na=False)
    return table.sort_values("abbreviation", key=lambda column: column.str.lower(), ignore_index=True)


def abbreviations_table() -> Table:
    """The table as the page shows it."""
    headers = {"abbreviation": "Abbreviation", "meaning": "Meaning"}
    return Table(abbreviations(), "Abbreviations of this book", "abbreviations", headers=headers)


@cache
def meanings() -> Mapping[str, str]:
    """Meaning by abbreviation."""
    table = abbreviations()
    return dict(zip(table["abbreviation"], table["meaning"], strict=True))


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile(r"\b(" + "|".join(sorted(map(re.escape, meanings()), key=len, reverse=True)) + r")\b")


def explain(page: nodes.document) -> None:
    """Tie its meaning to the first use of each abbreviation in the running text of `page`."""
    seen: set[str] = set()
    for text in list(page.findall(nodes.Text)):
        if not _left_alone(text):
            parts = _parts(text.astext(), seen)
            if len(parts) > 1:
                text.parent.replace(text, parts)


def _left_alone(text: nodes.Text) -> bool:
    above = text.parent
    while above is not None and not isinstance(above, LEFT_ALONE):
        above = above.parent
    return above is not None


def _parts(plain: str, seen: set[str]) -> list[nodes.Node]:
    """`plain` cut at the abbreviations that are not yet in `seen`, which then are."""
    parts: list[nodes.Node] = []
    done = 0
    for match in _pattern().finditer(plain):
        if match[1] not in seen:
            seen.add(match[1])
            meaning = meanings()[match[1]]
            parts += [
                nodes.Text(plain[done : match.start()]),
                nodes.abbreviation(match[1], match[1], explanation=meaning),
            ]
            done = match.end()
    return [*parts, nodes.Text(plain[done:])]
