"""The paper's variant of RECIST 1.1: limits, one lesion, one patient.

"Progressive disease 20% increase of LADs or newly formed metastases, partial response 30% decrease of LADs, stable
disease neither ..., complete response no lesions definable" (Response Evaluation). Whether a limit itself counts is
not printed; RECIST 1.1 counts it, and so does this module. Millimetres are compared with a rounding tolerance, so
that 24 mm after 20 mm is exactly 20 %.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

RESPONSES = ("complete_response", "partial_response", "stable", "progressive")
RESPONSE_DTYPE = pd.CategoricalDtype(list(RESPONSES), ordered=True)
DIGITS = 9  # decimals of a percentage that floating point still gets right


class ResponseLimits(Protocol):
    """From which change a lesion, or the sum of lesions, has grown or shrunk; percentages of the reference."""

    @property
    def progression_increase_pct(self) -> float:
        """Increase from which a lesion or sum is progressive, percent."""

    @property
    def partial_response_decrease_pct(self) -> float:
        """Decrease from which it is a partial response, percent."""

    @property
    def complete_response_no_lesions(self) -> bool:
        """Whether a patient without a lesion left has a complete response."""

    @property
    def progression_new_lesion(self) -> bool:
        """Whether a new lesion alone is progressive disease."""


def percent_change(reference: pd.Series, followup: pd.Series) -> pd.Series:
    """(followup - reference) / reference in percent, rounded to 9 decimals; NaN where a value is missing or reference
    0.
    """
    base = reference.where(reference.gt(0))
    return ((followup - base) / base * 100).round(DIGITS)


def classify_change(reference: pd.Series, followup: pd.Series, limits: ResponseLimits) -> pd.Series:
    """Response by size alone, ordered category; NA where not evaluable.

    A follow-up of 0 mm is complete response; an increase of `progression_increase_pct` or more is progressive; a
    decrease of `partial_response_decrease_pct` or more is partial response; else stable.
    """
    change = percent_change(reference, followup).to_numpy()
    conditions = [
        np.isnan(change),
        limits.complete_response_no_lesions & (followup.to_numpy() == 0),
        change >= limits.progression_increase_pct,
        change <= -limits.partial_response_decrease_pct,
    ]
    named = np.select(conditions, ["", "complete_response", "progressive", "partial_response"], default="stable")
    return pd.Series(pd.Categorical(named, dtype=RESPONSE_DTYPE), index=reference.index)


def patient_response(changes: pd.DataFrame, limits: ResponseLimits) -> pd.DataFrame:
    """One row per patient from `lesion_changes`: the response of the liver by the sum of target diameters.

    Columns: targets, reference_mm and followup_mm (sums), change_pct, new_lesions, response (NA unless every target
    has a follow-up diameter or a new lesion settles it). Index patient_id, sorted; patients without a target are
    absent.
    """
    targets = changes[changes["is_target"]]
    sums = targets.groupby("patient_id").agg(
        targets=("lesion_id", "size"),
        reference_mm=("reference_mm", "sum"),
        followup_mm=("followup_mm", lambda mm: mm.sum(skipna=False)),
    )
    sums["new_lesions"] = changes.groupby("patient_id")["is_new"].sum().reindex(sums.index, fill_value=0)
    sums["change_pct"] = percent_change(sums["reference_mm"], sums["followup_mm"])
    size = classify_change(sums["reference_mm"], sums["followup_mm"], limits)
    left = changes[changes["followup_mm"].gt(0)].groupby("patient_id").size().reindex(sums.index, fill_value=0)
    response = size.mask(size.eq("complete_response") & left.gt(0), "partial_response")
    if limits.progression_new_lesion:
        response = response.mask(sums["new_lesions"].gt(0), "progressive")
    return sums.assign(response=response.astype(RESPONSE_DTYPE))
