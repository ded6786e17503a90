"""What is written out: rows that can be gone through batch by batch, more than once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pyarrow as pa


class Rows(Protocol):
    """A table that need not be in memory; `flows.landing.Snapshot` is one."""

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        ...

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, from the start each time."""
        ...


def each(rows: Rows, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows one by one, with some of their columns or all."""
    for batch in rows.batches():
        yield from (batch if columns is None else batch.select(columns)).to_pylist()
