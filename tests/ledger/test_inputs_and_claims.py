from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from flows.ledger.records import DocumentState, StaleTokenError
from flows.ledger.store import Ledger
from schemas.errors import ConservationError, LedgerError
from schemas.extraction import Extraction
from schemas.outcome import FailureReason, Outcome, ReviewReason
from tests.ledger.builders import MODEL, SCHEMA, add, claim, extraction, process, sha_of, start


def failed_input(ledger: Ledger, run_id: str, name: str, **how: object) -> object:
    return ledger.add_failed_input(
        run_id,
        f"file:///in/{name}",
        version="1",
        member=None,
        size=0,
        schema_name=SCHEMA.name,
        fingerprint=SCHEMA.fingerprint,
        model=MODEL,
        detail="no permission",
        **how,  # type: ignore[arg-type]
    )


def test_same_input_twice_is_one_row(ledger: Ledger) -> None:
    start(ledger)
    first, again = add(ledger, "run-1", "a.pdf"), add(ledger, "run-1", "a.pdf")
    assert (first.new, again.new) == (True, False)
    assert first.input_id == again.input_id and first.outcome is None and first.needs_content
    assert ledger.outcome_counts("run-1") == {"pending": 1}


def test_same_content_is_a_duplicate_that_points_to_the_document(ledger: Ledger) -> None:
    start(ledger)
    first = add(ledger, "run-1", "a.pdf", "same")
    copy = add(ledger, "run-1", "b.pdf", "same")
    assert copy.outcome is Outcome.DUPLICATE and copy.duplicate and copy.document_id == first.document_id
    assert len(process(ledger)) == 1
    assert ledger.outcome_counts("run-1") == {"accepted": 1, "duplicate": 1}
    ledger.check_conservation("run-1")
    assert [i.uri for i in ledger.document(first.document_id or "").inputs] == [
        "file:///in/a.pdf",
        "file:///in/b.pdf",
    ]


def test_another_model_or_schema_is_work_of_its_own(ledger: Ledger) -> None:
    start(ledger)
    start(ledger, "run-2", model="other@2")
    one = add(ledger, "run-1", "a.pdf")
    two = add(ledger, "run-2", "a.pdf", model="other@2")
    assert two.new and two.outcome is None and one.document_id != two.document_id


