from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest

from flows.ledger.desk import QueueFilter
from flows.ledger.records import Action, ConflictError, DocumentState, FieldChange
from flows.ledger.store import Ledger
from schemas.errors import LedgerError
from schemas.extraction import ExtractedField
from schemas.outcome import FailureReason, Outcome, ReviewReason
from schemas.registry import from_json_schema
from tests.ledger.builders import SCHEMA, add, claim, extraction, process, start

UNSURE, VIOLATED = ReviewReason.MODEL_UNSURE, ReviewReason.RULE_VIOLATED


def waiting(ledger: Ledger, *names: str) -> list[str]:
    start(ledger)
    ids = []
    for name in names:
        add(ledger, "run-1", name)
        ids += process(ledger, accepted=False, reasons=[UNSURE])
    return ids


def decide(
    ledger: Ledger, document_id: str, action: Action = "accept", version: int = 0, **more: Any
) -> None:
    given: dict[str, Any] = {
        "data": None,
        "fields": None,
        "changes": [],
        "comment": "",
        "reviewer": "ada",
        **more,
    }
    ledger.decide(document_id, action=action, expected_version=version, **given)


def test_queue_is_in_order_and_can_be_filtered_and_searched(ledger: Ledger) -> None:
    ids = waiting(ledger, "b.pdf", "a_1.pdf", "c%.pdf")
    add(ledger, "run-1", "d.pdf")
    (held,) = claim(ledger)
    fields = [ExtractedField(path="number", raw="Überweisung 100 €", value="X-1", reasons=[VIOLATED])]
    done = extraction(held.sha256, accepted=False, reasons=[VIOLATED, UNSURE], fields=fields)
    ledger.record_extraction(held.document_id, held.token, done)
    ids.append(held.document_id)

    assert [i.document_id for i in ledger.queue()] == ids
    assert [i.document_id for i in ledger.queue(limit=2, offset=1)] == ids[1:3]
    item = ledger.queue()[3]
    assert (
        item.reasons == [UNSURE, VIOLATED]
        and item.doubtful == 1
        and item.page_count == 1
        and item.version == 0
    )
    assert [i.document_id for i in ledger.queue(reason="rule_violated")] == ids[3:]
    assert ledger.queue(schema="other") == [] and len(ledger.queue(schema="bill")) == 4
    for search, found in {
        "überWEISUNG": ids[3:],
        "x-1": ids[3:],
        "A_1": ids[1:2],
        "_": ids[1:2],
        "%": ids[2:3],
        "'; DROP TABLE documents; --": [],
        "  ": ids,
    }.items():
        assert [i.document_id for i in ledger.queue(search=search)] == found, search
        assert ledger.queue_size(search=search) == len(found)
    assert ledger.queue_size(reason="model_unsure") == 4


def test_the_next_one_that_waits_goes_round(ledger: Ledger) -> None:
    first, second, third = waiting(ledger, "a.pdf", "b.pdf", "c.pdf")
    assert ledger.next_waiting(QueueFilter(), None) == first
    assert ledger.next_waiting(QueueFilter(), first) == second
    assert ledger.next_waiting(QueueFilter(), third) == first
    decide(ledger, second)
    assert ledger.next_waiting(QueueFilter(), second) == third  # it keeps its place
    decide(ledger, third)
    assert ledger.next_waiting(QueueFilter(), first) is None
    decide(ledger, first)
    assert (
        ledger.next_waiting(QueueFilter(), first) is None and ledger.next_waiting(QueueFilter(), None) is None
    )
    assert ledger.next_waiting(QueueFilter(), "unknown") is None


