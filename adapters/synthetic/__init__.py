"""The synthetic cohort: reconstructed patient values as CSV, and the FHIR resources built from them."""
