"""Abbreviations: one meaning each, tied to the first use in running text and to nothing else."""

from __future__ import annotations

import re

import pytest
from docutils import nodes
from docutils.utils import new_document

from analysis.book.abbreviations import abbreviations, explain, meanings
from analysis.settings import REPOSITORY


def page(*parts: nodes.Node) -> nodes.document:
    document = new_document("page")
    document.extend(parts)
    return document


def paragraph(*parts: nodes.Node | str) -> nodes.paragraph:
    return nodes.paragraph("", "", *(nodes.Text(part) if isinstance(part, str) else part for part in parts))


def explained(document: nodes.document) -> list[tuple[str, str]]:
    explain(document)
    return [(found.astext(), found["explanation"]) for found in document.findall(nodes.abbreviation)]


def test_every_abbreviation_has_one_meaning():
    table = abbreviations()
    assert table["abbreviation"].is_unique
    assert table["meaning"].str.len().gt(0).all()
    assert table["abbreviation"].str.lower().is_monotonic_increasing


def test_the_first_use_on_a_page_says_its_meaning_and_the_text_stays():
    document = page(paragraph("Lu-PSMA and SIRT, then SIRT."), paragraph("SIRT again, PSA too."))
    words = document.astext()
    assert [name for name, _ in explained(document)] == ["PSMA", "SIRT", "PSA"]
    assert document.astext() == words
    assert dict(explained(document))["PSA"] == meanings()["PSA"]


def test_a_second_pass_finds_nothing_new_to_say_of_the_same_words():
    document = page(paragraph("SIRT"))
    assert explained(document) == explained(document)


@pytest.mark.parametrize("plain", ["PSMAs", "XSIRT", "psma", "SUVmaximum"])
def test_parts_of_other_words_are_no_abbreviation(plain):
    assert explained(page(paragraph(plain))) == []


@pytest.mark.parametrize(
    "part",
    [
        nodes.title("", "SIRT"),
        nodes.block_quote("", paragraph("SIRT")),
        nodes.citation("", paragraph("SIRT")),
        paragraph(nodes.literal("", "SIRT")),
        paragraph(nodes.reference("", "SIRT")),
        paragraph(nodes.math("", "SIRT")),
        nodes.table("", nodes.tgroup("", nodes.tbody("", nodes.row("", nodes.entry("", paragraph("SIRT")))))),
    ],
    ids=lambda part: type(part).__name__,
)
def test_headings_quotations_code_links_and_tables_stay_as_they_are(part):
    assert [name for name, _ in explained(page(part, paragraph("SIRT")))] == ["SIRT"]
    assert explained(page(part)) == []


def test_the_abbreviations_of_the_clinical_pages_are_in_the_table():
    pages = ("methods", "cohort", "survival", "lesion_response", "psa", "dosimetry", "toxicity")
    lacking = {}
    for name in pages:
        text = (REPOSITORY / "chapters" / f"{name}.md").read_text("utf-8")
        prose = re.sub(r"^---.*?^---$|^```.*?^```$|`[^`\n]+`|\(\S+\)", "", text, flags=re.MULTILINE | re.DOTALL)
        lacking[name] = set(re.findall(r"\b[A-Z]{3,}\b", prose)) - set(meanings())
    assert {name: words for name, words in lacking.items() if words} == {}