def test_second_run_keeps_outcomes_and_processes_nothing(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    process(ledger)
    start(ledger, "run-2")
    known = ledger.known_input(
        "run-2", "file:///in/a.pdf", version="1", member=None, fingerprint=SCHEMA.fingerprint, model=MODEL
    )
    assert known is not None and known.outcome is Outcome.ACCEPTED and not known.needs_content
    assert claim(ledger, "run-2") == []
    assert ledger.outcome_counts("run-2") == {"accepted": 1}
    ledger.check_conservation("run-2")
    assert [d.processed_now for d in ledger.run_documents("run-2")] == [False]
    assert [d.processed_now for d in ledger.run_documents("run-1")] == [True]
    assert ledger.status().inputs == 1


def test_a_look_at_an_input_records_nothing(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    start(ledger, "run-2")
    look = {"version": "1", "member": None, "fingerprint": SCHEMA.fingerprint, "model": MODEL}
    seen = ledger.peek_input("file:///in/a.pdf", **look)  # type: ignore[arg-type]
    assert seen is not None and seen.needs_content and not seen.new
    assert ledger.peek_input("file:///in/b.pdf", **look) is None  # type: ignore[arg-type]
    assert ledger.outcome_counts("run-2") == {}


def test_unknown_version_is_never_known(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf", version="")
    asked = {"member": None, "fingerprint": SCHEMA.fingerprint, "model": MODEL}
    assert ledger.known_input("run-1", "file:///in/a.pdf", version="", **asked) is None  # type: ignore[arg-type]


def test_changed_file_and_silently_changed_content_are_new_inputs(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf", "old", version="1")
    changed = add(ledger, "run-1", "a.pdf", "new", version="2")
    silent = add(ledger, "run-1", "a.pdf", "newer", version="2")
    assert changed.new and silent.new and silent.version.startswith("2+") and silent.outcome is None
    assert add(ledger, "run-1", "a.pdf", "newer", version="2").input_id == silent.input_id
    assert ledger.status().inputs == 3


def test_unfetchable_input_fails_and_recovers_in_a_later_run(ledger: Ledger) -> None:
    start(ledger)
    failed_input(ledger, "run-1", "a.pdf")
    ledger.check_conservation("run-1")
    assert ledger.status().reasons == {"unavailable": 1}
    asked = {"version": "1", "member": None, "fingerprint": SCHEMA.fingerprint, "model": MODEL}
    start(ledger, "run-2")
    assert ledger.known_input("run-2", "file:///in/a.pdf", **asked) is None  # type: ignore[arg-type]
    recovered = add(ledger, "run-2", "a.pdf")
    assert not recovered.new and recovered.outcome is None and recovered.detail == ""
    process(ledger, "run-2")
    assert ledger.outcome_counts("run-2") == {"accepted": 1}
    failed_input(ledger, "run-2", "a.pdf")  # a hiccup later does not undo what is known
    assert ledger.outcome_counts("run-2") == {"accepted": 1}


def test_too_large_to_fetch_is_unreadable(ledger: Ledger) -> None:
    start(ledger)
    failed_input(ledger, "run-1", "a.pdf", outcome=Outcome.UNREADABLE, reason=FailureReason.TOO_LARGE)
    assert ledger.outcome_counts("run-1") == {"unreadable": 1}
    assert ledger.run_documents("run-1")[0].reasons == ["too_large"]
    ledger.check_conservation("run-1")


@pytest.mark.parametrize(
    ("how", "state"),
    [
        ({}, DocumentState.ACCEPTED),
        ({"accepted": False, "reasons": [ReviewReason.AMBIGUOUS_DATE]}, DocumentState.REVIEW),
        ({"failure": FailureReason.ENCRYPTED}, DocumentState.UNREADABLE),
        ({"failure": FailureReason.MODEL_ERROR, "failed": True}, DocumentState.FAILED),
    ],
)
def test_what_is_recorded_moves_document_and_input(ledger: Ledger, how: dict[str, Any], state: str) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    (document_id,) = process(ledger, **how)
    record = ledger.document(document_id)
    assert record.state == state
    assert [(t.from_state, t.to_state) for t in record.transitions] == [
        (None, "pending"),
        ("pending", "processing"),
        ("processing", state),
    ]
    assert ledger.outcome_counts("run-1") == {state: 1}
    seen = ledger.run_documents("run-1")[0]
    assert seen.seconds == 1.5 and seen.outcome == state
    ledger.check_conservation("run-1")


def test_a_failed_document_is_tried_again_by_later_runs_until_attempts_are_used(ledger: Ledger) -> None:
    broken = {"failure": FailureReason.MODEL_ERROR, "failed": True}
    for number in (1, 2, 3):
        run = start(ledger, f"run-{number}")
        record = add(ledger, run, "a.pdf")
        assert record.needs_content
        (claimed,) = claim(ledger, run)
        assert claimed.attempts == number
        assert ledger.outcome_counts(run) == {"pending": 1}
        ledger.record_extraction(claimed.document_id, claimed.token, extraction(claimed.sha256, **broken))  # type: ignore[arg-type]
        assert claim(ledger, run) == []  # not twice in one run
    start(ledger, "run-4")
    add(ledger, "run-4", "a.pdf")
    assert claim(ledger, "run-4") == []
    assert ledger.outcome_counts("run-4") == {"failed": 1}
    ledger.check_conservation("run-4")


def test_claims_are_disjoint_and_bounded_by_the_run(ledger: Ledger) -> None:
    start(ledger)
    for number in range(5):
        add(ledger, "run-1", f"{number}.pdf")
    start(ledger, "run-2")
    add(ledger, "run-2", "2.pdf")
    (only,) = claim(ledger, "run-2", worker="w2")
    assert only.uri == "file:///in/2.pdf"
    first, second = claim(ledger, limit=3), claim(ledger, limit=3, worker="w3")
    assert (len(first), len(second)) == (3, 1)
    ids = {c.document_id for c in (*first, *second, only)}
    assert len(ids) == 5
    assert claim(ledger, limit=0) == [] and claim(ledger) == []
    assert ledger.open_documents("run-1") == 5 and ledger.open_documents("run-2") == 1


def test_a_lost_lease_is_taken_over_and_the_late_worker_refused(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    (lost,) = claim(ledger, worker="slow", lease=0.05)
    time.sleep(0.1)
    (taken,) = claim(ledger, worker="quick")
    assert taken.document_id == lost.document_id and taken.token > lost.token and taken.attempts == 2
    writes: list[Callable[[], None]] = [
        lambda: ledger.record_extraction(lost.document_id, lost.token, extraction(lost.sha256)),
        lambda: ledger.heartbeat(lost.document_id, lost.token, lease_seconds=60),
        lambda: ledger.release(lost.document_id, lost.token),
    ]
    for late in writes:
        with pytest.raises(StaleTokenError):
            late()
    assert ledger.document(lost.document_id).state is DocumentState.PROCESSING
    ledger.record_extraction(taken.document_id, taken.token, extraction(taken.sha256))
    with pytest.raises(StaleTokenError):
        ledger.record_extraction(lost.document_id, lost.token, extraction(lost.sha256, accepted=False))
    record = ledger.document(lost.document_id)
    assert record.state is DocumentState.ACCEPTED
    assert "taken over from slow" in record.transitions[2].detail


def test_heartbeat_keeps_a_document_and_release_gives_it_back(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    (held,) = claim(ledger, lease=0.05)
    ledger.heartbeat(held.document_id, held.token, lease_seconds=60)
    time.sleep(0.1)
    assert claim(ledger, worker="other") == []
    ledger.release(held.document_id, held.token)
    (again,) = claim(ledger, worker="other")
    assert again.attempts == 1 and again.token > held.token


def test_a_document_that_kills_its_workers_is_set_aside(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "deadly.pdf")
    for _ in range(2):
        assert len(claim(ledger, lease=0.01, max_attempts=2)) == 1
        time.sleep(0.03)
    assert claim(ledger, max_attempts=2) == []
    (seen,) = ledger.run_documents("run-1")
    assert (
        seen.outcome is Outcome.FAILED and seen.reasons == ["reader_crashed"] and "2 workers" in seen.detail
    )
    ledger.check_conservation("run-1")


def test_recording_again_after_a_lost_reply_is_harmless(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    (held,) = claim(ledger)
    for _ in range(2):
        ledger.record_extraction(held.document_id, held.token, extraction(held.sha256))
    assert ledger.status().rows_to_land == 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"sha256": sha_of("other")}, "content"),
        ({"schema_fingerprint": "f" * 64}, "schema"),
        ({"model": "x"}, "model"),
    ],
)
def test_an_extraction_of_something_else_is_refused(
    ledger: Ledger, change: dict[str, str], word: str
) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    (held,) = claim(ledger)
    wrong: Extraction = extraction(held.sha256).model_copy(update=change)
    with pytest.raises(LedgerError, match=f"another {word}"):
        ledger.record_extraction(held.document_id, held.token, wrong)
    assert ledger.document(held.document_id).state is DocumentState.PROCESSING


def test_conservation_names_what_is_open(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    add(ledger, "run-1", "b.pdf")
    (one,) = claim(ledger, limit=1)
    ledger.record_extraction(one.document_id, one.token, extraction(one.sha256))
    with pytest.raises(ConservationError, match=r"1 inputs .*b\.pdf has no outcome .*pending"):
        ledger.check_conservation("run-1")


def test_conservation_sees_a_copy_whose_document_is_not_through(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf", "same")
    start(ledger, "run-2")
    add(ledger, "run-2", "copy.pdf", "same")
    with pytest.raises(
        ConservationError, match=r"copy\.pdf is a duplicate of a document that is still pending"
    ):
        ledger.check_conservation("run-2")
    (claimed,) = claim(ledger, "run-2")
    assert claimed.uri == "file:///in/copy.pdf"  # the copy is what this run can read


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE inputs SET outcome = 'review'", "is review and its document is accepted"),
        ("UPDATE inputs SET primary_input = (1 = 0)", "0 inputs stand for"),
        ("DELETE FROM rows", "no row of it is on its way"),
        ("UPDATE inputs SET document_id = NULL", "has no document"),
    ],
)
def test_conservation_finds_damage(ledger: Ledger, statement: str, words: str) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    process(ledger)
    ledger.check_conservation("run-1")
    with ledger._engine.begin() as connection:
        connection.exec_driver_sql(statement)
    with pytest.raises(ConservationError, match=words):
        ledger.check_conservation("run-1")


def test_names_and_messages_that_databases_dislike(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a\x00b\udcff💶.pdf")
    (held,) = claim(ledger)
    data = {"number": "nul \x00 and \ud800 and 💶", "day": None, "total": None}
    ledger.record_extraction(held.document_id, held.token, extraction(held.sha256, data=data))
    record = ledger.document(held.document_id)
    assert record.extraction is not None and record.extraction.data == data
    assert record.uri == "file:///in/a\\x00b\\udcff💶.pdf"
    assert add(ledger, "run-1", "a\x00b\udcff💶.pdf").input_id == record.inputs[0].input_id


def test_runs_are_recorded_and_can_go_on(ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    ledger.finish_run("run-1", "failed")
    assert ledger.run("run-1").state == "failed"
    start(ledger)
    run = ledger.run("run-1")
    assert run.state == "running" and run.finished_at is None and run.inputs == 1
    assert run.started_at.tzinfo is not None and dt.datetime.now(dt.UTC) - run.started_at < dt.timedelta(
        minutes=1
    )
    with pytest.raises(LedgerError, match="another schema or model"):
        start(ledger, model="other")
    with pytest.raises(LedgerError, match="no run 'nope'"):
        add(ledger, "nope", "b.pdf")
    assert ledger.status().inputs == 1


def test_many_workers_at_once_take_each_document_once(ledger: Ledger, ledger_url: str) -> None:
    start(ledger)
    for number in range(40):
        add(ledger, "run-1", f"{number}.pdf")
    taken: list[str] = []
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            with Ledger.open(ledger_url) as own:
                while documents := claim(own, worker=name, limit=3):
                    for document in documents:
                        own.record_extraction(
                            document.document_id, document.token, extraction(document.sha256)
                        )
                        taken.append(document.document_id)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(taken) == len(set(taken)) == 40
    ledger.check_conservation("run-1")


def test_many_workers_add_the_same_contents_at_once(ledger: Ledger) -> None:
    start(ledger)
    errors: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for number in range(10):
                add(ledger, "run-1", f"{worker}-{number}.pdf", f"content {number}")
                add(ledger, "run-1", f"shared-{number}.pdf", f"content {number}")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    process(ledger)
    assert ledger.outcome_counts("run-1") == {"accepted": 10, "duplicate": 40}
    ledger.check_conservation("run-1")


def test_a_run_that_ends_takes_back_what_its_workers_hold(ledger: Ledger) -> None:
    start(ledger)
    start(ledger, "run-2")
    for name in ("a.pdf", "b.pdf", "c.pdf"):
        add(ledger, "run-1", name)
    add(ledger, "run-2", "d.pdf")
    lost = claim(ledger, "run-1", limit=1)
    (done,) = claim(ledger, "run-1", limit=1)
    ledger.record_extraction(done.document_id, done.token, extraction(done.sha256))
    (others,) = claim(ledger, "run-2")
    assert ledger.release_run("run-1") == 1
    assert ledger.release_run("run-1") == 0
    with pytest.raises(StaleTokenError):
        ledger.record_extraction(lost[0].document_id, lost[0].token, extraction(lost[0].sha256))
    ledger.heartbeat(others.document_id, others.token, lease_seconds=60)  # of another run: as it was
    again = {one.document_id: one.attempts for one in claim(ledger, "run-1")}
    assert len(again) == 2 and again[lost[0].document_id] == 1
