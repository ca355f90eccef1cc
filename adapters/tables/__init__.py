"""FHIR resources -> tidy tables: views, code lists, units, merges, lesions, last contact, study ids, contract."""

from adapters.tables.build import build_tables

__all__ = ["build_tables"]
