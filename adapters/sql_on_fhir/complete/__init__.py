"""Every FHIRPath function that the runner knows, as closures over decoded resources: complete, and slower."""
