"""The demo in both dialects and both forms, written once for all tests of this folder."""

from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from adapters.synthetic.demo import write_demo
from adapters.synthetic.fhir.cohort import COHORT
from tests.support.demo import DIALECTS, FORMATS, Demo
from tests.support.fhir_facts import STANDIN
from tests.support.once import Once


@pytest.fixture(scope="session", params=["standin", "cohort"])
def cohort_folder(request: pytest.FixtureRequest) -> Path:
    """The six invented patients that have every kind of row, and the committed cohort."""
    return STANDIN if request.param == "standin" else COHORT


@pytest.fixture(scope="session")
def demo(cohort_folder: Path, demo_in: Callable[..., Demo], once: Once) -> dict[tuple[str, str], Path]:
    """(dialect, format) -> folder with the demo."""
    pairs = list(product(DIALECTS, FORMATS))
    if cohort_folder == COHORT:
        return {pair: demo_in(*pair).fhir for pair in pairs}

    def write(out: Path, dialect: str, form: str) -> None:
        write_demo(out, dialect=dialect, form=form, cohort=cohort_folder)

    return {(d, f): once.folder(f"standin-{d}-{f}", partial(write, dialect=d, form=f)) for d, f in pairs}
