"""The pointer to the promoted model: steps, ways back, and what is kept of them; on both databases."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from flows.ledger.records import ModelUsed, PromotionRecord
from flows.ledger.store import Ledger
from schemas.errors import LedgerError, UsageError
from tests.ledger.builders import MODEL, SCHEMA, start


def promote(ledger: Ledger, name: str, **changes: Any) -> PromotionRecord:
    values: dict[str, Any] = {
        "name": name,
        "revision": name * 8,
        "manifest": (name * 64)[:64],
        "model": f"{name}-0123456789ab",
        "uri": f"s3://models/{name}",
        "actor": "ada",
        "reason": "better",
        "evaluation": {"f1": 0.9},
    }
    return ledger.promote_model(**values | changes)


def test_the_last_promotion_is_in_force_and_the_others_are_kept(ledger: Ledger) -> None:
    assert ledger.promoted_model() is None
    first, second = promote(ledger, "a"), promote(ledger, "b", reason="still better\x00")
    assert ledger.promoted_model() == second
    assert (second.before, second.restores, second.reason) == (first.number, None, "still better\\x00")
    assert ledger.promotions() == [second, first]
    assert ledger.promotion_of(first.manifest) == first
    assert ledger.promotion_of("0" * 64) is None


def test_rollbacks_go_further_back_each_time(ledger: Ledger) -> None:
    a, b, _ = promote(ledger, "a"), promote(ledger, "b"), promote(ledger, "c")
    back = ledger.rollback_model(actor="bob", reason="c reads totals wrong")
    assert (back.name, back.restores, back.actor, back.evaluation) == ("b", b.number, "bob", {"f1": 0.9})
    again = ledger.rollback_model(actor="bob", reason="so does b")
    assert (again.name, again.restores) == ("a", a.number)
    with pytest.raises(UsageError, match="nothing to go back to"):
        ledger.rollback_model(actor="bob", reason="")
    promote(ledger, "d")
    assert ledger.rollback_model(actor="bob", reason="").name == "a"
    assert [one.name for one in ledger.promotions()] == ["a", "d", "a", "b", "c", "b", "a"]


def test_without_a_promotion_there_is_no_way_back(ledger: Ledger) -> None:
    with pytest.raises(UsageError, match="No model has been promoted") as caught:
        ledger.rollback_model(actor="ada", reason="")
    assert "promote NAME" in caught.value.remedy


def test_every_step_is_a_line_of_the_trail(ledger: Ledger) -> None:
    promote(ledger, "a")
    promote(ledger, "b")
    ledger.rollback_model(actor="bob", reason="worse")
    assert [(line.actor, line.action) for line in ledger.trail()] == [
        ("ada", "model promoted"),
        ("ada", "model promoted"),
        ("bob", "model rolled back"),
    ]
    assert not ledger.verify_trail().faults


def test_promotions_at_the_same_time_come_one_after_the_other(ledger: Ledger) -> None:
    errors: list[BaseException] = []

    def many(name: str) -> None:
        try:
            for _ in range(5):
                promote(ledger, name)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=many, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not errors
    steps = ledger.promotions()
    assert len(steps) == 15
    assert [one.before for one in steps] == [one.number for one in steps[1:]] + [None]


def test_a_run_keeps_which_weights_it_used(ledger: Ledger) -> None:
    used = ModelUsed(name="bills", revision="a" * 40, manifest="b" * 64)
    about: dict[str, Any] = {"source": "in", "schema": "bill", "model": MODEL, "parameters": {}}
    for _ in range(2):  # a retried flow goes on with its run
        ledger.start_run(run_id="r", fingerprint=SCHEMA.fingerprint, weights=used, **about)
    assert ledger.run("r").weights == used
    with pytest.raises(LedgerError, match="other weights"):
        other = used.model_copy(update={"manifest": "c" * 64})
        ledger.start_run(run_id="r", fingerprint=SCHEMA.fingerprint, weights=other, **about)
    assert ledger.run(start(ledger, "without")).weights is None
    assert {run.run_id: run.weights for run in ledger.status().runs} == {"r": used, "without": None}
