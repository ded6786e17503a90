"""Many accepted at once: what is drawn, when the rest may follow, what is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.ledger import bulks
from flows.ledger.desk import QueueFilter
from flows.ledger.records import DocumentState, SecondLook
from flows.ledger.store import Ledger
from flows.ledger.trust import Sampling
from schemas.errors import UsageError
from schemas.outcome import ReviewReason
from tests.ledger.builders import add, claim, extraction, process, start
from tests.ledger.test_queue import accept


def waiting(ledger: Ledger, count: int) -> list[str]:
    start(ledger)
    for number in range(count):
        add(ledger, "run-1", f"{number:03}.pdf")
    return process(ledger, accepted=False, reasons=[ReviewReason.MODEL_UNSURE])


def begin(ledger: Ledger, share: float = 0.1, **wanted: Any) -> str:
    return ledger.start_bulk(QueueFilter(**wanted), query={"schema": "bill"}, share=share, reviewer="eve")


def drawn(ledger: Ledger, bulk_id: str) -> list[str]:
    return [line.document_id for line in ledger.bulk(bulk_id).lines if line.sampled]


def test_the_rest_follows_once_all_that_were_drawn_are_accepted(ledger: Ledger) -> None:
    waiting(ledger, 30)
    bulk_id = begin(ledger, 0.2)
    looks = drawn(ledger, bulk_id)
    assert len(looks) == 6 and ledger.bulk(bulk_id).state == "checking"
    rest = ledger.bulk_next(bulk_id, 500)
    assert len(rest) == 24 and not set(rest) & set(looks)
    for document_id in looks[:-1]:
        accept(ledger, document_id)
    with pytest.raises(UsageError, match="yet"):
        ledger.bulk_accept(bulk_id, rest[0])
    accept(ledger, looks[-1], reviewer="somebody else")
    assert ledger.bulk(bulk_id).state == "ready"
    assert all(ledger.bulk_accept(bulk_id, document_id) for document_id in rest)
    assert not ledger.bulk_accept(bulk_id, rest[0]), "once"
    ledger.finish_bulk(bulk_id)
    found = ledger.bulk(bulk_id)
    assert (found.state, found.accepted, found.left_out, found.through) == ("done", 24, 0, 24)
    record = ledger.document(rest[0])
    assert record.state is DocumentState.REVIEWED and record.decisions[0].reviewer == "eve"
    before, said, after = record.decisions[0].comment.partition(
        bulk_id
    )  # which is random, and may hold any digits
    assert said and "24" not in before + after
    assert ledger.verify_trail().faults == []
    lines = [line.action for line in ledger.trail()]
    assert (lines.count("decided"), lines[0], lines[-1]) == (30, "bulk begun", "bulk ended")


@pytest.mark.parametrize("action", ["correct", "reject"])
def test_one_that_is_not_right_as_it_is_ends_it(ledger: Ledger, action: str) -> None:
    waiting(ledger, 10)
    bulk_id = begin(ledger)
    looks = drawn(ledger, bulk_id)
    accept(ledger, looks[0], action=action, data={"number": "2", "day": None, "total": 1.0})
    for document_id in looks[1:]:
        accept(ledger, document_id)
    assert ledger.bulk(bulk_id).state == "failed" and ledger.bulk(bulk_id).failed == 1
    with pytest.raises(UsageError):
        ledger.bulk_accept(bulk_id, ledger.bulk_next(bulk_id, 1)[0])
    assert len(ledger.queue()) == 5


def test_what_changed_or_is_held_is_left_out_and_listed(ledger: Ledger) -> None:
    ids = waiting(ledger, 12)
    ledger.hold(ids[0], "ada", seconds=600)
    accept(ledger, ids[1], second=SecondLook.AMOUNT)
    bulk_id = begin(ledger)
    found = ledger.bulk(bulk_id)
    assert {line.document_id: line.detail for line in found.lines if not line.sampled} == {
        ids[0]: "ada has it",
        ids[1]: "waits for a second pair of eyes",
    }
    for document_id in drawn(ledger, bulk_id):
        accept(ledger, document_id)
    taken, decided, changed = ledger.bulk_next(bulk_id, 3)
    ledger.hold(taken, "grace", seconds=600)
    accept(ledger, decided)
    ledger.bulk_leave_out(bulk_id, changed, "has a value that must be corrected first")
    assert [ledger.bulk_accept(bulk_id, one) for one in ledger.bulk_next(bulk_id, 500)].count(True) == 2
    left = {line.document_id: line.detail for line in ledger.bulk(bulk_id).lines if not line.sampled}
    assert left[taken] == "grace has it" and "meanwhile" in left[decided] and "corrected" in left[changed]
    assert ledger.document(taken).state is DocumentState.REVIEW
    assert ledger.bulk(bulk_id).open == 0 and ledger.bulk(bulk_id).left_out == 5


def test_samples_are_always_looked_at(ledger: Ledger) -> None:
    waiting(ledger, 20)
    add(ledger, "run-1", "blind.pdf")
    (held,) = claim(ledger)
    done = extraction(held.sha256, accepted=True)
    ledger.record_extraction(held.document_id, held.token, done, sampling=Sampling(accepted=1))
    for _ in range(3):
        bulk_id = begin(ledger)
        assert held.document_id in drawn(ledger, bulk_id)
        assert len(drawn(ledger, bulk_id)) == 6, "beside those drawn of the others"


def test_nobody_draws_until_it_suits(ledger: Ledger, tmp_path: Path) -> None:
    ids = waiting(ledger, 60)
    draws = {tuple(drawn(ledger, begin(ledger))) for _ in range(3)}
    assert len(draws) == 1, "beginning again draws the same"
    with Ledger.open(f"sqlite:///{tmp_path / 'other.db'}") as other:
        assert waiting(other, 60) == ids
        assert tuple(drawn(other, begin(other))) not in draws, (
            "who knows the documents does not know the draw"
        )


def test_never_more_than_can_be_overseen(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulks, "MOST", 8)
    ids = waiting(ledger, 12)
    bulk_id = begin(ledger)
    assert set(drawn(ledger, bulk_id)) | set(ledger.bulk_next(bulk_id, 99)) == set(ids[:8])


def test_nothing_to_accept_is_said(ledger: Ledger) -> None:
    waiting(ledger, 1)
    with pytest.raises(UsageError, match="None of these"):
        begin(ledger, schema_name="other")
    with pytest.raises(UsageError, match="no such bulk"):
        ledger.bulk("0000")


@pytest.mark.parametrize(
    ("documents", "share", "looks"),
    [(500, 0.05, 25), (500, 0.1, 50), (41, 0.1, 5), (51, 0.1, 6), (3, 0.05, 3)],
)
def test_how_many_are_looked_at(documents: int, share: float, looks: int) -> None:
    assert bulks.looks_needed(documents, share) == looks