def test_accept_takes_the_extraction(ledger: Ledger) -> None:
    (document_id,) = waiting(ledger, "a.pdf")
    decide(ledger, document_id, comment="looks right")
    record = ledger.document(document_id)
    assert record.state is DocumentState.REVIEWED and record.version == 1
    assert ledger.outcome_counts("run-1") == {"reviewed": 1} and ledger.queue_size() == 0
    (decision,) = record.decisions
    assert (decision.reviewer, decision.action, decision.comment) == ("ada", "accept", "looks right")
    assert record.extraction is not None and decision.data == record.extraction.data
    assert record.transitions[-1].actor == "ada" and record.transitions[-1].detail == "looks right"
    (row,) = ledger.freeze_batch("bill")[0].rows
    assert row.landed_by == "ada" and row.data == record.extraction.data and row.evidence[0].raw == "No 1"
    assert ledger.document(document_id).landed_versions == [1]
    ledger.check_conservation("run-1")


def test_correct_lands_the_new_data_and_keeps_what_was_changed(ledger: Ledger) -> None:
    (document_id,) = waiting(ledger, "a.pdf")
    change = FieldChange(path="number", before="N", after="M")
    data = {"number": "M", "day": None, "total": 3.5}
    fields = [ExtractedField(path="number", raw="M", value="M", page=2, boxes=[[0, 0, 1, 1]])]
    decide(ledger, document_id, "correct", data=data, fields=fields, changes=[change])
    (row,) = ledger.freeze_batch("bill")[0].rows
    assert row.data == data and row.evidence == fields
    assert ledger.document(document_id).decisions[0].changes == [change]


def test_correct_without_data_is_refused(ledger: Ledger) -> None:
    (document_id,) = waiting(ledger, "a.pdf")
    with pytest.raises(LedgerError, match="no data"):
        decide(ledger, document_id, "correct")
    assert ledger.document(document_id).version == 0 and ledger.queue_size() == 1


def test_reject_lands_nothing(ledger: Ledger) -> None:
    (document_id,) = waiting(ledger, "a.pdf")
    decide(ledger, document_id, "reject", comment="a menu")
    assert ledger.outcome_counts("run-1") == {"rejected": 1}
    assert ledger.freeze_batch("bill") == []
    ledger.check_conservation("run-1")


