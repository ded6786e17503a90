"""Samples of what landed measure its errors; accounts, roles and the last admin."""

from __future__ import annotations

from typing import Any

import pytest

from flows.ledger.records import DocumentState, FieldChange
from flows.ledger.store import Ledger
from flows.ledger.trust import RIGHTS, Right, Role, Sampling
from schemas.errors import UsageError
from tests.ledger.builders import add, claim, extraction, start


def land(ledger: Ledger, count: int, sampling: Sampling, accepted: bool = True) -> list[str]:
    run = start(ledger)
    ids = []
    for number in range(count):
        add(ledger, run, f"{accepted}-{number}.pdf")
    for held in claim(ledger, limit=count):
        done = extraction(held.sha256, accepted=accepted)
        ledger.record_extraction(held.document_id, held.token, done, sampling)
        ids.append(held.document_id)
    return ids


def test_a_share_of_what_was_accepted_waits_in_the_queue_and_has_landed_all_the_same(ledger: Ledger) -> None:
    ids = land(ledger, 60, Sampling(accepted=0.5))
    drawn = [item.document_id for item in ledger.queue()]
    assert set(drawn) < set(ids) and 15 <= len(drawn) <= 45
    assert {ledger.document(d).state for d in drawn} == {DocumentState.ACCEPTED}
    assert sum(len(batch.rows) for batch in ledger.freeze_batch("bill")) == 60
    ledger.check_conservation("run-1")
    assert ledger.verify_trail().lines == len(drawn)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_none_and_all(ledger: Ledger, share: float) -> None:
    land(ledger, 5, Sampling(accepted=share))
    assert ledger.queue_size() == 5 * share


def test_what_persons_find_on_samples_is_counted(ledger: Ledger) -> None:
    ids = land(ledger, 4, Sampling(accepted=1))
    change = [FieldChange(path="total", before=12.5, after=9.0)]
    for document_id, more in zip(
        ids,
        (
            {"action": "accept"},
            {"action": "correct", "data": {"number": "N", "day": None, "total": 9.0}, "changes": change},
            {"action": "reject", "comment": "no bill"},
        ),
        strict=False,
    ):
        given: dict[str, Any] = {"data": None, "fields": None, "changes": [], "comment": "", **more}
        ledger.decide(document_id, reviewer="ada", expected_version=0, **given)
    (figures,) = ledger.sample_figures()
    assert figures.model_dump() == {
        "schema_name": "bill", "kind": "blind", "drawn": 4, "decided": 3,
        "documents_wrong": 2, "fields": 6, "fields_wrong": 3,
    }  # fmt: skip
    assert ledger.queue_size() == 1


def test_samples_of_the_queue_are_marked_as_such(ledger: Ledger) -> None:
    land(ledger, 3, Sampling(queued=1), accepted=False)
    (figures,) = ledger.sample_figures()
    assert (figures.kind, figures.drawn) == ("queue", 3)
    assert ledger.queue_size() == 3


def test_a_document_extracted_anew_is_drawn_anew(ledger: Ledger) -> None:
    (document_id,) = land(ledger, 1, Sampling(accepted=1))
    ledger.reprocess(start(ledger, "run-2"), since=None)
    add(ledger, "run-2", "True-0.pdf")
    for held in claim(ledger, "run-2"):
        done = extraction(held.sha256, data={"number": "M", "day": None, "total": 1.0})
        ledger.record_extraction(held.document_id, held.token, done, Sampling(accepted=0))
        assert held.document_id == document_id
        assert ledger.queue_size() == 0 and ledger.sample_figures() == []


def test_accounts_are_told_apart_by_name_whatever_the_case(ledger: Ledger) -> None:
    assert not ledger.has_accounts()
    ada = ledger.add_account("Ada", Role.ADMIN, actor="console", password_hash="h1")
    assert ledger.has_accounts() and ada.may(Right.PEOPLE) and ada.has_password
    assert ledger.account(ada.account_id) == ada and ledger.account(99) is None
    found = ledger.credentials(" aDA ")
    assert found == (ada, "h1") and ledger.credentials("bob") is None
    for name in ("ADA", "ＡＤＡ", "", "x" * 81, "a\nb"):
        with pytest.raises(UsageError):
            ledger.add_account(name, Role.REVIEWER, actor="console")
    bob = ledger.add_account("bob", Role.AUDITOR, actor="Ada", subject="https://idp#1")
    assert ledger.account_of_subject("https://idp#1") == bob and ledger.account_of_subject("x") is None
    assert [account.name for account in ledger.accounts()] == ["Ada", "bob"]


def test_a_change_ends_the_sessions_of_before_and_is_in_the_trail_without_the_password(
    ledger: Ledger,
) -> None:
    ada = ledger.add_account("Ada", Role.ADMIN, actor="console", password_hash="secret-1")
    assert ledger.change_account("Ada", actor="Ada", role=Role.ADMIN).epoch == ada.epoch
    assert ledger.change_account("Ada", actor="Ada", password_hash="secret-2").epoch == ada.epoch + 1
    ledger.rehash_password("Ada", "secret-2", "secret-3")
    ledger.rehash_password("Ada", "secret-2", "secret-4")
    found = ledger.credentials("Ada")
    assert found is not None and found[1] == "secret-3" and found[0].epoch == ada.epoch + 1
    lines = list(ledger.trail())
    assert [line.action for line in lines] == ["account added", "account changed"]
    assert not any("secret" in line.body for line in lines)


def test_the_last_admin_stays(ledger: Ledger) -> None:
    ledger.add_account("Ada", Role.ADMIN, actor="console")
    for change in ({"active": False}, {"role": Role.REVIEWER}):
        with pytest.raises(UsageError, match="only admin"):
            ledger.change_account("Ada", actor="Ada", **change)  # type: ignore[arg-type]
    ledger.add_account("Bob", Role.ADMIN, actor="Ada")
    assert ledger.change_account("Ada", actor="Bob", active=False).active is False
    with pytest.raises(UsageError, match="only admin"):
        ledger.change_account("Bob", actor="Bob", role=Role.SENIOR)
    with pytest.raises(UsageError, match="no account"):
        ledger.change_account("Cy", actor="Bob", active=False)


def test_rights_by_role() -> None:
    table = {role.value: sorted(right.value for right in rights) for role, rights in RIGHTS.items()}
    assert table == {
        "reviewer": ["decide", "read"],
        "senior": ["decide", "read", "settle"],
        "auditor": ["audit", "read"],
        "admin": ["audit", "decide", "people", "read", "settle"],
    }
