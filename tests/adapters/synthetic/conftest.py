"""The demo in both dialects and both forms, written once for all tests of this folder."""

from pathlib import Path

import pytest

from adapters.synthetic.demo import write_demo
from adapters.synthetic.fhir.cohort import COHORT
from tests.support.fhir_facts import STANDIN

DIALECTS = ("mcode", "mii")
FORMATS = ("bundle", "ndjson")


@pytest.fixture(scope="session", params=["standin", "cohort"])
def cohort_folder(request: pytest.FixtureRequest) -> Path:
    """The six invented patients that have every kind of row, and the committed cohort."""
    return STANDIN if request.param == "standin" else COHORT


@pytest.fixture(scope="session")
def demo(cohort_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """(dialect, format) -> folder with the demo."""
    folders = {}
    for dialect in DIALECTS:
        for form in FORMATS:
            folder = tmp_path_factory.mktemp(f"{dialect}-{form}")
            write_demo(folder, dialect=dialect, format=form, cohort=cohort_folder)
            folders[dialect, form] = folder
    return folders
