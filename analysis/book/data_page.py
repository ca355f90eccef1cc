"""What the data page shows: source, what became of each resource, findings, data dictionary, versions and rules."""

from __future__ import annotations

from adapters.contract import data_dictionary
from analysis.book import provenance
from analysis.opened_book import Book
from analysis.report.tables import Folded, Table


def sentences(book: Book) -> dict[str, str]:
    """The counts that the page's text names, by key."""
    dispositions = book.manifest["dispositions"]
    return {"data.read": f"{dispositions['read']:,}", "data.used": f"{dispositions['used']:,}"}


def source(book: Book) -> Table:
    """Where the data come from and by which rules they were read, one row an item."""
    return Table(
        provenance.source_frame(book.manifest, book.study),
        "Where the data come from and by which rules they were read",
        "source",
        headers={"item": "What", "value": "Value"},
    )


def dispositions(book: Book) -> Table:
    """Number of resources by type, disposition and reason."""
    return Table(
        provenance.disposition_frame(book.manifest),
        "Resources by type, what became of them and why",
        "dispositions",
        headers={"type": "Type", "disposition": "Disposition", "reason": "Reason", "count": "Resources"},
        row_headers=2,
    )


def rows_fed(book: Book) -> Folded:
    """Number of resources by type and by how many table rows they gave."""
    table = Table(
        provenance.rows_fed_frame(book.manifest),
        "Resources by type and number of rows they fed",
        "rows_fed",
        headers={"type": "Type", "rows": "Rows fed", "count": "Resources"},
    )
    return Folded("How many rows the resources gave", table)


def findings(book: Book) -> Table:
    """What was noticed while reading, summed over patients."""
    return Table(
        provenance.findings_frame(book.tables["findings"]),
        "What was noticed while reading, summed over patients",
        "findings",
        headers={
            "finding": "Finding",
            "severity": "Severity",
            "table": "Table",
            "measure": "Concerns",
            "patients": "Patients",
            "count": "How often",
        },
    )


def dictionary() -> Table:
    """Columns of the tidy tables with type, unit, values and meaning."""
    return Table(
        data_dictionary(),
        "Columns of the tidy tables",
        "data_dictionary",
        headers={
            "table": "Table",
            "column": "Column",
            "type": "Type",
            "unit": "Unit",
            "values": "Values",
            "description": "What it says",
            "missing": "Missing when",
        },
        row_headers=2,
    )


def versions(book: Book) -> Table:
    """Versions of the packages that made the tables."""
    return Table(
        provenance.versions_frame(book.manifest),
        "Versions of what made the tables",
        "versions",
        headers={"package": "Package", "version": "Version"},
    )


def rules(book: Book) -> Folded:
    """Views, code lists and units in force, each with the hash of its file."""
    table = Table(
        provenance.rules_frame(book.manifest),
        "Files that decide what is read, with their hash",
        "rules",
        headers={"file": "File", "hash": "Hash"},
    )
    return Folded("Views, code lists and units in force", table)
