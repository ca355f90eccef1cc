"""What was fetched, on disk: private, resumable, removed when the tables are written."""
