"""The demo cohort as FHIR and as tables, in any dialect and format: written and pulled once a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from adapters import load_tables
from adapters.pull import pull
from adapters.sources import open_source
from adapters.synthetic.demo import write_demo
from analysis.results import Result
from tests.support.fhir_changes import Pulled
from tests.support.once import Once

DIALECTS, FORMATS = ("mcode", "mii"), ("bundle", "ndjson")


@dataclass(frozen=True)
class Demo:
    """One demo. Its files, tables and results are shared by all tests: read them, change nothing."""

    once: Once
    dialect: str
    format: str

    @property
    def name(self) -> str:
        """The demo in words, for names of folders."""
        return f"demo-{self.dialect}-{self.format}"

    @cached_property
    def fhir(self) -> Path:
        """The folder of FHIR files: demo.json, or one NDJSON file a resource type."""
        return self.once.folder(self.name, lambda out: write_demo(out, dialect=self.dialect, form=self.format))

    @cached_property
    def tables(self) -> Path:
        """The folder of a pull from these files, as STUDY_TABLES and `load_tables` take it."""
        return self.once.folder(f"{self.name}-tables", lambda out: pull(open_source(str(self.fhir)), out))

    @property
    def pulled(self) -> Pulled:
        """Fresh copies of all tables, and the manifest."""
        return Pulled(self.frames(), self.manifest())

    def frames(self) -> dict[str, pd.DataFrame]:
        """Fresh copies of all tables, by name."""
        return dict(load_tables(self.tables))

    def manifest(self) -> dict[str, Any]:
        """What the pull says about itself."""
        manifest: dict[str, Any] = json.loads((self.tables / "current" / "manifest.json").read_text("utf-8"))
        return manifest

    def results(self) -> dict[str, Result]:
        """Every number of the book, by id."""
        return self.once.value(f"{self.name}-results", lambda: self.pulled.results())
