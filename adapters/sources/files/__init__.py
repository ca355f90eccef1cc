"""Bundle files, NDJSON files and folders of them as a source."""
