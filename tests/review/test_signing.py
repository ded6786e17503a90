"""Signing in and out, passwords, sessions that end, and the first account."""

from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher

from flows.review import security
from flows.review.passwords import Attempts, Passwords
from schemas.errors import UsageError
from tests.review.support import Desk, receipt_case, token_of

PASSWORD = "correct horse battery"


def test_with_the_first_account_everybody_must_sign_in(signed_in: Desk) -> None:
    assert signed_in.client.get("/").status_code == 200
    signed_in.add_account("ada", "admin")
    for path in ("/", "/account", "/documents/abc", "/trail"):
        answer = signed_in.client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"/sign-in?next=%2F{path[1:].replace('/', '%2F')}",
        )
    assert signed_in.client.get("/who").headers["location"] == "/sign-in"
    assert signed_in.client.post("/who", data={"token": "", "name": "Eve"}).status_code in (303, 403)
    assert signed_in.client.get("/").status_code == 303


def test_the_right_password_leads_back_and_is_in_the_trail(empty_desk: Desk) -> None:
    empty_desk.add_account("ada", "admin")
    answer = empty_desk.sign_in_with("ADA", target="/account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "Signed in as</span> ada" in empty_desk.client.get("/").text
    assert [line.action for line in empty_desk.ledger.trail()] == ["account added", "signed in"]
    assert empty_desk.client.get("/sign-in").status_code == 303
    away = empty_desk.post("/sign-out")
    assert (away.status_code, away.headers["location"]) == (303, "/sign-in")
    assert empty_desk.client.get("/").status_code == 303


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"]
)
def test_signing_in_leads_nowhere_else(empty_desk: Desk, target: str) -> None:
    empty_desk.add_account("ada", "admin")
    assert empty_desk.sign_in_with("ada", target=target).headers["location"] == "/"


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", "wrong horse battery"), ("bob", PASSWORD), ("", ""), ("ada", ""), ("ada", "x" * 900)],
)
def test_a_wrong_name_and_a_wrong_password_look_alike(empty_desk: Desk, name: str, password: str) -> None:
    empty_desk.add_account("ada", "admin")
    answer = empty_desk.sign_in_with(name, password)
    assert answer.status_code == 401 and "Name or password is wrong" in answer.text
    assert empty_desk.client.get("/").status_code == 303


def test_a_closed_account_and_one_without_password_do_not_sign_in(empty_desk: Desk) -> None:
    empty_desk.add_account("ada", "admin")
    empty_desk.add_account("bob", "reviewer")
    empty_desk.ledger.change_account("bob", actor="ada", active=False)
    empty_desk.ledger.add_account("cy@example.org", empty_desk.ledger.accounts()[0].role, actor="ada")
    assert empty_desk.sign_in_with("bob").status_code == 401
    assert empty_desk.sign_in_with("cy@example.org").status_code == 401


def test_who_is_shut_out_is_out_at_once(empty_desk: Desk) -> None:
    empty_desk.add_account("ada", "admin")
    empty_desk.add_account("bob", "reviewer")
    [document_id] = empty_desk.add(receipt_case("r.pdf", "Shop"))
    empty_desk.sign_in_with("bob")
    form = empty_desk.form(document_id)
    empty_desk.ledger.change_account("bob", actor="ada", active=False)
    assert empty_desk.decide(document_id, form).headers["location"].startswith("/sign-in")
    assert empty_desk.ledger.document(document_id).decisions == []


def test_guessing_is_slowed_down_by_account_and_ends_with_the_right_password(empty_desk: Desk) -> None:
    empty_desk.add_account("ada", "admin")
    assert [empty_desk.sign_in_with("ada", "wrong").status_code for _ in range(6)] == [401] * 5 + [429]
    late = empty_desk.sign_in_with("ada")
    assert late.status_code == 429 and late.headers["retry-after"] == "60"
    attempts = Attempts()
    assert all(attempts.allowed("ada", "1.2.3.4") for _ in range(5))
    attempts.forget("ADA")
    assert attempts.allowed("ada", "1.2.3.4")
    assert [attempts.allowed(f"n{i}", "9.9.9.9") for i in range(31)] == [True] * 30 + [False]


