"""A lake in the Delta format, by option: for each schema two tables, one of history and one of the present.

    <schema>/history   every version of every row; a batch is one append
    <schema>/current   the latest version of every row, by merge on ``row_key``; a withdrawn row says ``retracted``

A plain append that is tried again after its reply was lost adds its rows twice. So every commit carries the
batch as an application transaction of its table: a batch that the log knows is not written again, and of two
writers who commit the same batch at once the library refuses the second.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from flows.landing.evolution import conform, plain_schema, same_columns, unify
from flows.landing.lake import Lake
from flows.landing.local import LocalLake, sync_commits
from schemas.errors import LandingError, ParquetryError, UsageError

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable, WriterProperties

HISTORY, CURRENT = "history", "current"
TABLES = (HISTORY, CURRENT)
TRIES = 20
"""So often a commit is tried again when other writers were first."""
KEEP_HOURS = 168
"""Files that no table refers to any more are kept so long: readers and writers may still be at them."""
_ROW_GROUP = 8_192
_PAUSE_SECONDS = 0.05
_PATIENCE = {"max_retries": "4", "retry_timeout": "30s"}
"""With a store that does not answer; by the library's own measure a failure takes three minutes to show."""
_KEY = "t.row_key = s.row_key"


def is_delta(lake: Lake, schema_name: str) -> bool:
    """Whether the schema's folder is of the Delta format."""
    return any(lake.has(f"{schema_name}/{table}/_delta_log") for table in TABLES)


def delta_fragments(lake: Lake, schema_name: str) -> Sequence[Any] | None:
    """The data files of the history as pyarrow reads them; ``None`` when this is no Delta lake."""
    if not is_delta(lake, schema_name):
        return None
    table = DeltaStore(lake).find(f"{schema_name}/{HISTORY}")
    return [] if table is None else fragments(table)


def fragments(table: DeltaTable) -> Sequence[Any]:
    """The data files of a table at its version."""
    dataset: Any = table.to_pyarrow_dataset()
    return list(dataset.get_fragments())


