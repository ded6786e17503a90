"""What persons decide: the next version of a row, a first look that waits for a second one, or a rejection."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from flows.ledger import holds, samples, trail, worth
from flows.ledger.batches import add_row
from flows.ledger.common import locked_document, move, note_step
from flows.ledger.models import Decision, Document, Row, storable
from flows.ledger.records import (
    Action,
    ConflictError,
    DocumentState,
    FieldChange,
    SecondLook,
    Stage,
)
from flows.ledger.trust import SameReviewerError, canonical
from schemas.errors import LedgerError
from schemas.extraction import ExtractedField, Extraction

_DECIDABLE = {DocumentState.REVIEW, DocumentState.ACCEPTED, DocumentState.REVIEWED, DocumentState.REJECTED}


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision as the page sends it.

    Attributes:
        second: why somebody else must look, too, before this counts; ``None`` when nobody must.
        settles: the reviewer may settle what two others disagree on.
        bulk_id: it is accepted with others, unseen.
    """

    document_id: str
    reviewer: str
    action: Action
    data: dict[str, Any] | None
    fields: Sequence[ExtractedField] | None
    changes: list[FieldChange]
    comment: str
    expected_version: int
    second: SecondLook | None = None
    settles: bool = False
    bulk_id: str | None = None


def decide(session: Session, at: dt.datetime, new: NewDecision) -> Stage:
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
    holds.require_free(session, at, document, new.reviewer)
    data, fields = _decided(document, new)
    stage = _stage(session, document, new, data)
    seconds = holds.seconds_worked(session, at, document.document_id, new.reviewer)
    decision = Decision(
        at=at,
        document_id=document.document_id,
        on_revision=document.revision,
        reviewer=new.reviewer,
        action=new.action,
        data=data,
        fields=[field.model_dump(mode="json") for field in fields],
        changes=[change.model_dump(mode="json") for change in new.changes],
        comment=storable(new.comment),
        stage=stage,
        seconds=seconds,
        queued=document.waiting,
        bulk_id=new.bulk_id,
    )
    session.add(decision)
    session.flush()
    paced = seconds is not None and document.waiting and new.bulk_id is None
    document.revision += 1
    holds.let_go(session, document.document_id, new.reviewer)
    if stage is Stage.FINAL:
        _settle(session, at, document, decision)
    else:
        document.second_look = SecondLook.DISAGREEMENT if stage is Stage.DISPUTED else new.second
        document.queued_at = document.queued_at or at
        # The state, and a row that stands, stay what they are until it is settled.
        note_step(session, at, document, actor=new.reviewer, detail=f"second look: {document.second_look}")
        document.waiting = True
    # Rows that all decisions share come last: others wait for them no longer than this transaction takes to end.
    body = trail.decision_body(decision, model=document.model, proposal=document.extraction)
    trail.append(session, at, new.reviewer, "decided", document.document_id, body)
    if paced and seconds is not None:
        worth.note_pace(session, document, seconds)
    return stage


def _settle(session: Session, at: dt.datetime, document: Document, decision: Decision) -> None:
    """What was decided counts: the document moves, and its row with it."""
    document.second_look = None
    to = DocumentState.REJECTED if decision.action == "reject" else DocumentState.REVIEWED
    move(session, at, document, to, actor=decision.reviewer, detail=decision.comment)
    samples.close(session, at, document, decision)
    if to is DocumentState.REVIEWED or _stands(session, document):
        add_row(
            session,
            at,
            document,
            landed_by=decision.reviewer,
            decision=decision,
            retracted=to is DocumentState.REJECTED,
        )


def _stage(session: Session, document: Document, new: NewDecision, data: dict[str, Any] | None) -> Stage:
    """Whether a decision counts, waits for a second one, or stands against the first."""
    if document.second_look is None:
        return Stage.FIRST if new.second is not None else Stage.FINAL
    earlier = _open_looks(session, document)
    if any(look.reviewer == new.reviewer for look in earlier):
        raise SameReviewerError(
            f"You have looked at {document.uri} already; it needs the eyes of somebody else.",
            remedy="Leave it to another reviewer.",
        )
    disputed = document.second_look == SecondLook.DISAGREEMENT
    if new.settles or (not disputed and earlier and _agree(earlier[-1], new.action, data)):
        return Stage.FINAL
    if disputed:
        raise SameReviewerError(
            f"Two reviewers disagree on {document.uri}; a senior reviewer must settle it.",
            remedy="Leave it to a senior reviewer.",
        )
    return Stage.DISPUTED


def _open_looks(session: Session, document: Document) -> list[Decision]:
    """The decisions since the last one that counted, the oldest first."""
    found: list[Decision] = []
    for decision in session.scalars(
        select(Decision)
        .where(Decision.document_id == document.document_id)
        .order_by(Decision.decision_id.desc())
    ):
        if decision.stage == Stage.FINAL:
            break
        found.insert(0, decision)
    return found


def _agree(first: Decision, action: Action, data: dict[str, Any] | None) -> bool:
    if "reject" in (first.action, action):
        return first.action == action
    return canonical(first.data) == canonical(data)


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


def decided(session: Session, fingerprint: str, state: DocumentState) -> list[str]:
    """See `Ledger.decided`."""
    found = session.scalars(
        select(Document.document_id)
        .where(Document.fingerprint == fingerprint, Document.state == state)
        .order_by(Document.updated_at, Document.document_id)
    )
    return list(found)
