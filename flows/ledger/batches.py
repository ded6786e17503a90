"""Rows on their way to the lake: noted when a document is accepted, frozen before a file is written."""

from __future__ import annotations

import datetime as dt
from itertools import groupby, islice

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from flows.ledger.common import digest, insert_new, row_key
from flows.ledger.models import Batch, Decision, Document, Lock, Row, StoredSchema
from flows.ledger.records import FrozenBatch, FrozenRow
from schemas.errors import LedgerError
from schemas.extraction import Extraction


def add_row(
    session: Session,
    at: dt.datetime,
    document: Document,
    *,
    landed_by: str,
    decision: Decision | None = None,
    retracted: bool = False,
) -> None:
    """Writes down that the document's row, as it is now, is to land; in the caller's transaction."""
    session.add(
        Row(
            row_key=row_key(document.sha256, document.schema_name),
            schema_name=document.schema_name,
            fingerprint=document.fingerprint,
            document_id=document.document_id,
            revision=document.revision,
            decision_id=decision.decision_id if decision else None,
            retracted=retracted,
            landed_by=landed_by,
            run_id=document.run_id,
            created_at=at,
        )
    )


def freeze(session: Session, at: dt.datetime, schema_name: str, max_rows: int) -> list[FrozenBatch]:
    """See `Ledger.freeze_batch`."""
    _wait_for_turn(session)
    rows = session.scalars(
        select(Row)
        .where(Row.schema_name == schema_name, Row.batch_id.is_(None))
        .order_by(Row.fingerprint, Row.row_id)
    ).all()
    made: list[FrozenBatch] = []
    for fingerprint, group in groupby(rows, key=lambda row: row.fingerprint):
        while chunk := list(islice(group, max_rows)):
            made.append(_freeze_rows(session, at, schema_name, fingerprint, chunk))
    return made


def _wait_for_turn(session: Session) -> None:
    """Two freezes would give the same versions; the second waits here until the first has committed."""
    insert_new(session, Lock, name="freeze", taken=0)
    session.execute(update(Lock).where(Lock.name == "freeze").values(taken=Lock.taken + 1))


def _freeze_rows(
    session: Session, at: dt.datetime, schema_name: str, fingerprint: str, rows: list[Row]
) -> FrozenBatch:
    stored = session.get(StoredSchema, fingerprint)
    if stored is None:
        raise LedgerError(
            f"Rows of {schema_name} wait for a schema {fingerprint[:12]} that the ledger does not have.",
            remedy="Land once with the schema they were extracted with.",
        )
    frozen = [_freeze_row(session, row, stored.version) for row in rows]
    names = [f"{row.row_key}:{row.version}" for row in frozen]
    batch_id = f"{rows[0].created_at:%Y%m%dT%H%M%S}-{digest(fingerprint, *names)[:20]}"
    session.add(
        Batch(
            batch_id=batch_id,
            schema_name=schema_name,
            fingerprint=fingerprint,
            row_count=len(rows),
            frozen_at=at,
        )
    )
    session.flush()
    for row in rows:
        row.batch_id = batch_id
    session.flush()
    return FrozenBatch(
        batch_id=batch_id,
        schema_name=schema_name,
        fingerprint=fingerprint,
        schema_version=stored.version,
        json_schema=stored.json_schema,
        rows=frozen,
    )


def _freeze_row(session: Session, row: Row, schema_version: int) -> FrozenRow:
    last = session.scalar(
        select(Row)
        .where(Row.row_key == row.row_key, Row.version.is_not(None))
        .order_by(Row.version.desc())
        .limit(1)
    )
    document = session.get_one(Document, row.document_id)
    extraction = Extraction.model_validate(document.extraction)
    data, evidence = extraction.data, extraction.fields
    if row.decision_id is not None:
        decision = session.get_one(Decision, row.decision_id)
        data, evidence = decision.data, decision.fields
    valid_from = row.created_at
    if last is not None and last.payload is not None:
        # Clocks of machines differ, and commits overtake each other: versions still follow in time.
        valid_from = max(valid_from, dt.datetime.fromisoformat(last.payload["valid_from"]))
    frozen = FrozenRow.model_validate(
        {
            "row_key": row.row_key,
            "version": (last.version or 0) + 1 if last else 1,
            "supersedes": last.version if last else None,
            "valid_from": valid_from,
            "landed_by": row.landed_by,
            "retracted": row.retracted,
            "document_sha256": document.sha256,
            "source_uri": document.uri,
            "model": document.model,
            "schema_version": schema_version,
            "fingerprint": row.fingerprint,
            "run_id": row.run_id,
            "data": None if row.retracted else data,
            "evidence": [] if row.retracted else evidence,
        }
    )
    row.version = frozen.version
    row.payload = frozen.model_dump(mode="json")
    session.flush()
    return frozen


def pending_ids(session: Session, schema_name: str | None) -> list[str]:
    """Batches without a recorded file."""
    query = select(Batch.batch_id).where(Batch.landed_at.is_(None))
    if schema_name is not None:
        query = query.where(Batch.schema_name == schema_name)
    return list(session.scalars(query.order_by(Batch.frozen_at, Batch.batch_id)))


def load(session: Session, batch_id: str) -> FrozenBatch:
    """A batch with its rows, as frozen."""
    batch = existing_batch(session, batch_id)
    stored = session.get_one(StoredSchema, batch.fingerprint)
    payloads = session.scalars(select(Row.payload).where(Row.batch_id == batch_id).order_by(Row.row_id))
    return FrozenBatch(
        batch_id=batch_id,
        schema_name=batch.schema_name,
        fingerprint=batch.fingerprint,
        schema_version=stored.version,
        json_schema=stored.json_schema,
        rows=[FrozenRow.model_validate(payload) for payload in payloads],
    )


def mark_landed(session: Session, at: dt.datetime, batch_id: str, path: str, rows: int, sha256: str) -> None:
    """See `Ledger.mark_landed`."""
    batch = existing_batch(session, batch_id)
    frozen = session.scalar(select(func.count()).select_from(Row).where(Row.batch_id == batch_id))
    if rows != frozen:
        raise LedgerError(
            f"Batch {batch_id} has {frozen} rows, and {rows} were written.",
            remedy="Move the file out of the lake and land again; report this.",
        )
    if batch.landed_at is None:
        batch.landed_at, batch.path, batch.file_sha256 = at, path, sha256


def existing_batch(session: Session, batch_id: str) -> Batch:
    """The batch, held against other writers, or a `LedgerError`."""
    batch = session.get(Batch, batch_id, with_for_update=True)
    if batch is None:
        raise LedgerError(f"The ledger has no batch {batch_id}.", remedy="Freeze it first.")
    return batch
