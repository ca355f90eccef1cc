"""Tidy tables -> results, pages and the book. Knows nothing of FHIR."""
