"""Blind samples as the page shows them: like every other document that waits.

They were accepted without a person, and measure how often that was wrong. A reviewer who knew which they are would
look harder, or less hard, than at the others, and the measure would be one of that.
"""

from __future__ import annotations

from flows.ledger.records import DecisionRecord, DocumentRecord, DocumentState, with_decoy
from schemas.extraction import ExtractedField


def as_shown(record: DocumentRecord) -> DocumentRecord:
    """A document as its page may show it; what is decided on is always the record itself."""
    if not record.waiting or record.state is not DocumentState.ACCEPTED:
        return record
    steps = [
        step.model_copy(update={"to_state": DocumentState.REVIEW})
        if step.to_state is DocumentState.ACCEPTED
        else step
        for step in record.transitions
    ]
    extraction, decoy = record.extraction, record.decoy
    return record.model_copy(
        update={
            "state": DocumentState.REVIEW,
            "transitions": steps,
            "landed_versions": [],
            "extraction": None if extraction is None else with_decoy(extraction, decoy),
            "decisions": [_doubted(one, decoy) for one in record.decisions],
        }
    )


def _doubted(decision: DecisionRecord, decoy: ExtractedField | None) -> DecisionRecord:
    """A first look, with the doubt that it would have kept."""
    if decoy is None:
        return decision
    same = [decoy if (f.path, f.value) == (decoy.path, decoy.value) else f for f in decision.fields]
    return decision.model_copy(update={"fields": same})
