"""Rows on their way to the lake: noted when a document is accepted, frozen before a file is written."""

from __future__ import annotations

import datetime as dt
from itertools import takewhile

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


def freeze_next(session: Session, at: dt.datetime, schema_name: str, max_rows: int) -> FrozenBatch | None:
    """See `Ledger.freeze_next`."""
    _wait_for_turn(session)
    open_rows = session.scalars(
        select(Row)
        .where(Row.schema_name == schema_name, Row.batch_id.is_(None))
        .order_by(Row.row_id)
        .limit(max_rows)
    ).all()
    if not open_rows:
        return None
    # A file has one schema, and versions must follow each other in time: so up to where the schema changes.
    fingerprint = open_rows[0].fingerprint
    return _freeze_rows(session, at, list(takewhile(lambda row: row.fingerprint == fingerprint, open_rows)))


def _wait_for_turn(session: Session) -> None:
    """Two freezes would give the same versions; the second waits here until the first has committed."""
    insert_new(session, Lock, name="freeze", taken=0)
    session.execute(update(Lock).where(Lock.name == "freeze").values(taken=Lock.taken + 1))


def _freeze_rows(session: Session, at: dt.datetime, rows: list[Row]) -> FrozenBatch:
    name, fingerprint = rows[0].schema_name, rows[0].fingerprint
    stored = session.get(StoredSchema, fingerprint)
    if stored is None:
        raise LedgerError(
            f"Rows of {name} wait for a schema {fingerprint[:12]} that the ledger does not have.",
            remedy="Land once with the schema they were extracted with.",
        )
    frozen = _with_versions(session, rows, stored.version)
    names = [f"{row.row_key}:{row.version}" for row in frozen]
    batch = FrozenBatch(
        batch_id=f"{rows[0].created_at:%Y%m%dT%H%M%S}-{digest(fingerprint, *names)[:20]}",
        schema_name=name,
        fingerprint=fingerprint,
        schema_version=stored.version,
        json_schema=stored.json_schema,
        rows=frozen,
    )
    session.add(
        Batch(
            batch_id=batch.batch_id,
            schema_name=name,
            fingerprint=fingerprint,
            row_count=len(rows),
            frozen_at=at,
        )
    )
    session.flush()
    for row, content in zip(rows, frozen, strict=True):
        row.batch_id, row.version = batch.batch_id, content.version
        # What else a value could have been is for reviewers; it does not land.
        row.payload = content.model_dump(mode="json", exclude={"evidence": {"__all__": {"others"}}})
    return batch


def _with_versions(session: Session, rows: list[Row], schema_version: int) -> list[FrozenRow]:
    """The rows as they will land: each one version above the last of its key."""
    documents = {
        document.document_id: document
        for document in session.scalars(
            select(Document).where(Document.document_id.in_({row.document_id for row in rows}))
        )
    }
    decisions = {
        decision.decision_id: decision
        for decision in session.scalars(
            select(Decision).where(Decision.decision_id.in_({row.decision_id for row in rows} - {None}))
        )
    }
    last = {
        key: (version, at)
        for key, version, at in session.execute(
            select(Row.row_key, func.max(Row.version), func.max(Row.created_at))
            .where(Row.row_key.in_({row.row_key for row in rows}), Row.version.is_not(None))
            .group_by(Row.row_key)
        )
    }
    frozen = []
    for row in rows:
        version, at = last.get(row.row_key, (None, row.created_at))
        # Clocks of machines differ, and commits overtake each other: versions still follow in time.
        valid_from = max(at, row.created_at)
        last[row.row_key] = ((version or 0) + 1, valid_from)
        decision = decisions[row.decision_id] if row.decision_id is not None else None
        frozen.append(
            _frozen_row(row, documents[row.document_id], decision, version, valid_from, schema_version)
        )
    return frozen


def _frozen_row(
    row: Row,
    document: Document,
    decision: Decision | None,
    last_version: int | None,
    valid_from: dt.datetime,
    schema_version: int,
) -> FrozenRow:
    extraction = Extraction.model_validate(document.extraction)
    data = decision.data if decision else extraction.data
    evidence = decision.fields if decision else extraction.fields
    return FrozenRow.model_validate(
        {
            "row_key": row.row_key,
            "version": (last_version or 0) + 1,
            "supersedes": last_version,
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


def pending_ids(session: Session, schema_name: str | None) -> list[str]:
    """Batches without a recorded file."""
    query = select(Batch.batch_id).where(Batch.landed_at.is_(None))
    if schema_name is not None:
        query = query.where(Batch.schema_name == schema_name)
    return list(session.scalars(query.order_by(Batch.frozen_at, Batch.batch_id)))


def load(session: Session, batch_id: str) -> FrozenBatch:
    """A batch with its rows, as frozen."""
    batch = session.get_one(Batch, batch_id)
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