class DeltaStore:
    """The Delta tables of a lake. Everything it raises is a `ParquetryError` that says what to do."""

    def __init__(self, lake: Lake) -> None:
        try:
            import deltalake  # noqa: F401
        except ImportError as error:
            raise UsageError(
                "The lake is in the Delta format, and the library for it is not installed.",
                remedy="Run `make install EXTRAS=delta` (or pip install deltalake).",
            ) from error
        self.lake = lake
        self.options = _storage_options(lake)

    def find(self, name: str) -> DeltaTable | None:
        """The table at its latest version, if there is one."""
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        try:
            return DeltaTable(self.lake.location(name), storage_options=self.options)
        except TableNotFoundError:
            return None
        except Exception as error:
            raise self._failed(name, "opened", error) from error

    def append(self, name: str, batch_id: str, rows: pa.Table) -> None:
        """Adds the rows of a batch, once, however often this is called."""
        from deltalake import write_deltalake

        def act(table: DeltaTable, rows: pa.Table) -> None:
            write_deltalake(
                table,
                rows,
                mode="append",
                commit_properties=_commit(batch_id, "landing", once=True),
                writer_properties=_writing(),
            )

        self._commit(name, rows, act, batch_id)

    def insert_missing(self, name: str, batch_id: str, rows: pa.Table) -> None:
        """Adds those of the rows that are not there, whatever the log says of their batch: a repair."""

        def act(table: DeltaTable, rows: pa.Table) -> None:
            merge = _merge(table, rows, f"{_KEY} AND t.version = s.version", _commit(batch_id, "repair"))
            merge.when_not_matched_insert_all().execute()

        self._commit(name, rows, act, None)

    def merge(self, name: str, batch_id: str, rows: pa.Table, *, repair: bool = False) -> None:
        """Brings a table with one row per key up to these rows; older versions than it has change nothing."""
        commit = _commit(batch_id, "repair" if repair else "landing", once=not repair)

        def act(table: DeltaTable, rows: pa.Table) -> None:
            merge = _merge(table, rows, _KEY, commit)
            merge.when_matched_update_all(predicate="s.version > t.version")
            merge.when_not_matched_insert_all().execute()

        self._commit(name, _newest(rows), act, None if repair else batch_id)

    def compact(self, name: str, *, keep_hours: int = KEEP_HOURS) -> tuple[int, int]:
        """Makes few large files of many small ones, and removes what no table refers to any more.

        Args:
            name: the table.
            keep_hours: files that readers and writers may still be at, and the past of the table, are kept so
                long.

        Returns:
            How many files were put together, and how many removed.
        """

        def attempt() -> dict[str, Any]:
            return self._fresh(name).optimize.compact(writer_properties=_writing())

        if self.find(name) is None:
            return 0, 0
        try:
            merged = self._again(name, attempt)
            removed = self._fresh(name).vacuum(
                retention_hours=keep_hours, dry_run=False, enforce_retention_duration=False, full=True
            )
        except ParquetryError:
            raise
        except Exception as error:
            raise self._failed(name, "compacted", error) from error
        self._sync(name, since=-1)
        return int(merged["numFilesRemoved"]), len(removed)

    def _fresh(self, name: str) -> DeltaTable:
        table = self.find(name)
        if table is None:
            raise LandingError(
                f"{self.lake.location(name)} is gone.", remedy="Run again: nothing is lost, it is made anew."
            )
        return table

    def _commit(
        self, name: str, rows: pa.Table, act: Callable[[DeltaTable, pa.Table], None], once: str | None
    ) -> None:
        """Acts on the table as it is, with the rows in its columns; again, when another writer was first."""

        def attempt() -> int | None:
            table = self._made(name, rows.schema)
            if once is not None and table.transaction_version(once) is not None:
                return None
            before = table.version()
            table = self._widened(name, table, rows.schema)
            act(table, conform(rows, _columns(table)))
            return before

        before = self._again(name, attempt)
        self._sync(name, since=-1 if before is None else before)  # whoever wrote it may have died before

    def _again(self, name: str, attempt: Callable[[], Any]) -> Any:
        from deltalake.exceptions import CommitFailedError

        for tried in range(TRIES):
            try:
                return attempt()
            except CommitFailedError:
                time.sleep(random.uniform(0, _PAUSE_SECONDS * (tried + 1)))
            except ParquetryError:
                raise
            except Exception as error:
                raise self._failed(name, "written", error) from error
        raise LandingError(
            f"{self.lake.location(name)} cannot be written: other writers were first {TRIES} times.",
            remedy="Run again: nothing is lost.",
        )

    def _made(self, name: str, schema: pa.Schema) -> DeltaTable:
        """The table, created when it is not there."""
        from deltalake import DeltaTable

        table = self.find(name)
        if table is not None:
            return table
        if isinstance(self.lake, LocalLake):
            self.lake.make_folder(name)
        try:
            return DeltaTable.create(
                self.lake.location(name), schema=plain_schema(schema), storage_options=self.options
            )
        except Exception:
            if (table := self.find(name)) is not None:  # another writer was first
                return table
            raise

    def _widened(self, name: str, table: DeltaTable, wanted: pa.Schema) -> DeltaTable:
        """The table with room for the columns: new ones by a note in its log, wider types by writing it anew.

        Raises:
            SchemaError: a column's types have nothing in common.
        """
        from deltalake import Schema, write_deltalake

        has = _columns(table)
        needs = plain_schema(unify([has, plain_schema(wanted)]))
        if same_columns(has, needs):
            return table
        if all(needs.field(field.name).type == field.type for field in has):
            added = [field for field in needs if field.name not in has.names]
            table.alter.add_columns(list(Schema.from_arrow(pa.schema(added)).fields))
        else:
            reader = pa.RecordBatchReader.from_batches(needs, _rewritten(table, needs))
            write_deltalake(
                table, reader, mode="overwrite", schema_mode="overwrite", writer_properties=_writing()
            )
        return self._fresh(name)

    def _sync(self, name: str, since: int) -> None:
        """Makes commits durable: the library leaves that to the system, and the ledger's note must not be first."""
        if isinstance(self.lake, LocalLake):
            try:
                sync_commits(self.lake.root / name, since)
            except OSError as error:
                raise self._failed(name, "made durable", error) from error

    def _failed(self, name: str, what: str, error: Exception) -> LandingError:
        cause = " ".join(str(error).split())[:300] or type(error).__name__
        return LandingError(
            f"The table {self.lake.location(name)} cannot be {what}: {cause}",
            remedy="Check room, permissions, credentials and network of the lake; then run again: nothing is "
            "lost.",
        )


