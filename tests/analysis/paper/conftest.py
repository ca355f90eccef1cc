"""The numbers of the committed cohort, computed once a run."""

from __future__ import annotations

import pytest

from adapters.synthetic.search.ranges import DEMO, results_of
from analysis.results import Result
from tests.support.once import Once


@pytest.fixture(scope="session")
def cohort_results(once: Once) -> dict[str, Result]:
    """Every number of the book by id, on the tidy tables of the committed cohort."""
    return {result.id: result for result in once.value("cohort-results", lambda: results_of(DEMO))}
