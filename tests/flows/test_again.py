"""Doing again what is through: on both databases, with what it does to rows, attempts, decisions and counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest

from flows.ledger.records import StaleTokenError
from flows.ledger.store import Ledger
from schemas.errors import UsageError
from schemas.outcome import FailureReason, Outcome, ReviewReason
from tests.ledger.builders import MODEL, SCHEMA, add, claim, extraction, process, start


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened


def _versions(ledger: Ledger) -> list[tuple[int, int | None]]:
    ledger.freeze_batch("bill")
    return [(row.version, row.supersedes) for batch in ledger.pending_batches() for row in batch.rows]


def test_failed_inputs_are_pending_again_with_all_attempts_and_their_history(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a")
    for run in ("run-1", "run-2", "run-3"):
        add(ledger, start(ledger, run), "a")
        (document_id,) = process(ledger, run, failed=True, failure=FailureReason.MODEL_ERROR)
    add(ledger, start(ledger, "run-4"), "a")
    assert claim(ledger, "run-4") == []  # left alone after three

    (group,) = ledger.retry_groups(Outcome.FAILED)
    assert (group.source, group.inputs, group.model) == ("file:///in", 1, MODEL)
    assert ledger.retry_groups(Outcome.FAILED, reason="timeout") == []
    assert ledger.retry_groups(Outcome.FAILED, source="file:///elsewhere") == []

    start(ledger, "run-5")
    assert list(ledger.reopen("run-5", Outcome.FAILED, reason="model_error")) == [[]]
    assert ledger.outcome_counts("run-5") == {"pending": 1}
    assert process(ledger, "run-5") == [document_id]
    record = ledger.document(document_id)
    assert (record.state, record.attempts) == ("accepted", 1)
    steps = [step.to_state.value for step in record.transitions]
    assert steps.count("failed") == 3 and steps[-3:] == ["pending", "processing", "accepted"]
    ledger.check_conservation("run-5")
    assert _versions(ledger) == [(1, None)]


def test_an_accepted_row_that_is_extracted_again_becomes_a_new_version(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a")
    process(ledger)
    add(ledger, start(ledger, "run-2"), "a")
    assert ledger.reprocess("run-2") == 1
    assert ledger.reprocess("run-2") == 0
    process(ledger, "run-2")
    assert ledger.reprocess("run-2") == 0  # a flow that is tried again does not go round in circles
    # the first row had not landed: it was frozen before its extraction was replaced
    assert _versions(ledger) == [(1, None), (2, 1)]
    ledger.check_conservation("run-2")


def test_the_row_of_before_stands_when_the_new_extraction_fails(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a")
    process(ledger, data={"number": "FIRST", "day": None, "total": None})
    add(ledger, start(ledger, "run-2"), "a")
    ledger.reprocess("run-2")
    process(ledger, "run-2", failure=FailureReason.TIMEOUT)
    ledger.freeze_batch("bill")
    (batch,) = ledger.pending_batches()
    assert [row.data["number"] for row in batch.rows if row.data] == ["FIRST"]
    assert ledger.outcome_counts("run-2") == {"unreadable": 1}
    ledger.check_conservation("run-2")


def test_what_a_person_decided_is_never_done_again(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a")
    (document_id,) = process(ledger, accepted=False, reasons=[ReviewReason.MODEL_UNSURE])
    (group,) = ledger.retry_groups(Outcome.REVIEW, reason="model_unsure")
    assert group.inputs == 1
    ledger.decide(
        document_id,
        reviewer="ada",
        action="accept",
        data=None,
        fields=None,
        changes=[],
        comment="",
        expected_version=0,
    )
    add(ledger, start(ledger, "run-2"), "a")
    assert ledger.reprocess("run-2") == 0
    assert not ledger.is_reprocessable(document_id)
    for outcome in (Outcome.REVIEWED, Outcome.REJECTED, Outcome.DUPLICATE):
        with pytest.raises(UsageError, match="cannot be done again"):
            ledger.retry_groups(outcome)


def test_since_chooses_by_the_time_of_extraction(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a")
    (document_id,) = process(ledger)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    assert ledger.is_reprocessable(document_id, since=later - dt.timedelta(hours=2))
    assert not ledger.is_reprocessable(document_id, since=later)
    add(ledger, start(ledger, "run-2"), "a")
    assert ledger.reprocess("run-2", since=later) == 0


def test_a_page_that_was_open_and_a_late_worker_are_refused(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a")
    (held,) = claim(ledger)
    ledger.record_extraction(held.document_id, held.token, extraction(held.sha256, accepted=False))
    start(ledger, "run-2")
    list(ledger.reopen("run-2", Outcome.REVIEW))
    assert ledger.document(held.document_id).version == 1
    with pytest.raises(StaleTokenError):
        ledger.record_extraction(held.document_id, held.token, extraction(held.sha256, accepted=False))


def test_inputs_that_could_not_be_fetched_are_named_and_join_the_run(ledger: Ledger) -> None:
    start(ledger)
    ledger.add_failed_input(
        "run-1",
        "file:///in/gone.pdf",
        version="1",
        member=None,
        size=1,
        schema_name=SCHEMA.name,
        fingerprint=SCHEMA.fingerprint,
        model=MODEL,
        detail="gone",
    )
    start(ledger, "run-2")
    assert list(ledger.reopen("run-2", Outcome.FAILED)) == [["file:///in/gone.pdf"]]
    assert ledger.outcome_counts("run-2") == {"failed": 1}
    ledger.check_conservation("run-2")


def test_many_go_back_step_by_step_and_each_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.ledger.reopen.AT_ONCE", 3)
    start(ledger)
    for number in range(10):
        add(ledger, "run-1", str(number))
    process(ledger, failure=FailureReason.TIMEOUT)
    start(ledger, "run-2")
    assert len(list(ledger.reopen("run-2", Outcome.UNREADABLE))) == 4
    assert ledger.outcome_counts("run-2") == {"pending": 10}
    assert len(process(ledger, "run-2")) == 10
    add(ledger, start(ledger, "run-3"), "1")
    assert ledger.reprocess("run-3") == 1  # only what the run has seen


def test_two_schemas_over_one_folder_count_each_file_once_under_each(ledger: Ledger) -> None:
    start(ledger)
    for name in "abc":
        add(ledger, "run-1", name)
    process(ledger)
    start(ledger, "run-2", model="other@1")
    for name in "abc":
        add(ledger, "run-2", name, model="other@1")
    status = ledger.status()
    assert (status.files, status.inputs, sum(status.outcomes.values())) == (3, 6, 6)
    assert [(s.model, s.inputs, s.outcomes) for s in status.by_schema] == [
        ("other@1", 3, {"pending": 3}),
        (MODEL, 3, {"accepted": 3}),
    ]


def test_the_reckoning_sums_pages_reasons_and_time_and_finds_what_does_not_add_up(ledger: Ledger) -> None:
    start(ledger)
    for name in "abcd":
        add(ledger, "run-1", name)
    add(ledger, "run-1", "copy of a", "a")
    pages = {"pages": 3, "pages_text_layer": 1, "pages_ocr": 0, "pages_blank": 1}
    whole = {**pages, "pages_unreadable": 0, "pages_skipped": 1}
    lossy = {**pages, "pages_unreadable": 0, "pages_skipped": 0}
    for held, counts in zip(claim(ledger), [whole, whole, None, lossy], strict=True):
        made = extraction(held.sha256, failure=None if counts else FailureReason.TIMEOUT)
        made = made.model_copy(update={"counts": counts or {}, "page_count": 3 if counts else 0})
        ledger.record_extraction(held.document_id, held.token, made)
    sums = ledger.reckon("run-1", shown=2)
    assert (sums.inputs, sums.processed, sums.outcomes["duplicate"]) == (5, 4, 1)
    assert (sums.pages.total, sums.pages.text_layer, sums.pages.blank, sums.pages.skipped) == (9, 3, 3, 2)
    assert sums.pages.documents_not_opened == 1
    assert sums.reasons == {"timeout": 1}
    assert sums.stage_seconds == {"read": 2.0, "model": 4.0, "total": 6.0}
    assert (len(sums.slowest), len(sums.failed)) == (2, 1)
    assert sums.fault_count == 1 and "not each of them has one place" in sums.faults[0]
    assert sums.error("run-1") is not None
    assert ledger.processed_in("run-1") == 4
