"""Bulk data export ($export) as a source."""
