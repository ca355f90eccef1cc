"""What every built page must be, whatever the cohort: no hole, no empty drawing, no word of advertisement, data named.

Each check takes a page and gives what is wrong with it, so that one list holds for the demo's site and for those of odd
cohorts. Looked at is all that can reach a reader: text, captions, alternative texts, titles, tooltips, words in drawings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

HOLES = re.compile(r"\b(NaN|None|nan|NaT|inf|Infinity|undefined|Traceback)\b|<NA>")
# "effective.ofType(dateTime)" names a FHIR element, "effective_half_life" ends the id of a result
ADVERTISEMENT = re.compile(
    r"\b(superior|effective(?!\.\w|_)|efficient|efficien(?:cy|tly)\b|significan|no difference)", re.IGNORECASE
)
UNSEEN = frozenset({"script", "style", "mjx-container", "pre", "code"})
SPOKEN = ("alt", "title", "aria-label", "aria-description", "placeholder", "data-bs-title", "data-tooltip")
VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
DRAWN = frozenset({"path", "rect", "line", "text", "circle", "image", "use"})
LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "use": "href"}
NOT_LOADED = ("next", "prev", "search", "index")
MARKS_OF_A_CHART = re.compile(r"\bmark-\w+ role-mark\b")
NOTHING_IN_PATHS = re.compile(r"NaN|undefined|Infinity")
BOTH = ("Paper, book, and why they differ", "Limits")
SECTIONS = {
    **dict.fromkeys(("methods", "cohort", "survival", "lesion_response", "dosimetry", "toxicity"), BOTH),
    **dict.fromkeys(("reproduction", "print_allows"), BOTH),
    **dict.fromkeys(("patients", "data", "own_data"), ("Limits",)),
}


@dataclass
class Open:
    """An element that is not closed yet."""

    tag: str
    unseen: bool
    quoted: bool
    drawing: Drawing | None
    group: bool  # marks of a chart that stand for data


@dataclass
class Drawing:
    """One static chart: how many marks stand for data."""

    name: str
    marks: int = 0


@dataclass
class Figure:
    """One figure of the page or one table: what it holds."""

    caption: str = ""
    rows: int = 0
    words: str = ""


class Page(HTMLParser):
    """What a page loads, links to, names as anchors, says (`text`; `own`: outside quotations of the paper) and draws."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.source = path.read_text("utf-8")
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.text: list[str] = []
        self.own: list[str] = []
        self.specs: list[Any] = []
        self.drawings: list[Drawing] = []
        self.tables: list[Figure] = []
        self.headings: list[str] = []
        self.broken_paths = 0
        self._open: list[Open] = []
        self._script = ""
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        classes = found.get("class", "")
        if found.get(LOADING.get(tag, "-")) and found.get("rel") not in NOT_LOADED:
            self.loads.append(found[LOADING[tag]])
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}
        above = self._open[-1] if self._open else Open("", False, False, None, False)
        quoted = above.quoted or "paper" in classes.split() or (found.get("id") == "references" and tag == "section")
        for spoken in SPOKEN:
            if found.get(spoken):
                self._say(f" {found[spoken]} ", quoted)
        self._draw(tag, found, classes, above)
        if tag in VOID:
            return
        drawing, group = above.drawing, above.group
        if tag == "svg" and "role" in found:
            drawing, group = Drawing(found.get("aria-label", "")), False
            self.drawings.append(drawing)
        elif MARKS_OF_A_CHART.search(classes):
            group = found.get("aria-hidden") != "true"
        self._script = classes if tag == "script" else self._script
        self._open.append(Open(tag, above.unseen or tag in UNSEEN, quoted, drawing, group))
        if tag == "table":
            self.tables.append(Figure())
        if tag == "h2":
            self.headings.append("")

    def _draw(self, tag: str, found: dict[str, str], classes: str, above: Open) -> None:
        if tag in DRAWN and above.drawing and above.group and (tag != "path" or found.get("d")):
            above.drawing.marks += 1
        if any(NOTHING_IN_PATHS.search(found.get(key, "")) for key in ("d", "transform", "points")):
            self.broken_paths += 1
        if tag == "tr" and self.tables and any(part.tag == "tbody" for part in self._open):
            self.tables[-1].rows += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            if self._open.pop().tag == tag:
                break

    def handle_data(self, data: str) -> None:
        here = self._open[-1] if self._open else Open("", False, False, None, False)
        if here.tag == "script" and "chart-spec" in self._script:
            self.specs.append(json.loads(data))
        if any(part.tag == "caption" for part in self._open) and self.tables:
            self.tables[-1].caption += data
        if any(part.tag == "h2" for part in self._open):
            self.headings[-1] += data
        if not here.unseen:
            self._say(data, here.quoted)

    def _say(self, words: str, quoted: bool) -> None:
        self.text.append(words)
        if not quoted:
            self.own.append(words)

    @cached_property
    def in_charts(self) -> list[str]:
        """The words of the charts' specifications: titles, tooltips, values that are text."""
        return [word for spec in self.specs for word in strings(spec)]


