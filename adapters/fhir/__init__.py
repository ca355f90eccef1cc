"""Facts of FHIR R4 that every part of the adapters needs: versions, references, code lists, selection, strict JSON."""
