"""Labels for the reader where tables have short names: measures, rules, responses, tracers."""

from __future__ import annotations

import pandas as pd

LABELS = {
    "age_years": "age (years)",
    "lu_total_gbq": "177Lu-PSMA in all (GBq)",
    "alt": "ALT",
    "ast": "AST",
    "ggt": "GGT",
    "alp": "ALP",
    "ldh": "LDH",
    "psa": "PSA",
    "ecog": "ECOG",
    "partial_response": "partial response",
    "complete_response": "complete response",
    "ga68_psma_11": "68Ga-PSMA-11",
    "f18_psma_1007": "18F-PSMA-1007",
    "effective_half_life": "half-life in the lesion",
    "dose_per_gbq": "dose per activity",
    "tumour_to_normal": "tumour-to-normal ratio",
    "alpha_beta_prostate": "alpha/beta, prostate cancer",
    "repair_half_time_prostate": "repair half-time, prostate cancer",
    "alpha_prostate": "alpha, prostate cancer",
    "lu": "177Lu-PSMA alone",
    "lu_sirt": "177Lu-PSMA and SIRT",
    "sirt": "SIRT",
    "lu_psma": "177Lu-PSMA cycle",
    "vital_status": "vital status",
    "follow_up": "follow-up",
    "clinical_event": "last clinical event",
}


def labelled(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The same frame with labels instead of short names in these columns; a name without a label gets spaces for "_"."""
    named = {column: frame[column].astype("object").map(_label, na_action="ignore") for column in columns}
    return frame.assign(**named)


def _label(name: object) -> str:
    return LABELS.get(str(name), str(name).replace("_", " "))
