"""FHIR search as a source: cohort first, then what belongs to it, each search checked against the server's counts."""
