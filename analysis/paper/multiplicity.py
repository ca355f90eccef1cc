"""The paper's tests as rows: computed P, P after Holm in each family, and the least P that the design could give.

SPSS prints the exact P of a Mann-Whitney test up to 40 cases and the asymptotic P of all others, so a computed P may lie
below the least exact one; both kinds of least P are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.results import Result, missing
from analysis.statistics.attainable_p import minimum_attainable_p, minimum_attainable_p_asymptotic
from analysis.statistics.multiplicity import adjust
from analysis.statistics.rank_tests import SPSS_EXACT_CASES_MAX

LOG_RANK = "log_rank"
LEAST = ("least_p", "least_p_asymptotic", "least_p_as_computed")


def paper_tests(results: Mapping[str, Result], study: Mapping[str, Any]) -> pd.DataFrame:
    """One row per test: id, question, unit, sizes (text), p, operator and the least P, missing where sizes are unknown.

    least_p: exact; least_p_asymptotic: of the normal approximation without ties, missing for the log-rank test;
    least_p_as_computed: the one of the kind that `p` is, exact where there is no other.
    """
    rows = []
    for key, test in study["multiplicity"]["tests"].items():
        sizes = _sizes(results, test)
        result = results.get(key)
        p = result.value if result is not None and isinstance(result.value, float) else None
        least, asymptotic, as_computed = _least_p(test["design"], sizes)
        rows.append(
            {
                "id": key,
                "question": test["question"],
                "unit": test["unit"],
                "sizes": " and ".join(map(str, sizes)),
                "p": p,
                "operator": "=",
                "least_p": least,
                "least_p_asymptotic": asymptotic,
                "least_p_as_computed": as_computed,
            }
        )
    return pd.DataFrame(rows).astype({"p": float, **dict.fromkeys(LEAST, float)})


def family_table(tests: pd.DataFrame, study: Mapping[str, Any]) -> pd.DataFrame:
    """Holm-adjusted P of `tests` (id, p, operator) in each family of the settings; see `multiplicity.adjust`."""
    return adjust(tests, study["multiplicity"]["families"])


def family_frame(study: Mapping[str, Any]) -> pd.DataFrame:
    """The families of the settings with their reasons: family, tests_in_family, reason."""
    families = study["multiplicity"]["families"]
    rows = [(name, len(family["tests"]), family["reason"]) for name, family in families.items()]
    return pd.DataFrame(rows, columns=["family", "tests_in_family", "reason"])


def in_questions(frame: pd.DataFrame, study: Mapping[str, Any]) -> pd.DataFrame:
    """The same rows with the question of each test in place of its id."""
    tests = study["multiplicity"]["tests"]
    return frame.assign(id=[tests[key]["question"] for key in frame["id"]]).rename(columns={"id": "question"})


def corrected_words(corrected: pd.DataFrame, study: Mapping[str, Any], family: str = "all") -> str:
    """The corrected printed P of one family in a sentence, smallest first: "0.002 for change of GGT by therapy, ...".

    `corrected`: from `reproduction.holm_of_print`. Tests without a printed P are left out.
    """
    rows = corrected[corrected["family"].eq(family) & corrected["holm_p"].notna()]
    rows = in_questions(rows.sort_values("holm_p", kind="stable"), study)
    return ", ".join(f"{row.words} for {row.question}" for row in rows.itertuples())


def results_from(results: Mapping[str, Result], study: Mapping[str, Any]) -> list[Result]:
    """The numbers of the multiplicity table, computed from the study's other results."""
    tests = paper_tests(results, study)
    method = "tests of the paper, those without a printed P too"
    collected = [Result("mult.tests", len(tests), n=len(tests), unit="count", method=method, basis="design")]
    for row in tests.itertuples():
        collected.append(_least(row, row.least_p, "", "smallest exact two-sided P"))
        if study["multiplicity"]["tests"][row.id]["design"] != LOG_RANK:
            collected.append(_least(row, row.least_p_asymptotic, ".asymptotic", "smallest asymptotic P without ties"))
    for row in family_table(tests, study).itertuples():
        key, method = f"mult.{row.family}.{row.id}", f"Holm over the {row.tests_in_family} tests of the family"
        source = results.get(row.id)
        if pd.isna(row.holm_p):
            reason = (source.reason if source is not None else None) or "not_recorded"
            collected.append(missing(key, reason, n=row.tests_in_family, unit="P", method=method))
        else:
            collected.append(Result(key, float(row.holm_p), n=row.tests_in_family, unit="P", method=method))
    return collected


def _least(row: Any, p: float, end: str, what: str) -> Result:
    key, method = f"mult.least.{row.id}{end}", f"{what}; units: {row.unit}"
    if pd.isna(p):
        return missing(key, "too_few_patients", unit="P", method=method, basis="design")
    return Result(key, float(p), unit="P", method=method, basis="design")


def _least_p(design: str, sizes: tuple[int, ...]) -> tuple[float | None, float | None, float | None]:
    """Exact, asymptotic, and of the kind that SPSS prints."""
    if not sizes:
        return None, None, None
    exact, asymptotic = minimum_attainable_p(design, sizes), minimum_attainable_p_asymptotic(design, sizes)
    approximated = design == "signed_rank" or sum(sizes) > SPSS_EXACT_CASES_MAX
    return exact, asymptotic, asymptotic if approximated and asymptotic is not None else exact


def _sizes(results: Mapping[str, Result], test: Mapping[str, Any]) -> tuple[int, ...]:
    sized = [results.get(key) for key in test["sizes"]]
    sizes = [result.n for result in sized if result is not None and result.n]
    return tuple(sizes) if len(sizes) == len(test["sizes"]) else ()
