"""FHIRPath and ViewDefinitions: syntax, parser, elements of R4, errors."""
