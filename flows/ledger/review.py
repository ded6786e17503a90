"""The queue of documents that wait for a person, and all about one of them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from flows.ledger import decoys
from flows.ledger.intake import input_record
from flows.ledger.models import Decision, Document, DocumentReason, Input, Row, Transition
from flows.ledger.records import (
    DecisionRecord,
    DocumentRecord,
    DocumentState,
    QueueFacets,
    QueueItem,
    SecondLook,
    TransitionRecord,
    UnknownDocumentError,
)
from schemas.extraction import Extraction
from schemas.outcome import ReviewReason

_HASHES = 5000


def _waiting(schema: str | None, reason: str | None, search: str | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Document.waiting.is_(True)]
    if schema:
        conditions.append(Document.schema_name == schema)
    if reason:
        conditions.append(
            exists().where(
                DocumentReason.document_id == Document.document_id, DocumentReason.reason == reason
            )
        )
    if search and search.strip():
        conditions.append(Document.search_text.contains(search.strip().casefold(), autoescape=True))
    return conditions


def queue(
    session: Session, schema: str | None, reason: str | None, search: str | None, limit: int, offset: int
) -> list[QueueItem]:
    """See `Ledger.queue`. The columns are named so that no extraction is loaded for a list."""
    rows = session.execute(
        select(
            Document.document_id,
            Document.uri,
            Document.sha256,
            Document.schema_name,
            Document.fingerprint,
            Document.model,
            Document.doubtful,
            Document.page_count,
            Document.queued_at,
            Document.revision.label("version"),
        )
        .where(*_waiting(schema, reason, search))
        .order_by(Document.queued_at, Document.document_id)
        .limit(limit)
        .offset(offset)
    ).all()
    reasons = reasons_of(session, [row.document_id for row in rows])
    return [
        QueueItem.model_validate({**row._mapping, "reasons": reasons.get(row.document_id, [])})
        for row in rows
    ]


def queue_size(session: Session, schema: str | None, reason: str | None, search: str | None) -> int:
    """See `Ledger.queue_size`."""
    query = select(func.count()).select_from(Document).where(*_waiting(schema, reason, search))
    return session.scalars(query).one()


def waiting_hashes(session: Session, after: str) -> list[tuple[str, str]]:
    """The next ids and hashes of documents that wait, in the order of the ids."""
    found = session.execute(
        select(Document.document_id, Document.sha256)
        .where(*_waiting(None, None, None), Document.document_id > after)
        .order_by(Document.document_id)
        .limit(_HASHES)
    )
    return [row._tuple() for row in found]


def queue_facets(session: Session) -> QueueFacets:
    """See `Ledger.queue_facets`."""
    number = func.count().label("number")
    schemas = session.execute(
        select(Document.schema_name, number)
        .where(*_waiting(None, None, None))
        .group_by(Document.schema_name)
        .order_by(number.desc(), Document.schema_name)
    )
    reasons = session.execute(
        select(DocumentReason.reason, number)
        .join(Document, Document.document_id == DocumentReason.document_id)
        .where(*_waiting(None, None, None))
        .group_by(DocumentReason.reason)
        .order_by(number.desc(), DocumentReason.reason)
    )
    return QueueFacets(
        schemas={row.schema_name: row.number for row in schemas},
        reasons={ReviewReason(row.reason): row.number for row in reasons},
    )


def reasons_of(session: Session, document_ids: list[str]) -> dict[str, list[ReviewReason]]:
    """Why each of some documents waits."""
    found: dict[str, list[ReviewReason]] = {}
    for row in session.execute(
        select(DocumentReason.document_id, DocumentReason.reason)
        .where(DocumentReason.document_id.in_(document_ids))
        .order_by(DocumentReason.document_id, DocumentReason.reason)
    ):
        found.setdefault(row.document_id, []).append(ReviewReason(row.reason))
    return found


def document(session: Session, document_id: str) -> DocumentRecord:
    """See `Ledger.document`."""
    found = session.get(Document, document_id)
    if found is None:
        raise UnknownDocumentError(
            f"The ledger has no document {document_id!r}.", remedy="Go back to the queue."
        )
    inputs = session.scalars(
        select(Input)
        .where(Input.document_id == document_id)
        .order_by(Input.primary_input.desc(), Input.input_id)
    )
    decisions = session.scalars(
        select(Decision).where(Decision.document_id == document_id).order_by(Decision.decision_id)
    )
    steps = session.scalars(
        select(Transition).where(Transition.document_id == document_id).order_by(Transition.transition_id)
    )
    landed = session.scalars(
        select(Row.version)
        .where(Row.document_id == document_id, Row.version.is_not(None))
        .order_by(Row.version)
    )
    return DocumentRecord(
        document_id=found.document_id,
        uri=found.uri,
        sha256=found.sha256,
        size=found.size,
        media_type=found.media_type,
        schema_name=found.schema_name,
        fingerprint=found.fingerprint,
        model=found.model,
        state=DocumentState(found.state),
        version=found.revision,
        attempts=found.attempts,
        extraction=Extraction.model_validate(found.extraction) if found.extraction else None,
        inputs=[input_record(session, row) for row in inputs],
        decisions=[_decision_record(row) for row in decisions],
        transitions=[TransitionRecord.model_validate(row, from_attributes=True) for row in steps],
        reasons=reasons_of(session, [document_id]).get(document_id, []),
        queued_at=found.queued_at,
        landed_versions=[version for version in landed if version is not None],
        waiting=found.waiting,
        second_look=SecondLook(found.second_look) if found.second_look else None,
        decoy=decoys.decoy_of(session, document_id),
    )


def _decision_record(row: Decision) -> DecisionRecord:
    return DecisionRecord.model_validate(
        {
            "decision_id": row.decision_id,
            "at": row.at,
            "reviewer": row.reviewer,
            "action": row.action,
            "data": row.data,
            "fields": row.fields,
            "changes": row.changes,
            "comment": row.comment,
            "on_version": row.on_revision,
            "stage": row.stage,
        }
    )
