"""What every part of the ledger does: keys, inserts that may have happened already, steps of a document."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from flows.ledger import archives
from flows.ledger.models import Base, Document, Input, Transition, table_of
from flows.ledger.records import DocumentState
from schemas.errors import LedgerError

OPEN_STATES = (DocumentState.PENDING, DocumentState.PROCESSING)
_INPUTS, _TRANSITIONS = table_of(Input), table_of(Transition)
OPEN_OUTCOME = "pending"
"""How an input without an outcome yet is counted."""


def digest(*parts: str) -> str:
    """SHA-256 over the parts, each with its length before it, so that no two lists of parts are alike."""
    hasher = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        hasher.update(len(data).to_bytes(8, "big") + data)
    return hasher.hexdigest()


def document_key(sha256: str, fingerprint: str, model: str) -> str:
    """The document's id: short enough for an address, the same on every machine."""
    return digest("document", sha256, fingerprint, model)[:32]


def row_key(sha256: str, schema_name: str) -> str:
    """The key of a row: the same for every version of it, whatever model or person made it."""
    return digest("row", sha256, schema_name)


def insert_new(session: Session, table: type[Base], **values: Any) -> bool:
    """Inserts a row unless one with the same key is there; says whether it did. Never raises for that."""
    return bool(insert_all_new(session, table, [values]))


def insert_all_new(
    session: Session, table: type[Base], rows: Sequence[dict[str, Any]]
) -> list[tuple[Any, ...]]:
    """Inserts those rows whose keys are not there yet; gives the primary keys of those it did insert.

    All rows name the same columns. Sort them by their key: two that insert the same ones at once then wait for
    each other, and never both.
    """
    if not rows:
        return []
    target = table_of(table)
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = upsert(target).on_conflict_do_nothing().returning(*target.primary_key)
    return [tuple(row) for row in session.execute(statement, list(rows))]


def locked_document(session: Session, document_id: str) -> Document:
    """The document, held against other writers until the transaction ends."""
    document = session.get(Document, document_id, with_for_update=True, populate_existing=True)
    if document is None:
        raise LedgerError(
            f"The ledger has no document {document_id}.", remedy="Look for it in the queue or in the status."
        )
    return document


def move(
    session: Session,
    at: dt.datetime,
    document: Document,
    to: DocumentState,
    *,
    actor: str,
    run_id: str | None = None,
    detail: str = "",
    figures: dict[str, Any] | None = None,
) -> None:
    """Takes a document, and the input it stands for, to another state, and notes the step.

    Tables, not mapped classes: every document passes here twice, and half of its time would go into the mapping.
    """
    note_step(session, at, document, to, actor=actor, run_id=run_id, detail=detail, figures=figures)
    document.state = to.value
    document.waiting = to is DocumentState.REVIEW
    is_open = to in OPEN_STATES
    moved = session.execute(
        update(_INPUTS)
        .where(_INPUTS.c.document_id == document.document_id, _INPUTS.c.primary_input)
        .values(
            outcome=None if is_open else to.value,
            reason=None if is_open else document.failure,
            detail="" if is_open else document.detail,
            updated_at=at,
        )
        .returning(_INPUTS.c.archive_id)
    )
    for archive_id in moved.scalars().all():
        if archive_id is not None:
            archives.follow_members(session, at, archive_id)


def note_step(
    session: Session,
    at: dt.datetime,
    document: Document,
    to: DocumentState | None = None,
    *,
    actor: str,
    run_id: str | None = None,
    detail: str = "",
    figures: dict[str, Any] | None = None,
) -> None:
    """Notes a step of a document; without ``to`` one that leaves it in its state."""
    session.execute(
        insert(_TRANSITIONS).values(
            at=at,
            document_id=document.document_id,
            from_state=document.state,
            to_state=to.value if to is not None else document.state,
            token=document.token,
            actor=actor,
            run_id=run_id,
            detail=detail,
            figures=figures,
        )
    )
    document.updated_at = at
