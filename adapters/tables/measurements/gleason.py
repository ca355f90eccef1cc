"""Gleason scores from two patterns: primary and secondary pattern of one patient at one time add up to the score.

Source: mii-pr-onko-prostate-gleason-patterns (MII oncology, prostate module) and bzkf/obds-to-fhir GleasonScoreMapper.
"""

from __future__ import annotations

import pandas as pd

from adapters.fhir.codelists import GLEASON_PATTERN
from adapters.ledger import FindingKind, LeftOutReason
from adapters.tables.context import Context
from adapters.tables.extract.views import rows_where, stacked

SCORE = "gleason_score"
_WHERE = {"table": "observations", "resource_type": "Observation"}


def with_scores(context: Context, rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` without patterns; two patterns become a score unless that time has one. What is left over is a finding."""
    is_pattern = rows["measure"] == GLEASON_PATTERN
    if not is_pattern.any():
        return rows
    others = rows_where(rows, ~is_pattern)
    scores, used = [], []
    stated = others[others["measure"].eq(SCORE) & others["value"].notna()]
    patterns = rows[is_pattern & rows["number"].between(1, 5)]
    for (patient, first, last), group in patterns.groupby(["patient", "first", "last"], dropna=False):
        found = _score(group)
        if found is None:
            continue
        used += list(group["resource_key"])
        same = stated[(stated["patient"] == patient) & (stated["first"].eq(first)) & (stated["last"].eq(last))]
        if same.empty:
            scores.append(found)
        elif not same["value"].eq(found["value"]).all():
            context.dispositions.note_rows(same, FindingKind.CONTRADICTING_VALUE, "measure", path="value", **_WHERE)
    _report(context, rows[is_pattern], used)
    return (
        stacked(others, pd.DataFrame(scores, columns=rows.columns).astype(rows.dtypes.to_dict())) if scores else others
    )


def _score(group: pd.DataFrame) -> pd.Series | None:
    """The row of the score of one primary and one secondary pattern; None for any other group."""
    numbers = {place: set(own["number"]) for place, own in group.groupby("fixed")}
    if set(numbers) != {"primary", "secondary"} or any(len(values) != 1 for values in numbers.values()):
        return None
    total = sum(value for values in numbers.values() for value in values)
    row = group.iloc[0].copy()
    row["measure"], row["value"], row["unit"], row["category"], row["fixed"] = SCORE, total, "score", None, None
    return row


def _report(context: Context, patterns: pd.DataFrame, used: list[int]) -> None:
    """Patterns that made a score are needed; those without their partner are left out with a finding."""
    context.dispositions.need(used)
    single = patterns[~patterns["resource_key"].isin(used)]
    missing = single.assign(measure=SCORE)
    context.dispositions.note_rows(missing, FindingKind.CODE_WITHOUT_ROW, "measure", path="other pattern", **_WHERE)
    context.dispositions.explain(single["resource_key"], LeftOutReason.INCOMPLETE)
