"""What the ledger says of the lake: its batches, whatever became of their files, and who it is itself."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flows.ledger.batches import existing_batch
from flows.ledger.models import Batch, Identity, Row, StoredSchema
from flows.ledger.records import BatchRecord, RowName
from schemas.registry import LoadedSchema, from_json_schema

PAGE = 500
LEDGER = "ledger"


def ledger_id(session: Session) -> str:
    """See `Ledger.ledger_id`."""
    return session.get_one(Identity, LEDGER).value


def batch_ids(session: Session, schema_name: str) -> set[str]:
    """See `Ledger.batch_ids`."""
    return set(session.scalars(select(Batch.batch_id).where(Batch.schema_name == schema_name)))


def batch_page(session: Session, schema_name: str, after: tuple[object, str] | None) -> list[Batch]:
    """The next batches of a schema, oldest first."""
    query = select(Batch).where(Batch.schema_name == schema_name)
    if after is not None:
        at, batch_id = after
        query = query.where((Batch.frozen_at > at) | ((Batch.frozen_at == at) & (Batch.batch_id > batch_id)))
    return list(session.scalars(query.order_by(Batch.frozen_at, Batch.batch_id).limit(PAGE)))


def batch_record(batch: Batch) -> BatchRecord:
    """A batch in plain values."""
    return BatchRecord(
        batch_id=batch.batch_id,
        schema_name=batch.schema_name,
        fingerprint=batch.fingerprint,
        row_count=batch.row_count,
        frozen_at=batch.frozen_at,
        landed_at=batch.landed_at,
        path=batch.path,
        file_sha256=batch.file_sha256,
    )


def row_names(session: Session, batch_id: str) -> list[RowName]:
    """See `Ledger.row_names`."""
    rows = session.execute(
        select(Row.row_key, Row.version).where(Row.batch_id == batch_id).order_by(Row.row_id)
    )
    return [RowName(row_key, version) for row_key, version in rows if version is not None]


def schemas_with_rows(session: Session, schema_name: str | None) -> Iterator[LoadedSchema]:
    """See `Ledger.schemas_with_rows`."""
    used = select(Row.fingerprint, func.min(Row.row_id).label("first")).group_by(Row.fingerprint).subquery()
    query = select(StoredSchema).join(used, used.c.fingerprint == StoredSchema.fingerprint)
    if schema_name is not None:
        query = query.where(StoredSchema.name == schema_name)
    for stored in session.scalars(query.order_by(used.c.first)):
        yield from_json_schema(stored.json_schema, stored.name)


def record_file(session: Session, batch_id: str, path: str, sha256: str) -> None:
    """See `Ledger.record_file`."""
    batch = existing_batch(session, batch_id)
    batch.path, batch.file_sha256 = path, sha256
