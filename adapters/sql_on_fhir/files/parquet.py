"""Record batches from workers -> a Parquet file in row groups of even size."""

from __future__ import annotations

from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 100_000


class ParquetFile:
    """Writes what workers rendered; batches wait until they fill a row group."""

    def __init__(self, stream: IO[bytes], schema: pa.Schema) -> None:
        self.schema = schema
        self.writer = pq.ParquetWriter(stream, schema)
        self.waiting: list[pa.RecordBatch] = []
        self.rows_waiting = 0

    def write(self, chunk: bytes) -> None:
        """Add the batches of one chunk, an Arrow stream; a full row group goes to the file."""
        for batch in pa.ipc.open_stream(chunk):
            self.waiting.append(batch)
            self.rows_waiting += batch.num_rows
        if self.rows_waiting >= ROW_GROUP:
            self._write_group()

    def _write_group(self) -> None:
        self.writer.write_table(pa.Table.from_batches(self.waiting, self.schema))
        self.waiting = []
        self.rows_waiting = 0

    def close(self, *, complete: bool) -> None:
        """End the file, with what still waits if it is to be complete."""
        if complete and self.waiting:
            self._write_group()
        self.writer.close()
