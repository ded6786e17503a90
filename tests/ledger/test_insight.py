"""The figures of the dashboard, each against what was done."""

from __future__ import annotations

import datetime as dt

import pytest

from flows.ledger import insight
from flows.ledger.desk import QueueFilter
from flows.ledger.figures import ListFilter
from flows.ledger.records import DocumentState, FieldChange
from flows.ledger.store import Ledger
from flows.ledger.trust import Sampling
from schemas.outcome import ReviewReason
from tests.ledger.builders import add, claim, extraction, process, start
from tests.ledger.test_queue import accept, statements
from tests.review.history import Clock, ledger_with_clock

BEGIN = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
UNSURE, LOW = ReviewReason.MODEL_UNSURE, ReviewReason.LOW_OCR_CONFIDENCE


def waiting(ledger: Ledger, *names: str, reason: ReviewReason = UNSURE) -> list[str]:
    start(ledger)
    for name in names:
        add(ledger, "run-1", name)
    return process(ledger, accepted=False, reasons=[reason])


def look(ledger: Ledger, clock: Clock, document_id: str, seconds: float, *paths: str) -> None:
    ledger.hold(document_id, "ada", seconds=7200)
    clock.on(seconds)
    changes = [FieldChange(path=path, before=1, after=2) for path in paths]
    ledger.decide(
        document_id,
        reviewer="ada",
        action="correct" if paths else "accept",
        data={"number": "1", "day": None, "total": 2.0} if paths else None,
        fields=None,
        changes=changes,
        comment="",
        expected_version=ledger.document(document_id).version,
    )


def test_looks_are_timed_from_taking_to_deciding(ledger_url: str) -> None:
    with ledger_with_clock(ledger_url, BEGIN) as (ledger, clock):
        ids = waiting(ledger, *(f"{n}.pdf" for n in range(6)))
        for document_id, seconds in zip(ids, (10, 20, 7000), strict=False):
            look(ledger, clock, document_id, seconds)
        accept(ledger, ids[3])  # nobody took it: no time
        ledger.hand_over(ids[4], "grace", "ada")
        look(ledger, clock, ids[4], 86_400)  # it lay there before anybody looked
        (found,) = ledger.insight().looks
    assert (found.looks, found.document_seconds, found.field_seconds) == (3, 20, 20)


def test_a_look_is_never_longer_than_a_quarter_of_an_hour(ledger_url: str) -> None:
    with ledger_with_clock(ledger_url, BEGIN) as (ledger, clock):
        (document_id,) = waiting(ledger, "a.pdf")
        look(ledger, clock, document_id, 7000)
        assert ledger.insight().looks[0].document_seconds == 900


def test_corrections_are_counted_by_field_and_by_model(ledger_url: str) -> None:
    with ledger_with_clock(ledger_url, BEGIN) as (ledger, clock):
        ids = waiting(ledger, *(f"{n}.pdf" for n in range(5)))
        look(ledger, clock, ids[0], 5, "rows.0.total", "rows.1.total")
        look(ledger, clock, ids[1], 5, "rows.7.total", "number")
        look(ledger, clock, ids[2], 5)
        accept(ledger, ids[3], action="reject")
        found = ledger.insight()
        fields = {(one.path, one.changed, one.looked) for one in found.fields}
        assert fields == {("rows[].total", 2, 3), ("number", 1, 3)}
        (model,) = found.models
        assert (model.looked, model.corrected, model.rejected) == (4, 2, 1)
        listed = {
            path: {row.document_id for row in ledger.listed(ListFilter(corrected=path), 9)}
            for path in ("rows[].total", "number", "rows[].tot", "r_ws[].total", "%")
        }
    assert listed["rows[].total"] == set(ids[:2]) and listed["number"] == {ids[1]}
    assert listed["rows[].tot"] == listed["r_ws[].total"] == listed["%"] == set()


def test_what_was_accepted_at_once_is_no_look(ledger: Ledger) -> None:
    waiting(ledger, *(f"{n}.pdf" for n in range(8)))
    bulk_id = ledger.start_bulk(QueueFilter(), query={}, share=0.1, reviewer="eve")
    for line in ledger.bulk(bulk_id).lines:
        accept(ledger, line.document_id)
    for document_id in ledger.bulk_next(bulk_id, 9):
        ledger.bulk_accept(bulk_id, document_id)
    found = ledger.insight()
    assert (found.decisions, found.at_once, found.models[0].looked) == (8, 3, 5)


