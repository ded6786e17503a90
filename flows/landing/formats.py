"""How a frozen batch gets into the lake: as a Parquet file of its own, or into Delta tables; each exactly once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from flows.landing.arrow import to_table
from flows.landing.delta import CURRENT, HISTORY, DeltaStore, is_delta
from flows.landing.lake import Lake
from flows.ledger.records import FrozenBatch
from flows.ledger.store import Ledger
from schemas.errors import UsageError
from schemas.registry import from_json_schema

LakeFormat = Literal["parquet", "delta"]

LEDGER_KEY, BATCH_KEY = b"parquetry.ledger", b"parquetry.batch"
_BATCH_FILE = re.compile(r"(?P<batch>\d{8}T\d{6}-[0-9a-f]{20})\.parquet")
_MOVE = (
    'Keep the format as it is; or set "lake" to an empty place and run `parquetry doctor --lake --repair`, which '
    "writes all landed rows there."
)


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A batch in the lake: where, how many rows, and the SHA-256 of its rows as a Parquet file."""

    path: str
    rows: int
    sha256: str


class Format(Protocol):
    """Gets batches of one schema into the lake."""

    def sweep(self, ledger: Ledger) -> list[str]:
        """Removes what writers who died left behind; says what."""
        ...

    def write(self, batch: FrozenBatch) -> tuple[LandedFile, list[str]]:
        """Lands a batch, unless it has landed; a sentence for each value that no column can hold.

        Raises:
            LandingError: it did not land, or nobody knows whether it did; retryable.
        """
        ...


def open_format(lake: Lake, schema_name: str, kind: LakeFormat, ledger_id: str) -> Format:
    """The way into the schema's folder.

    Raises:
        UsageError: the folder holds the other format already, or a library is missing.
    """
    if kind == "delta":
        if lake.files(schema_name):
            raise UsageError(
                f"{lake.location(schema_name)} holds Parquet files, and the lake's format is set to delta.",
                remedy=_MOVE,
            )
        return DeltaFormat(lake, schema_name, ledger_id)
    if is_delta(lake, schema_name):
        raise UsageError(
            f"{lake.location(schema_name)} holds Delta tables, and the lake's format is set to parquet.",
            remedy=_MOVE,
        )
    return ParquetFormat(lake, schema_name, ledger_id)


class ParquetFormat:
    """Each batch is a file named after it. Its bytes follow from the frozen rows, so late writers do no harm."""

    def __init__(self, lake: Lake, schema_name: str, ledger_id: str) -> None:
        self.lake, self.schema_name, self.ledger_id = lake, schema_name, ledger_id

    def sweep(self, ledger: Ledger) -> list[str]:
        """Removes temporary files, and moves files aside whose batch this ledger made and has lost.

        That happens when a ledger was restored from a backup: the documents are processed again, and the file
        would have their rows a second time. Files of other ledgers, and of nobody, are left alone.
        """
        swept = self.lake.leftovers(self.schema_name)
        for name in swept:
            self.lake.remove(name)
        return swept + [self.lake.set_aside(name) for name in self.strangers(ledger) if self.is_ours(name)]

    def strangers(self, ledger: Ledger) -> list[str]:
        """Files whose batch the ledger does not know."""
        there = self.lake.files(self.schema_name)  # before the ledger is asked: it knows of a batch earlier
        known = ledger.batch_ids(self.schema_name)
        return [name for name in there if name.rpartition("/")[2].removesuffix(".parquet") not in known]

    def is_ours(self, name: str) -> bool:
        """Whether the file says that this ledger made it."""
        found = _BATCH_FILE.fullmatch(name.rpartition("/")[2])
        said = self.metadata(name) if found else {}
        return bool(
            found
            and said.get(LEDGER_KEY) == self.ledger_id.encode()
            and said.get(BATCH_KEY) == found["batch"].encode()
        )

    def metadata(self, name: str) -> dict[bytes, bytes]:
        """The key-value metadata of a file; empty when it is no Parquet file."""
        system, root = self.lake.file_system()
        try:
            return dict(pq.read_schema(f"{root}/{name}", filesystem=system).metadata or {})
        except (OSError, pa.ArrowException):
            return {}

    def name(self, batch_id: str) -> str:
        """The name of a batch's file in the lake."""
        return f"{self.schema_name}/{batch_id}.parquet"

    def write(self, batch: FrozenBatch) -> tuple[LandedFile, list[str]]:
        """Writes the file, or finds it there with the same bytes: when only the note was lost."""
        table, warnings = batch_table(batch, self.ledger_id)
        data = encode(table)
        sha256 = hashlib.sha256(data).hexdigest()
        name = self.name(batch.batch_id)
        if self.lake.digest(name) == sha256:
            self.lake.confirm(name)
        else:
            self.lake.write(name, data)
        return LandedFile(self.lake.location(name), table.num_rows, sha256), warnings


class DeltaFormat:
    """Each batch is one commit to the table of history and one to the table of the present."""

    def __init__(self, lake: Lake, schema_name: str, ledger_id: str) -> None:
        self.lake, self.schema_name, self.ledger_id = lake, schema_name, ledger_id
        self.store = DeltaStore(lake)
        self.history, self.current = f"{schema_name}/{HISTORY}", f"{schema_name}/{CURRENT}"

    def sweep(self, ledger: Ledger) -> list[str]:
        """Nothing: no reader sees a file without a commit, and `parquetry lake compact` removes it in time."""
        return []

    def write(self, batch: FrozenBatch) -> tuple[LandedFile, list[str]]:
        """Commits the batch to both tables, to each once."""
        table, warnings = batch_table(batch, self.ledger_id)
        self.store.append(self.history, batch.batch_id, table)
        self.store.merge(self.current, batch.batch_id, table)
        return self._landed(table), warnings

    def repair(self, batch: FrozenBatch) -> LandedFile:
        """Adds those rows of a batch that are not there any more, to both tables."""
        table, _ = batch_table(batch, self.ledger_id)
        self.store.insert_missing(self.history, batch.batch_id, table)
        self.store.merge(self.current, batch.batch_id, table, repair=True)
        return self._landed(table)

    def _landed(self, table: pa.Table) -> LandedFile:
        sha256 = hashlib.sha256(encode(table)).hexdigest()
        return LandedFile(self.lake.location(self.history), table.num_rows, sha256)


def batch_table(batch: FrozenBatch, ledger_id: str) -> tuple[pa.Table, list[str]]:
    """The rows of a batch in the columns of the schema they were made with, and what did not fit."""
    schema = from_json_schema(batch.json_schema, batch.schema_name)
    table, warnings = to_table(schema, batch.rows)
    said = {**table.schema.metadata, LEDGER_KEY: ledger_id.encode(), BATCH_KEY: batch.batch_id.encode()}
    return table.replace_schema_metadata(said), warnings


def encode(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file; the same bytes for the same table."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        version="2.6",
        write_page_checksum=True,
    )
    return bytes(memoryview(sink.getvalue()))
