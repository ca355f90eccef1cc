"""A book opened by hand: tables of a test with the results of one part, as a chapter's page takes it."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pandas as pd

from analysis.datasets.cached import remembering
from analysis.opened_book import Book
from analysis.settings import load_study

HOSPITAL: dict[str, Any] = {"synthetic": False, "cohort_tags": []}


def opened(tables: Mapping[str, pd.DataFrame], part: ModuleType, manifest: Mapping[str, Any] = HOSPITAL) -> Book:
    """`part`: the module `results` of a package; `manifest`: whose data these are, a hospital's unless given."""
    study, cached_tables = load_study(), remembering(tables)
    return Book(cached_tables, study, manifest, {result.id: result for result in part.results(cached_tables, study)})
