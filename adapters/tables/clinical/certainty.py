"""How certain a diagnosis is, and whether it is over: codes of the Condition first, then the words of its text.

A text never makes a diagnosis more certain than its codes. The words are in diagnosis_words.csv.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from importlib.resources import files

import pandas as pd

from adapters.contract import SUSPECTED
from adapters.fhir.condition_status import certainty_of, is_past
from adapters.ledger import FindingKind, LeftOutReason
from adapters.tables.context import Context
from adapters.tables.extract.views import rows_where

_LEFT_OUT = {"family": LeftOutReason.FAMILY_HISTORY, "negated": LeftOutReason.REFUTED}


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(meaning, pattern) in the order of the file: the strictest meaning first."""
    text = (files("adapters.tables.clinical") / "diagnosis_words.csv").read_text(encoding="utf-8")
    return tuple((row["means"], re.compile(row["pattern"], re.IGNORECASE)) for row in csv.DictReader(text.splitlines()))


@lru_cache(maxsize=4096)
def meaning_of_text(text: str) -> str:
    """ "family", "negated", "suspected", "past", or "" if no word of the text weakens the diagnosis."""
    return next((means for means, pattern in _patterns() if pattern.search(text)), "")


def with_certainty(context: Context, rows: pd.DataFrame, table: str) -> pd.DataFrame:
    """`rows` (condition, *_codes, is_abated, code_text) with is_active, and with condition "suspected_..." if so.

    Diagnoses of relatives and denied ones are left out. A text that weakens its code is a finding.
    """
    texts = rows["code_text"].map(lambda text: meaning_of_text(text) if isinstance(text, str) else "")
    context.dispositions.note_rows(
        rows[texts != ""], FindingKind.CONTRADICTING_TEXT, "condition", table=table, resource_type="Condition",
        path="code.text",
    )  # fmt: skip
    for means, reason in _LEFT_OUT.items():
        context.dispositions.leave_out(rows.loc[texts == means, "resource_key"], reason)
    weak = pd.Series(False, index=rows.index)
    past = rows["is_abated"].eq(True) | (texts == "past")
    for column in ("verification_codes", "certainty_codes", "certainty_values", "clinical_codes"):
        weak |= rows[column].map(certainty_of) == "suspected"
        past |= rows[column].map(is_past).astype(bool)
    suspected = weak | (texts == "suspected")
    context.dispositions.note_rows(
        rows[suspected], FindingKind.SUSPECTED_CONDITION, "condition", table=table, resource_type="Condition"
    )
    condition = rows["condition"].where(~suspected, SUSPECTED + rows["condition"].astype(str))
    rows = rows.assign(is_active=~past, condition=condition)
    return rows_where(rows, ~texts.isin(list(_LEFT_OUT)))
