"""Observations out of the rows: value, unit, comparator, reference range."""
