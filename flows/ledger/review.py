"""The queue of documents that wait for a person, and what persons decide."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from flows.ledger.batches import add_row
from flows.ledger.common import locked_document, move
from flows.ledger.intake import input_record
from flows.ledger.models import Decision, Document, DocumentReason, Input, Row, Transition
from flows.ledger.records import (
    Action,
    ConflictError,
    DecisionRecord,
    DocumentRecord,
    DocumentState,
    FieldChange,
    QueueFacets,
    QueueItem,
    TransitionRecord,
    UnknownDocumentError,
)
from schemas.errors import LedgerError
from schemas.extraction import ExtractedField, Extraction
from schemas.outcome import ReviewReason

_DECIDABLE = {DocumentState.REVIEW, DocumentState.ACCEPTED, DocumentState.REVIEWED, DocumentState.REJECTED}


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision as the page sends it."""

    document_id: str
    reviewer: str
    action: Action
    data: dict[str, Any] | None
    fields: Sequence[ExtractedField] | None
    changes: list[FieldChange]
    comment: str
    expected_version: int


def _waiting(schema: str | None, reason: str | None, search: str | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Document.state == DocumentState.REVIEW]
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
    reasons = _reasons(session, [row.document_id for row in rows])
    return [
        QueueItem.model_validate({**row._mapping, "reasons": reasons.get(row.document_id, [])})
        for row in rows
    ]


def queue_size(session: Session, schema: str | None, reason: str | None, search: str | None) -> int:
    """See `Ledger.queue_size`."""
    query = select(func.count()).select_from(Document).where(*_waiting(schema, reason, search))
    return session.scalars(query).one()


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


def _reasons(session: Session, document_ids: list[str]) -> dict[str, list[ReviewReason]]:
    found: dict[str, list[ReviewReason]] = {}
    for row in session.execute(
        select(DocumentReason.document_id, DocumentReason.reason)
        .where(DocumentReason.document_id.in_(document_ids))
        .order_by(DocumentReason.document_id, DocumentReason.reason)
    ):
        found.setdefault(row.document_id, []).append(ReviewReason(row.reason))
    return found


def decided(session: Session, fingerprint: str, state: DocumentState) -> list[str]:
    """See `Ledger.decided`."""
    found = session.scalars(
        select(Document.document_id)
        .where(Document.fingerprint == fingerprint, Document.state == state)
        .order_by(Document.updated_at, Document.document_id)
    )
    return list(found)


def next_in_queue(session: Session, after_document_id: str | None) -> str | None:
    """See `Ledger.next_in_queue`. A document keeps its place in the order after it was decided."""
    query = (
        select(Document.document_id)
        .where(*_waiting(None, None, None))
        .order_by(Document.queued_at, Document.document_id)
        .limit(1)
    )
    after = session.get(Document, after_document_id) if after_document_id else None
    if after is None:
        return session.scalar(query)
    behind = or_(
        Document.queued_at > after.queued_at,
        and_(Document.queued_at == after.queued_at, Document.document_id > after.document_id),
    )
    return session.scalar(query.where(behind)) or session.scalar(
        query.where(Document.document_id != after.document_id)
    )


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
        reasons=_reasons(session, [document_id]).get(document_id, []),
        queued_at=found.queued_at,
        landed_versions=[version for version in landed if version is not None],
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
        }
    )


def decide(session: Session, at: dt.datetime, new: NewDecision) -> None:
    """See `Ledger.decide`."""
    document = locked_document(session, new.document_id)
    if document.revision != new.expected_version:
        raise ConflictError(
            f"Someone else has decided on {document.uri} meanwhile; your decision was not stored.",
            remedy="Load the document again, look at what was decided, and decide anew if it is needed.",
        )
    if DocumentState(document.state) not in _DECIDABLE or document.extraction is None:
        raise LedgerError(
            f"{document.uri} is {document.state}: there is nothing to decide on.",
            remedy="Go back to the queue.",
        )
    data, fields = _decided(document, new)
    decision = Decision(
        at=at,
        document_id=document.document_id,
        on_revision=document.revision,
        reviewer=new.reviewer,
        action=new.action,
        data=data,
        fields=[field.model_dump(mode="json") for field in fields],
        changes=[change.model_dump(mode="json") for change in new.changes],
        comment=new.comment,
    )
    session.add(decision)
    session.flush()
    document.revision += 1
    to = DocumentState.REJECTED if new.action == "reject" else DocumentState.REVIEWED
    move(session, at, document, to, actor=new.reviewer, detail=new.comment)
    if to is DocumentState.REVIEWED or _stands(session, document):
        add_row(
            session,
            at,
            document,
            landed_by=new.reviewer,
            decision=decision,
            retracted=to is DocumentState.REJECTED,
        )


def _decided(document: Document, new: NewDecision) -> tuple[dict[str, Any] | None, list[ExtractedField]]:
    """The data and evidence that a decision makes."""
    extraction = Extraction.model_validate(document.extraction)
    match new.action:
        case "reject":
            return None, []
        case "accept":
            return extraction.data, extraction.fields
        case "correct":
            if new.data is None:
                raise LedgerError(
                    f"The correction of {document.uri} has no data.", remedy="Send the corrected data."
                )
            return new.data, list(new.fields) if new.fields is not None else _evidence(
                extraction, new.changes
            )


def _evidence(extraction: Extraction, changes: list[FieldChange]) -> list[ExtractedField]:
    """The model's evidence; what a person wrote has no place, as the old one does not show the new value."""
    after = {
        change.path: ExtractedField(path=change.path, value=change.after, grounding="free")
        for change in changes
    }
    kept = [after.pop(field.path, field) for field in extraction.fields]
    return kept + list(after.values())


def _stands(session: Session, document: Document) -> bool:
    """Whether the document has a row in the lake, or on its way there, that a rejection must withdraw."""
    last = session.scalar(
        select(Row).where(Row.document_id == document.document_id).order_by(Row.revision.desc()).limit(1)
    )
    return last is not None and not last.retracted
