"""Two reviewers never work on the same document unknowingly, and what needs two pairs of eyes gets them."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from typing import Any

import pytest

from flows.ledger.records import ConflictError, DocumentState, FieldChange, SecondLook, Stage
from flows.ledger.store import Ledger
from flows.ledger.trust import HeldError, SameReviewerError
from tests.ledger.builders import SCHEMA, add, process, start

OTHER = {"number": "N-2", "day": None, "total": 9.0}


@pytest.fixture
def document(ledger: Ledger) -> str:
    add(ledger, start(ledger), "a.pdf")
    (document_id,) = process(ledger, accepted=False)
    return document_id


def decide(ledger: Ledger, document_id: str, reviewer: str, version: int = 0, **more: Any) -> Stage:
    given: dict[str, Any] = {"action": "accept", "data": None, "fields": None, "changes": [], "comment": ""}
    return ledger.decide(document_id, reviewer=reviewer, expected_version=version, **given | more)


def test_what_one_holds_nobody_else_takes_or_decides(ledger: Ledger, document: str) -> None:
    hold = ledger.hold(document, "ada", seconds=60)
    assert ledger.holder(document) == hold and hold.reviewer == "ada"
    for act in (
        lambda: ledger.hold(document, "bob", seconds=60),
        lambda: ledger.hand_over(document, "bob", "cy"),
        lambda: decide(ledger, document, "bob"),
    ):
        with pytest.raises(HeldError) as error:
            act()
        assert error.value.hold.reviewer == "ada"
    ledger.let_go(document, "bob")
    assert ledger.holder(document) is not None
    again = ledger.hold(document, "ada", seconds=120)
    assert again.taken_at == hold.taken_at and again.until > hold.until
    assert decide(ledger, document, "ada") is Stage.FINAL
    assert ledger.holder(document) is None


def test_a_hold_ends_by_itself_and_when_it_is_given_back(ledger: Ledger, document: str) -> None:
    ledger.hold(document, "ada", seconds=-1)
    assert ledger.holder(document) is None
    ledger.hold(document, "bob", seconds=60)
    ledger.let_go(document, "bob")
    assert ledger.holder(document) is None
    assert decide(ledger, document, "cy") is Stage.FINAL


def test_a_hold_taken_over_is_in_the_trail_and_the_other_is_refused(ledger: Ledger, document: str) -> None:
    ledger.hold(document, "ada", seconds=60)
    assert ledger.hold(document, "bob", seconds=60, over=True).reviewer == "bob"
    with pytest.raises(HeldError):
        decide(ledger, document, "ada")
    (line,) = ledger.trail()
    assert (line.action, line.actor, line.body) == ("taken over", "bob", '{"from":"ada"}')


def test_a_document_handed_over_waits_for_the_other_with_the_note(ledger: Ledger, document: str) -> None:
    ledger.hold(document, "ada", seconds=60)
    hold = ledger.hand_over(document, "ada", "bob", "you know this vendor")
    assert (hold.reviewer, hold.note) == ("bob", "you know this vendor")
    assert hold.until - hold.taken_at == dt.timedelta(days=7)
    with pytest.raises(HeldError):
        ledger.hold(document, "ada", seconds=60)
    kept = ledger.hold(document, "bob", seconds=60)
    assert (kept.until, kept.note) == (hold.until, "you know this vendor")
    assert [line.action for line in ledger.trail()] == ["handed over"]


def test_of_many_who_want_a_document_one_has_it(ledger: Ledger, document: str) -> None:
    got: list[str] = []

    def want(name: str) -> None:
        with contextlib.suppress(HeldError):
            got.append(ledger.hold(document, name, seconds=60).reviewer)

    threads = [threading.Thread(target=want, args=(f"r{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_a_first_look_does_not_land_and_the_same_second_one_does(ledger: Ledger, document: str) -> None:
    change = [FieldChange(path="total", before=12.5, after=9.0)]
    look = {"action": "correct", "data": OTHER, "changes": change, "second": SecondLook.AMOUNT}
    assert decide(ledger, document, "ada", **look) is Stage.FIRST
    record = ledger.document(document)
    assert (record.state, record.waiting, record.second_look) == (
        DocumentState.REVIEW,
        True,
        SecondLook.AMOUNT,
    )
    assert ledger.freeze_batch("bill") == [] and ledger.queue_size() == 1
    with pytest.raises(SameReviewerError):
        decide(ledger, document, "ada", 1, action="correct", data=OTHER)
    with pytest.raises(ConflictError):
        decide(ledger, document, "bob", 0, action="correct", data=OTHER)
    assert decide(ledger, document, "bob", 1, action="correct", data=OTHER) is Stage.FINAL
    (batch,) = ledger.freeze_batch("bill")
    assert (batch.rows[0].data, batch.rows[0].landed_by) == (OTHER, "bob")
    record = ledger.document(document)
    assert (record.state, record.waiting, record.second_look) == (DocumentState.REVIEWED, False, None)
    assert [d.stage for d in record.decisions] == [Stage.FIRST, Stage.FINAL]


def test_two_that_disagree_wait_for_a_senior(ledger: Ledger, document: str) -> None:
    decide(ledger, document, "ada", second=SecondLook.RANDOM)
    assert decide(ledger, document, "bob", 1, action="correct", data=OTHER) is Stage.DISPUTED
    assert ledger.document(document).second_look is SecondLook.DISAGREEMENT
    for name in ("ada", "bob", "cy"):
        with pytest.raises(SameReviewerError):
            decide(ledger, document, name, 2, action="correct", data=OTHER)
    with pytest.raises(SameReviewerError):
        decide(ledger, document, "bob", 2, settles=True)  # one of the two is no third
    assert decide(ledger, document, "eve", 2, settles=True) is Stage.FINAL
    assert ledger.document(document).state is DocumentState.REVIEWED
    assert ledger.verify_trail().faults == []


@pytest.mark.parametrize(("second", "stage"), [("reject", Stage.FINAL), ("accept", Stage.DISPUTED)])
def test_a_rejection_is_agreed_on_by_a_rejection_only(
    ledger: Ledger, document: str, second: str, stage: Stage
) -> None:
    decide(ledger, document, "ada", action="reject", comment="no bill", second=SecondLook.RANDOM)
    assert decide(ledger, document, "bob", 1, action=second, comment="same") is stage


def test_a_senior_as_second_settles_at_once(ledger: Ledger, document: str) -> None:
    decide(ledger, document, "ada", second=SecondLook.AMOUNT)
    assert decide(ledger, document, "eve", 1, action="correct", data=OTHER, settles=True) is Stage.FINAL


def test_an_accepted_document_keeps_its_row_while_a_second_look_is_awaited(ledger: Ledger) -> None:
    add(ledger, start(ledger), "a.pdf")
    (document_id,) = process(ledger, accepted=True)
    (batch,) = ledger.freeze_batch("bill")
    assert len(batch.rows) == 1
    decide(ledger, document_id, "ada", action="correct", data=OTHER, second=SecondLook.AMOUNT)
    record = ledger.document(document_id)
    assert (record.state, record.waiting) == (DocumentState.ACCEPTED, True)
    assert ledger.freeze_batch("bill") == []
    ledger.check_conservation("run-1")
    decide(ledger, document_id, "bob", 1, action="correct", data=OTHER)
    (batch,) = ledger.freeze_batch("bill")
    assert (batch.rows[0].version, batch.rows[0].data) == (2, OTHER)
    assert SCHEMA.name == batch.schema_name