def test_a_session_key_is_new_after_signing_in_and_old_forms_are_refused(empty_desk: Desk) -> None:
    empty_desk.add_account("ada", "admin")
    planted = token_of(empty_desk.client.get("/sign-in").text)
    empty_desk.sign_in_with("ada")
    assert (
        empty_desk.client.post(
            "/people", data={"token": planted, "action": "close", "name": "ada"}
        ).status_code
        == 403
    )


def test_an_account_signs_itself_out_after_half_a_day(
    empty_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_desk.add_account("ada", "admin")
    empty_desk.sign_in_with("ada")
    assert empty_desk.client.get("/").status_code == 200
    monkeypatch.setattr(security, "ACCOUNT_SECONDS", -1)
    assert empty_desk.client.get("/").status_code == 303


def change(desk: Desk, old: str, new: str, again: str) -> Any:
    return desk.post("/account", password=old, new=new, again=again)


def test_a_password_is_changed_by_who_knows_it_and_other_browsers_are_out(empty_desk: Desk) -> None:
    empty_desk.add_account("ada", "admin")
    empty_desk.sign_in_with("ada")
    elsewhere = dict(empty_desk.client.cookies)
    new = "a much better one"
    assert change(empty_desk, "wrong", new, new).status_code == 422
    assert change(empty_desk, PASSWORD, new, "another").status_code == 422
    assert change(empty_desk, PASSWORD, "short", "short").status_code == 422
    assert change(empty_desk, PASSWORD, new, new).headers["location"] == "/account?done=password"
    assert "is changed" in empty_desk.client.get("/account?done=password").text
    empty_desk.client.cookies.clear()
    for name, value in elsewhere.items():
        empty_desk.client.cookies.set(name, value)
    assert empty_desk.client.get("/account").status_code == 303
    empty_desk.client.cookies.clear()
    assert empty_desk.sign_in_with("ada").status_code == 401
    assert empty_desk.sign_in_with("ada", new).status_code == 303


def test_an_admin_lets_people_in_and_shows_the_first_password_once(empty_desk: Desk) -> None:
    empty_desk.add_account("ada", "admin")
    empty_desk.sign_in_with("ada")
    page = empty_desk.post("/people", action="add", name="Bob <b>", role="reviewer")
    assert page.status_code == 200 and "<b>" not in page.text
    password = page.text.split('class="secret">')[1].split("<")[0]
    assert password not in empty_desk.client.get("/people").text
    again = empty_desk.post("/people", action="add", name="bob <B>", role="reviewer")
    assert again.status_code == 422 and "already" in again.text
    for sent in (
        {"action": "role", "role": "chief", "name": "ada"},
        {"action": "melt"},
        {"action": "close", "name": "ada"},
    ):
        assert empty_desk.post("/people", **sent).status_code == 422
    assert empty_desk.post("/people", action="role", name="Bob <b>", role="senior").status_code == 303
    renewed = empty_desk.post("/people", action="password", name="Bob <b>").text
    newest = renewed.split('class="secret">')[1].split("<")[0]
    empty_desk.client.cookies.clear()
    assert empty_desk.sign_in_with("Bob <b>", password).status_code == 401
    assert empty_desk.sign_in_with("Bob <b>", newest).status_code == 303
    assert empty_desk.client.get("/people").status_code == 403


@pytest.mark.parametrize("password", ["", "short", "x" * 501, "ada@example.org", "aaaaaaaaaaaa"])
def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(UsageError):
        Passwords(PasswordHasher(1, 8, 1)).hash(password, "ada@example.org")


def test_a_password_kept_under_weaker_parameters_is_kept_anew(empty_desk: Desk) -> None:
    weak = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    empty_desk.add_account("ada", "admin")
    empty_desk.ledger.change_account("ada", actor="ada", password_hash=weak)
    assert empty_desk.sign_in_with("ada").status_code == 303
    found = empty_desk.ledger.credentials("ada")
    assert found is not None and found[1] != weak
    assert empty_desk.client.get("/").status_code == 200


def test_what_is_kept_is_no_password_and_a_broken_hash_fits_nothing() -> None:
    passwords = Passwords(PasswordHasher(1, 8, 1))
    kept = passwords.hash(PASSWORD, "ada")
    assert kept.startswith("$argon2id$") and PASSWORD not in kept
    assert passwords.fits(kept, PASSWORD)
    assert not passwords.fits("broken", PASSWORD) and not passwords.fits(None, PASSWORD)
    assert not passwords.outdated(kept) and Passwords.invented() != Passwords.invented()
