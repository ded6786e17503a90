"""Blind samples look like all that wait, and nothing of what they are shown with counts or lands."""

from __future__ import annotations

from typing import Any

from flows.ledger.desk import QueueFilter, QueueLine, QueueSort
from flows.ledger.store import Ledger
from flows.ledger.trust import Sampling
from schemas.extraction import ExtractedField
from schemas.outcome import ReviewReason
from tests.ledger.builders import add, claim, extraction, start
from tests.ledger.test_queue import accept

LOW = ReviewReason.LOW_OCR_CONFIDENCE


def one(ledger: Ledger, name: str, **how: Any) -> str:
    start(ledger)
    add(ledger, "run-1", name)
    (held,) = claim(ledger)
    sampling = Sampling(accepted=1)
    ledger.record_extraction(held.document_id, held.token, extraction(held.sha256, **how), sampling=sampling)
    return str(held.document_id)


def doubted(**more: Any) -> list[ExtractedField]:
    return [
        ExtractedField(path="number", raw="No 1", value="N-1", page=1, boxes=[[1, 2, 3, 4]]),
        ExtractedField(path="total", raw="12.50", value="12.50", page=1, **more),
    ]


def line(ledger: Ledger, document_id: str) -> QueueLine:
    view = ledger.queue_view(QueueFilter(sort=QueueSort.VALUE), limit=99)
    return next(found for found in view.lines if found.document_id == document_id)


def test_a_blind_sample_borrows_the_doubt_of_one_that_waits(ledger: Ledger) -> None:
    doubt = {"reasons": [LOW], "messages": ["recognised with confidence 0.41"], "probability": 0.7}
    lender = one(
        ledger, "a.pdf", accepted=False, reasons=[LOW], fields=doubted(**doubt, calibration="calibrated")
    )
    blind = one(ledger, "b.pdf", accepted=True, fields=doubted())
    hers, his = line(ledger, lender), line(ledger, blind)
    alike = {
        "reasons",
        "doubtful",
        "value",
        "page_count",
        "source",
        "amount",
        "holder",
        "second_look",
        "version",
    }
    assert hers.model_dump(include=alike) == his.model_dump(include=alike)
    assert ledger.queue_view(QueueFilter(reason=LOW), limit=9).matching == 2
    assert ledger.queue_extras().reasons == {LOW: 2}
    decoy = ledger.document(blind).decoy
    assert decoy is not None and (decoy.path, decoy.messages) == (
        "total",
        ["recognised with confidence 0.41"],
    )
    assert ledger.document(lender).decoy is None


def test_where_nobody_lends_the_least_sure_field_is_doubted(ledger: Ledger) -> None:
    blind = one(ledger, "b.pdf", accepted=True, fields=doubted(log_probability=-2.0))
    assert line(ledger, blind).reasons == [ReviewReason.MODEL_UNSURE] and line(ledger, blind).value > 0
    decoy = ledger.document(blind).decoy
    assert decoy is not None and decoy.path == "total"


def test_a_decoy_is_no_reason_to_anybody_who_counts(ledger: Ledger) -> None:
    blind = one(ledger, "b.pdf", accepted=True)
    assert [d.reasons for d in ledger.run_documents("run-1")] == [[]]
    assert ledger.reckon("run-1").reasons == {} and ledger.status().reasons == {}
    extracted = ledger.document(blind).extraction
    assert extracted is not None and all(not field.reasons for field in extracted.fields)
    accept(ledger, blind)
    record = ledger.document(blind)
    assert record.reasons == [] and record.decoy is None
    assert all(not field.reasons for field in record.decisions[0].fields)
    (figures,) = ledger.sample_figures()
    assert (figures.decided, figures.fields_wrong) == (1, 0)
