"""FHIR -> tidy tables. What others need of it: `load_tables`, `scan`, `load_manifest`."""

from adapters.contract import load_manifest, load_tables, scan

__all__ = ["load_manifest", "load_tables", "scan"]