def strings(value: Any) -> Iterator[str]:
    """All texts in a nested value, names of fields too: they can be titles of axes."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("$schema", "usermeta"):
                yield str(key)
                yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


@dataclass
class Faults:
    """What is wrong with the pages of a site: one line a fault."""

    lines: list[str] = field(default_factory=list)

    def add(self, page: Path, kind: str, found: list[str]) -> None:
        """Note `found`, if anything."""
        self.lines += [f"{page.name}: {kind}: {one}" for one in found]


def around(pattern: re.Pattern[str], text: str) -> list[str]:
    """Every match with what stands around it."""
    flat = re.sub(r"\s+", " ", text)
    return [flat[max(0, m.start() - 70) : m.end() + 30].strip() for m in pattern.finditer(flat)]


def holes(page: Page) -> list[str]:
    """Places where a value should stand and something like NaN does, in text, charts' words and drawn paths."""
    found = around(HOLES, " ".join(page.text)) + around(HOLES, " · ".join(page.in_charts))
    return found + ([f"{page.broken_paths} paths of drawings"] if page.broken_paths else [])


def advertisement(page: Page) -> list[str]:
    """Words of advertisement outside quotations of the paper and the list of references."""
    return around(ADVERTISEMENT, "".join(page.own)) + around(ADVERTISEMENT, " · ".join(page.in_charts))


def empty_drawings(page: Page) -> list[str]:
    """Charts in which no mark stands for data, and tables without a row: a sentence must say why instead."""
    charts = [f"chart without marks: {drawing.name}" for drawing in page.drawings if not drawing.marks]
    return charts + [f"table without rows: {table.caption}" for table in page.tables if not table.rows]


def sections_lacking(page: Page) -> list[str]:
    """Sections that a chapter of this name must have and has not."""
    there = {re.sub(r"^[\d.]+\s*", "", heading).rstrip("#").strip() for heading in page.headings}
    return [section for section in SECTIONS.get(page.path.stem, ()) if section not in there]


def unnamed_data(page: Page, banner: str, data_hash: str) -> list[str]:
    """The words that say whose data the page shows, and the hash of the tables, where one is lacking."""
    return [wanted for wanted in (banner, data_hash) if wanted not in page.source]


def faults(html: Path, banner: str, data_hash: str) -> list[str]:
    """All faults of a site: one line each, empty when it is as it should be."""
    found = Faults()
    for path in pages_of(html):
        page = Page(path)
        found.add(path, "hole", holes(page))
        found.add(path, "advertisement", advertisement(page))
        found.add(path, "empty", empty_drawings(page))
        found.add(path, "section lacking", sections_lacking(page))
        found.add(path, "not said whose data", unnamed_data(page, banner, data_hash))
    return found.lines


def pages_of(html: Path) -> list[Path]:
    """All pages that a reader can open, without the redirect of the root, the search and index pages."""
    left_out = {"search.html", "genindex.html", "index.html"}
    found = (page for page in html.rglob("*.html") if "_static" not in page.relative_to(html).parts)
    return sorted(page for page in found if page.name not in left_out)
