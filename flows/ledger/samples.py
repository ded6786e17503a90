"""Documents drawn at random for a person to look at: what measures how much of what lands is wrong.

``blind``: of those that landed without a person. They stand in the queue like all others, and nothing on the page
tells them apart: each is shown with a doubt that is not its own (`flows.ledger.decoys`). ``queue``: of those that wait
anyway. Only what was drawn so may fit probabilities anew: the queue as it comes holds what the model doubts, and
teaches it that it is always wrong.

Whether a document is drawn follows from its id and the ledger's own, not from dice: asking again changes nothing.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from flows.ledger import decoys, trail
from flows.ledger.common import digest
from flows.ledger.landed import ledger_id
from flows.ledger.models import Decision, Document, Sample
from flows.ledger.records import DocumentState
from flows.ledger.trust import DrawnDocument, Kind, SampleFigures, Sampling
from schemas.extraction import Extraction


def draw(session: Session, at: dt.datetime, document: Document, sampling: Sampling) -> None:
    """Draws a document that has just been accepted or queued, or not. One that is drawn waits in the queue."""
    accepted = document.state == DocumentState.ACCEPTED
    share = sampling.accepted if accepted else sampling.queued
    was = session.get(Sample, document.document_id)
    if was is not None and was.closed_at is None:  # extracted again before anybody looked
        session.delete(was)
        session.flush()
        was = None
    if was is not None or not is_drawn(session, document.document_id, share):
        return
    kind: Kind = "blind" if accepted else "queue"
    sample = Sample(
        document_id=document.document_id,
        kind=kind,
        schema_name=document.schema_name,
        chance=share,
        drawn_at=at,
    )
    session.add(sample)
    if kind == "blind":
        decoys.put_on(session, document, sample)
    document.waiting = True
    document.queued_at = at
    trail.append(session, at, "parquetry", "sampled", document.document_id, {"kind": kind, "chance": share})


def close(session: Session, at: dt.datetime, document: Document, decision: Decision) -> None:
    """Counts what a final decision found on a sampled document."""
    sample = session.get(Sample, document.document_id)
    if sample is None or sample.closed_at is not None:
        return
    decoys.take_off(session, document)
    extraction = Extraction.model_validate(document.extraction)
    sample.closed_at, sample.reviewer = at, decision.reviewer
    sample.fields = max(len(extraction.fields), 1)
    changed = {str(change["path"]) for change in _changes_since(session, document, decision)}
    sample.wrong = sample.fields if decision.action == "reject" else min(len(changed), sample.fields)


def _changes_since(session: Session, document: Document, decision: Decision) -> list[dict[str, object]]:
    """What was changed on the model's answer, by the first look and by the last."""
    sample = session.get_one(Sample, document.document_id)
    made = session.scalars(
        select(Decision.changes).where(
            Decision.document_id == document.document_id,
            Decision.at >= sample.drawn_at,
            Decision.decision_id <= decision.decision_id,
        )
    )
    return [change for changes in made for change in changes]


def figures(session: Session, since: dt.datetime | None = None) -> list[SampleFigures]:
    """What was found, by schema and kind."""
    closed = Sample.closed_at.is_not(None)
    query = (
        select(
            Sample.schema_name,
            Sample.kind,
            func.count().label("drawn"),
            func.count().filter(closed).label("decided"),
            func.count().filter(closed, Sample.wrong > 0).label("documents_wrong"),
            func.coalesce(func.sum(Sample.fields), 0).label("fields"),
            func.coalesce(func.sum(Sample.wrong), 0).label("fields_wrong"),
        )
        .group_by(Sample.schema_name, Sample.kind)
        .order_by(Sample.schema_name, Sample.kind)
    )
    if since is not None:
        query = query.where(Sample.drawn_at >= since)
    return [SampleFigures.model_validate(dict(row._mapping)) for row in session.execute(query)]


def drawn(session: Session, fingerprint: str) -> list[DrawnDocument]:
    """See `Ledger.samples`."""
    found = session.execute(
        select(Sample.document_id, Sample.kind, Sample.chance, Sample.closed_at.is_not(None).label("decided"))
        .join(Document, Document.document_id == Sample.document_id)
        .where(Document.fingerprint == fingerprint)
        .order_by(Sample.drawn_at, Sample.document_id)
    )
    return [DrawnDocument.model_validate(dict(row._mapping)) for row in found]


def is_drawn(session: Session, document_id: str, share: float) -> bool:
    """See `Ledger.is_drawn`."""
    return share > 0 and _lot(session, document_id) < share


def _lot(session: Session, document_id: str) -> float:
    """A number in [0, 1) that belongs to this document in this ledger."""
    return int(digest("sample", ledger_id(session), document_id)[:13], 16) / 16**13