def test_rejecting_what_is_on_its_way_withdraws_it(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    (document_id,) = process(ledger)
    decide(ledger, document_id, "reject")
    decide(ledger, document_id, "reject", version=1)  # nothing stands any more
    (batch,) = ledger.freeze_batch("bill")
    assert [(r.version, r.retracted, r.data is None) for r in batch.rows] == [
        (1, False, False),
        (2, True, True),
    ]
    ledger.check_conservation("run-1")


def test_a_stale_decision_changes_nothing(ledger: Ledger) -> None:
    (document_id,) = waiting(ledger, "a.pdf")
    decide(ledger, document_id, "reject", reviewer="first")
    with pytest.raises(ConflictError) as caught:
        decide(ledger, document_id, "accept", reviewer="second")
    assert isinstance(caught.value, LedgerError) and caught.value.remedy
    record = ledger.document(document_id)
    assert record.state is DocumentState.REJECTED and [d.reviewer for d in record.decisions] == ["first"]
    decide(ledger, document_id, "accept", version=1, reviewer="second")
    assert ledger.outcome_counts() == {"reviewed": 1}


def test_many_reviewers_at_once_exactly_one_wins(ledger: Ledger) -> None:
    (document_id,) = waiting(ledger, "a.pdf")
    results: list[str] = []

    def work(name: str) -> None:
        try:
            decide(ledger, document_id, "accept", reviewer=name)
            results.append("won")
        except ConflictError:
            results.append("conflict")

    threads = [threading.Thread(target=work, args=(f"r{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["conflict"] * 5 + ["won"]
    assert len(ledger.document(document_id).decisions) == 1


@pytest.mark.parametrize("how", [{}, {"failure": FailureReason.ENCRYPTED}])
def test_what_cannot_be_decided_on(ledger: Ledger, how: dict[str, Any]) -> None:
    start(ledger)
    document_id = add(ledger, "run-1", "a.pdf").document_id or ""
    if how:
        process(ledger, **how)
    with pytest.raises(LedgerError, match="nothing to decide on"):
        decide(ledger, document_id)
    with pytest.raises(LedgerError, match="no document"):
        decide(ledger, "nope")
    with pytest.raises(LedgerError, match="no document"):
        ledger.document("nope")


def test_copies_stay_duplicates_when_the_document_is_decided(ledger: Ledger) -> None:
    (document_id,) = waiting(ledger, "a.pdf")
    add(ledger, "run-1", "copy.pdf", "a.pdf")
    decide(ledger, document_id)
    assert ledger.outcome_counts("run-1") == {"reviewed": 1, "duplicate": 1}
    assert [i.outcome for i in ledger.document(document_id).inputs] == [Outcome.REVIEWED, Outcome.DUPLICATE]
    ledger.check_conservation("run-1")


def test_schema_is_kept_as_it_was(ledger: Ledger) -> None:
    start(ledger)
    kept = ledger.stored_schema(SCHEMA.fingerprint)
    assert kept == SCHEMA and list(kept.json_schema["properties"]) == ["number", "day", "total"]
    assert ledger.stored_schema("f" * 64) is None


def test_status_adds_up(ledger: Ledger) -> None:
    waiting(ledger, "a.pdf", "b.pdf")
    add(ledger, "run-1", "c.pdf")
    add(ledger, "run-1", "copy.pdf", "c.pdf")
    add(ledger, "run-1", "open.pdf")
    (one, other) = claim(ledger)
    ledger.record_extraction(one.document_id, one.token, extraction(one.sha256))
    report = ledger.status()
    assert report.outcomes == {"accepted": 1, "review": 2, "duplicate": 1, "pending": 1}
    assert report.inputs == sum(report.outcomes.values()) == 5 and report.members == 0
    assert report.documents == {"accepted": 1, "processing": 1, "review": 2}
    assert (report.queue, report.rows_to_land, report.landed_rows, report.landed_files) == (2, 1, 0, 0)
    assert report.reasons == {"model_unsure": 2}
    assert [(r.run_id, r.inputs) for r in report.runs] == [("run-1", 5)]
    assert ledger.open_documents("run-1") == 1
    ledger.record_extraction(other.document_id, other.token, extraction(other.sha256))
    ledger.check_conservation("run-1")


def test_versions_follow_in_time_across_schemas_and_within_a_batch(ledger: Ledger) -> None:
    changed = from_json_schema({**SCHEMA.json_schema, "description": "changed"}, "bill")
    first, second = sorted([SCHEMA, changed], key=lambda s: s.fingerprint, reverse=True)
    ids = []
    for run, schema in (("run-1", first), ("run-2", second)):
        start(ledger, run, schema=schema)
        add(ledger, run, "a.pdf", schema=schema)
        (held,) = claim(ledger, run, schema=schema)
        ledger.record_extraction(held.document_id, held.token, extraction(held.sha256, schema=schema))
        ids.append(held.document_id)
    decide(ledger, ids[1], "reject")
    decide(ledger, ids[0], "correct", data={"number": "last", "day": None, "total": None})
    made = ledger.freeze_batch("bill")
    assert [b.fingerprint for b in made] == [first.fingerprint, second.fingerprint, first.fingerprint]
    rows = [row for batch in made for row in batch.rows]
    assert [(r.version, r.supersedes, r.retracted) for r in rows] == [
        (1, None, False),
        (2, 1, False),
        (3, 2, True),
        (4, 3, False),
    ]
    assert len({r.row_key for r in rows}) == 1
    assert [r.valid_from for r in rows] == sorted(r.valid_from for r in rows)
    assert list(ledger.pending_batches("bill")) == made
    assert ledger.latest_schemas() == {"bill": second.fingerprint}


def test_versions_follow_in_time_when_a_clock_goes_back(ledger: Ledger) -> None:
    (document_id,) = waiting(ledger, "a.pdf")
    decide(ledger, document_id)
    (before,) = ledger.freeze_batch("bill")[0].rows
    slow = Ledger(ledger._engine, clock=lambda _: before.valid_from - dt.timedelta(hours=1))
    decide(slow, document_id, version=1)
    (after,) = ledger.freeze_batch("bill")[0].rows
    assert (after.version, after.valid_from) == (2, before.valid_from)
