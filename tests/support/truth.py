"""The tidy tables of the demo cohort by a way that knows no FHIR: oracle of the pipeline, data for analysis tests.

Patient ids are the keys of the cohort files (P01 ...), lesion ids P01-L1 ...; study ids of a pull are pseudonymous and
others. Earlier radiation and 223Ra have exact days here; the FHIR demo blurs some of them.
"""

from __future__ import annotations

from functools import cache

import pandas as pd

from adapters.synthetic.cohort_files import read_cohort
from adapters.synthetic.tidy import tidy_tables


@cache
def _tables() -> dict[str, pd.DataFrame]:
    return tidy_tables(read_cohort())


def truth_tables() -> dict[str, pd.DataFrame]:
    """The seven tables of the contract for the committed cohort; a fresh copy on every call."""
    return {name: frame.copy() for name, frame in _tables().items()}
