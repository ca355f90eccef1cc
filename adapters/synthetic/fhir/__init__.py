"""The synthetic cohort as FHIR R4 resources."""
