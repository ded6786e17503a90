"""The doubt that a blind sample is shown with. Whatever waits for review has a reason; what has none would be known.

It is borrowed from another document of the schema that waits: a doubt that could be had of any field, on the same
field, with the same words and figures. The extraction stays what it is: a decoy is shown, and neither lands, nor is
counted, nor decided on. The trail and the sample say which documents these were.
"""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from flows.ledger.common import insert_all_new
from flows.ledger.models import Document, DocumentReason, Sample
from flows.ledger.records import DocumentState, with_decoy
from schemas.extraction import ExtractedField, Extraction
from schemas.outcome import ReviewReason

BORROWABLE = frozenset(
    {ReviewReason.MODEL_UNSURE, ReviewReason.LOW_PROBABILITY, ReviewReason.LOW_OCR_CONFIDENCE}
)
"""Doubts that nothing on the page can contradict."""
_LENDERS = 5


def put_on(session: Session, document: Document, sample: Sample) -> None:
    """Gives a document that was drawn blind a doubt, in what is shown of it only."""
    extraction = Extraction.model_validate(document.extraction)
    decoy = _borrowed(session, document, extraction) or _own(extraction)
    if decoy is None:
        return
    sample.decoy = decoy.model_dump(mode="json")
    reasons = sorted({reason.value for reason in decoy.reasons})
    rows = [{"document_id": document.document_id, "reason": reason, "decoy": True} for reason in reasons]
    insert_all_new(session, DocumentReason, rows)
    document.doubtful = 1


def take_off(session: Session, document: Document) -> None:
    """What was decided needs no decoy any more."""
    session.execute(
        delete(DocumentReason).where(
            DocumentReason.document_id == document.document_id, DocumentReason.decoy.is_(True)
        )
    )


def decoy_of(session: Session, document_id: str) -> ExtractedField | None:
    """The doubt that a document is shown with, while nobody has decided on it."""
    sample = session.get(Sample, document_id)
    if sample is None or sample.closed_at is not None or sample.decoy is None:
        return None
    return ExtractedField.model_validate(sample.decoy)


def shown(session: Session, document: Document, extraction: Extraction) -> Extraction:
    """An extraction as the queue and the page show it."""
    if not document.waiting or document.state != DocumentState.ACCEPTED:
        return extraction
    return with_decoy(extraction, decoy_of(session, document.document_id))


def _borrowed(session: Session, document: Document, extraction: Extraction) -> ExtractedField | None:
    """The doubt of one that waits, on the field that has the same path here."""
    mine = {one.path: one for one in extraction.fields if one.raw is not None}
    lenders = session.scalars(
        select(Document.extraction)
        .where(
            Document.waiting.is_(True),
            Document.schema_name == document.schema_name,
            Document.state == DocumentState.REVIEW,
        )
        .order_by(Document.queued_at.desc())
        .limit(_LENDERS)
    )
    for lender in lenders.all():
        for one in Extraction.model_validate(lender).fields:
            if one.path in mine and one.reasons and BORROWABLE.issuperset(one.reasons):
                lent = one.model_dump(
                    include={"reasons", "messages", "probability", "calibration", "log_probability"}
                )
                return mine[one.path].model_copy(update=lent)
    return None


def _own(extraction: Extraction) -> ExtractedField | None:
    """Where nobody can lend: the field that the model was least sure of, as if it had wavered there."""
    filled = [one for one in extraction.fields if one.raw is not None] or extraction.fields
    if not filled:
        return None
    least = min(filled, key=lambda one: (one.probability or 1.0, one.log_probability or 0.0))
    return least.model_copy(update={"reasons": [ReviewReason.MODEL_UNSURE]})