def test_what_waits_is_said_to_wait_and_a_sample_went_straight_through(ledger: Ledger) -> None:
    start(ledger)
    for number in range(4):
        add(ledger, "run-1", f"{number}.pdf")
    held = claim(ledger)
    for number, one in enumerate(held):
        done = extraction(one.sha256, accepted=number < 3)
        ledger.record_extraction(
            one.document_id, one.token, done, sampling=Sampling(accepted=float(number < 2))
        )
    accept(ledger, held[0].document_id)
    (day,) = ledger.insight().days
    accepted, review, reviewed = DocumentState.ACCEPTED, DocumentState.REVIEW, DocumentState.REVIEWED
    assert day.outcomes == {accepted: 1, review: 2, reviewed: 1} and day.straight == 3
    assert [row.document_id for row in ledger.listed(ListFilter(outcome=accepted), 9)] == [
        held[2].document_id
    ]
    waits = {row.document_id: row.outcome for row in ledger.listed(ListFilter(outcome=review), 9)}
    assert waits == {held[1].document_id: review, held[3].document_id: review}
    assert [row.document_id for row in ledger.listed(ListFilter(sample="right"), 9)] == [held[0].document_id]
    assert ledger.listed(ListFilter(sample="wrong"), 9) == []


def test_reasons_that_changed_are_told_by_source(ledger_url: str) -> None:
    with ledger_with_clock(ledger_url, BEGIN) as (ledger, clock):
        waiting(ledger, "a/1.pdf", "a/2.pdf", "b/1.pdf")
        waiting(ledger, "b/2.pdf", reason=LOW)
        clock.on(20 * 86_400)
        waiting(ledger, "a/3.pdf", reason=LOW)
        waiting(ledger, "b/3.pdf")
        waiting(ledger, "b/4.pdf", reason=LOW)
        found = ledger.insight().drift
        told = {(one.source[-1], one.reason): (one.before, one.recent, one.shift) for one in found}
        assert told == {("a", LOW): (0, 1, 1.0), ("a", UNSURE): (2, 0, -1.0)}, "b is as it was"
        names = [row.uri[-5:] for row in ledger.listed(ListFilter(source="file:///in/a", reason=LOW), 9)]
        assert names == ["3.pdf"]


def test_what_is_older_than_the_window_is_left_out(ledger_url: str) -> None:
    with ledger_with_clock(ledger_url, BEGIN) as (ledger, clock):
        (document_id,) = waiting(ledger, "a.pdf")
        accept(ledger, document_id)
        clock.on(91 * 86_400)
        found = ledger.insight()
        assert (found.days, found.models, found.decisions) == ([], [], 0)
        assert ledger.listed(ListFilter(), 9) == []


def test_the_last_decisions_are_read_and_it_says_that_there_were_more(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for document_id in waiting(ledger, "1.pdf", "2.pdf", "3.pdf"):
        accept(ledger, document_id)
    assert not ledger.insight().decisions_left
    monkeypatch.setattr(insight, "MOST_DECISIONS", 2)
    found = ledger.insight()
    assert found.decisions == 2 and found.decisions_left


def test_it_takes_seven_statements_however_much_there_is(ledger: Ledger) -> None:
    sent: list[int] = []
    for names in (("a/1.pdf",), ("b/1.pdf", "c/2.pdf", "d/3.pdf")):
        for document_id in waiting(ledger, *names)[:2]:
            accept(ledger, document_id)
        with statements(ledger) as seen:
            ledger.insight()
        sent.append(len([one for one in seen if "FROM" in one]))
    assert sent[0] == sent[1] <= 7


def test_the_budget_is_that_of_the_last_run(ledger: Ledger) -> None:
    start(ledger)
    assert ledger.insight().budgets == {}
    ledger.start_run(
        run_id="run-2",
        source="file:///in",
        schema="bill",
        fingerprint="f",
        model="m",
        parameters={"judged_by": {"error_budget": 0.02, "confidence": 0.9, "unit": "values"}},
    )
    assert ledger.insight().budgets["bill"].error == 0.02
