"""Rows of the tables of the lesion chapter: RECIST 1.1 beside the variant, ranges beside error, uptake with clusters.

The rows take numbers from the results by id, so that each keeps its interval and its mark, or they count patients and
lesions. `page` puts them under captions and headings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.datasets.arms import Tables
from analysis.datasets.imaging_subgroup import Evaluation
from analysis.datasets.lesions import THERAPIES
from analysis.response.heterogeneity import change_sd_pct, expected_range, repeatability, repeatability_words
from analysis.response.recist_comparison import cross_table, lesions_reclassified, reclassified
from analysis.results import Result

Results = Mapping[str, Result]
SIZES_MM = (15.0, 30.0, 60.0)
LESIONS = (2, 3, 4)


def reclassified_patients(tables: Tables, study: Mapping[str, Any], evaluation: Evaluation) -> pd.DataFrame:
    """One row per therapy and patient judged: paper's category, RECIST 1.1 of the liver and of the whole body, choices.

    Columns therapy, patient_id, paper, recist_liver, recist_overall, choices, choices_progressive, choices_agree.
    """
    parts = [reclassified(tables, study, evaluation, name).reset_index().assign(therapy=name) for name in THERAPIES]
    frame = pd.concat(parts, ignore_index=True)
    return frame[["therapy", "patient_id", *(c for c in frame if c not in ("therapy", "patient_id"))]]


def reclassified_lesions(tables: Tables, study: Mapping[str, Any], evaluation: Evaluation) -> pd.DataFrame:
    """One row per therapy and lesion judged: therapy, patient_id, lesion_id, paper, recist."""
    parts = [lesions_reclassified(tables, study, evaluation, name).assign(therapy=name) for name in THERAPIES]
    return pd.concat(parts, ignore_index=True)[["therapy", "patient_id", "lesion_id", "paper", "recist"]]


def reclassification_counts(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Reclassification table: therapy, paper (category of the paper's variant), number in each category of `column`.

    frame: from `reclassified_patients` or `reclassified_lesions`. Rows without a patient or lesion are left out.
    """
    parts = []
    for name in THERAPIES:
        counts = cross_table(frame[frame["therapy"].eq(name)], column)
        counts.columns = pd.Index([str(category) for category in counts.columns])
        filled = counts[counts.sum(axis=1).gt(0)].reset_index()
        parts.append(filled.assign(therapy=name)[["therapy", *filled.columns]])
    return pd.concat(parts, ignore_index=True)


def range_table(results: Results) -> pd.DataFrame:
    """Expected range and P for each published repeatability and therapy, as `Result`s: model, lu, lu_p, sirt, sirt_p."""
    rows = []
    for model, words in repeatability_words().items():
        cells = [results[f"resp.{name}.gap.{what}.{model}"] for name in THERAPIES for what in ("expected", "p")]
        rows.append([words, *cells])
    return pd.DataFrame(rows, columns=["model", "lu", "lu_p", "sirt", "sirt_p"])


def expected_ranges() -> pd.DataFrame:
    """Expected range (percentage points) of unchanged lesions by number and size, for each published repeatability.

    Columns model, size_mm (missing where the size does not matter), then one per number of lesions ("2", "3", "4").
    """
    rows = []
    for model, words in repeatability_words().items():
        sizes = np.array(SIZES_MM) if repeatability()[model][0] == "absolute" else np.array([np.nan])
        for size, sd in zip(sizes, change_sd_pct(model, sizes, np.zeros_like(sizes)), strict=True):
            rows.append([words, size, *(sd * expected_range(lesions) for lesions in LESIONS)])
    return pd.DataFrame(rows, columns=["model", "size_mm", *map(str, LESIONS)])


def uptake_tests(results: Results) -> pd.DataFrame:
    """SUVmax by response, from lesions as units to patients as clusters: way, ratio, p, as `Result`s (ratio may be NA)."""
    ways = {
        "lesions as units, Mann-Whitney (the paper's way)": (None, "suv.p"),
        "lesions as units, Kruskal-Wallis over the responses": (None, "suv.p.kruskal"),
        "patients as units, permutation": (None, "suv.p.patients"),
        "patients as clusters, estimating equation": ("suv.ratio.gee", "suv.p.gee"),
        "patients as clusters, mixed model": ("suv.ratio.mixed", "suv.p.mixed"),
    }
    rows = [[words, results[ratio] if ratio else None, results[p]] for words, (ratio, p) in ways.items()]
    return pd.DataFrame(rows, columns=["way", "ratio", "p"])


def claim_ways(results: Results) -> list[tuple[str, Result]]:
    """Progression after each therapy, as judged and with the best and worst case of those not judged, for the forest."""
    ways = {
        "after 177Lu-PSMA, patients judged, 95% CI": "resp.lu.pd",
        "after 177Lu-PSMA, best and worst case of all treated": "resp.claim.lu.bounds",
        "after SIRT, patients judged, 95% CI": "resp.sirt.pd",
        "after SIRT, best and worst case of all treated": "resp.claim.sirt.bounds",
    }
    return [(words, results[key]) for words, key in ways.items()]


def both_therapies(counts: pd.DataFrame) -> pd.DataFrame:
    """`paired_counts` as a table: after_lu, number of patients by response after SIRT; rows without patients left out."""
    filled = counts[counts.sum(axis=1).gt(0)].copy()
    filled.columns = pd.Index([str(name) for name in filled.columns])
    return filled.rename_axis("after_lu").reset_index()
