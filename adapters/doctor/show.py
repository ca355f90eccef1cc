"""The report on the terminal: verdict first, then gaps and their cost, then counts; the gaps as CSV on standard output."""

from __future__ import annotations

import sys
from collections import Counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.doctor.gaps import UNITS
from adapters.doctor.overlay import FEWEST_PATIENTS, is_shown, unmapped_csv
from adapters.doctor.report import Report
from adapters.fhir.codelists import allowed_words
from adapters.plain_text import visible

NOT_UNDERSTOOD = "read and not understood"


def print_report(report: Report) -> None:
    """Print the counts to standard error and the unmapped codes as CSV to standard output."""
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    console.print(report.verdict)
    sampled = " as a sample" if report.sampled else ""
    console.print(f"{report.label}: {report.read} resource versions{sampled}")
    _print_gaps(console, report)
    for title, counts in (
        (NOT_UNDERSTOOD, {" ".join(filter(None, detail)): n for detail, n in report.details.items()}),
        ("resource types", report.types),
        ("on the whole server, by code list" if report.sampled else "codes known to the code lists", report.lists),
        ("rows a pull would give", report.tables),
        ("left out or quarantined", report.left_out),
        ("findings", report.findings),
    ):
        if counts or not (report.sampled or title == NOT_UNDERSTOOD):
            _print_counts(console, title, counts)
    for name in report.empty:
        console.print(f"table {name} would be empty")
    for note in report.notes:
        console.print(visible(note))
    if report.gaps:
        sys.stdout.write(unmapped_csv(report.gaps))


def _print_gaps(console: Console, report: Report) -> None:
    """How many codes each list misses, the file and the words to fill in, and how many texts are not shown."""
    for cost in report.costs:
        console.print(visible(cost))
    for name, number in Counter(gap.code_list for gap in report.gaps).items():
        if name == UNITS:
            console.print(f"{number} units that no list knows belong into a units overlay, with their factor")
            continue
        words = ", ".join(allowed_words(name))
        console.print(f"{number} codes or texts that no list maps belong into {name}.csv; means is one of: {words}")
    hidden = sum(not is_shown(gap) for gap in report.gaps)
    if hidden:
        console.print(
            f"{hidden} texts of fewer than {FEWEST_PATIENTS} patients are not shown, since a text may name a person; "
            "--write-overlay DIR writes them"
        )
    if report.gaps:
        console.print("all of them, as CSV on standard output; --write-overlay DIR writes a code list for each")


def _print_counts(console: Console, title: str, counts: dict[str, int]) -> None:
    console.print(title, style="bold")
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, number in counts.items():
        table.add_row(Text(visible(name, 80)), str(number))
    console.print(table)
