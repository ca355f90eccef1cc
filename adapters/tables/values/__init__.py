"""Numbers, units and times as FHIR writes them; no table, no patient."""
