"""HTTP to one FHIR server: sign-in, retries, limits, and no request to any other origin."""