def _columns(table: DeltaTable) -> pa.Schema:
    columns: Any = table.schema().to_arrow()
    return plain_schema(pa.schema(columns))


def _rewritten(table: DeltaTable, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The table's rows in other columns.

    Read in a thread of its own: who asks is the library's own runtime, which must not wait for itself.
    """
    with ThreadPoolExecutor(1) as pool:
        batches = _conformed(table, schema)
        while (batch := pool.submit(next, batches, None).result()) is not None:
            yield batch


def _conformed(table: DeltaTable, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for fragment in fragments(table):
        for batch in fragment.to_batches(batch_size=1_000, batch_readahead=1):
            yield from conform(pa.Table.from_batches([batch]), schema).to_batches()


def _newest(rows: pa.Table) -> pa.Table:
    """One row per key: a merge must not meet two."""
    numbered = rows.select(["row_key", "version"]).append_column(
        "at", pa.array(range(rows.num_rows), pa.int64())
    )
    last = numbered.sort_by("version").group_by("row_key", use_threads=False).aggregate([("at", "last")])
    return rows.take(last["at_last"].combine_chunks().sort())


def _merge(table: DeltaTable, rows: pa.Table, on: str, commit: CommitProperties) -> Any:
    return table.merge(
        rows,
        on,
        source_alias="s",
        target_alias="t",
        commit_properties=commit,
        writer_properties=_writing(),
    )


def _commit(batch_id: str, why: str, *, once: bool = False) -> CommitProperties:
    from deltalake import CommitProperties, Transaction

    return CommitProperties(
        custom_metadata={"parquetry.batch": batch_id, "parquetry.why": why},
        app_transactions=[Transaction(batch_id, 1)] if once else None,
        max_commit_retries=0,  # we look at the table again before we try again
    )


def _writing() -> WriterProperties:
    from deltalake import WriterProperties

    return WriterProperties(compression="ZSTD", max_row_group_size=_ROW_GROUP)


def _storage_options(lake: Lake) -> dict[str, str]:
    """What fsspec was told about S3, in the words of the Delta library; other stores read their environment."""
    system, _ = lake.file_system()
    if system is None:
        return {}
    if "s3" not in system.protocol:
        return dict(_PATIENCE)
    told = dict(getattr(system, "client_kwargs", None) or {})
    endpoint = (
        getattr(system, "endpoint_url", None)
        or told.get("endpoint_url")
        or os.environ.get("AWS_ENDPOINT_URL_S3")
        or os.environ.get("AWS_ENDPOINT_URL")
    )
    options = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true" if str(endpoint or "").startswith("http://") else None,
        "AWS_ACCESS_KEY_ID": getattr(system, "key", None),
        "AWS_SECRET_ACCESS_KEY": getattr(system, "secret", None),
        "AWS_SESSION_TOKEN": getattr(system, "token", None),
        "AWS_REGION": told.get("region_name") or os.environ.get("AWS_DEFAULT_REGION"),
    }
    return _PATIENCE | {name: str(value) for name, value in options.items() if value}
