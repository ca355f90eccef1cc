"""Files through views: blocks, worker processes, and rows as CSV, NDJSON, Arrow and Parquet."""
