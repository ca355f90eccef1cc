"""A book opened by hand, as a chapter's page takes it, and a check of what the page shows."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import altair as alt
import pandas as pd

from analysis.datasets.cached import cached_tables
from analysis.opened_book import Book
from analysis.report.charts import Stack
from analysis.report.tables import Folded, Table
from analysis.settings import load_study

HOSPITAL: dict[str, Any] = {"synthetic": False, "cohort_tags": []}


def opened(tables: Mapping[str, pd.DataFrame], part: ModuleType, manifest: Mapping[str, Any] = HOSPITAL) -> Book:
    """`part`: the module `results` of a package; `manifest`: whose data these are, a hospital's unless given."""
    study, cached = load_study(), cached_tables(tables)
    return Book(cached, study, manifest, {result.id: result for result in part.results(cached, study)})


def check_shown(item: Any) -> None:
    """Assert that a reader can use what a page shows: charts are described, nothing says NaN, headings are words."""
    for part in [drawn for _, drawn in item.parts] if isinstance(item, Stack) else [item]:
        if isinstance(part, alt.TopLevelMixin):
            spec = part.to_dict()
            assert spec["description"]
            json.dumps(spec, allow_nan=False)
            continue
        shown = part.content if isinstance(part, Folded) else part
        assert not re.search(r"\bnan\b", re.sub(r'href="data:[^"]*"', "", part._repr_html_()), re.IGNORECASE)
        assert not isinstance(shown, Table) or set(shown.frame) <= set(shown.headers)
