"""Single sign-on against a real provider: who it vouches for, which account that is, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest
from pydantic import ValidationError

from flows.ledger.trust import Role
from flows.review.sign_on import SignOnError, account_of
from flows.review_options import OidcOptions, ReviewOptions
from tests.review.support import Desk, desk

PAGE = "http://127.0.0.1:8484"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """A provider on a real port, which knows three people."""
    people = [
        oidc_provider_mock.User(sub="1", claims={"email": "ada@example.org", "email_verified": True}),
        oidc_provider_mock.User(sub="2", claims={"email": "ada@example.org", "email_verified": False}),
        oidc_provider_mock.User(sub="3", claims={"email": "cy@example.org", "email_verified": True}),
    ]
    with oidc_provider_mock.run_server_in_thread(user_claims=people, require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


def options(issuer: str, **more: Any) -> ReviewOptions:
    oidc = OidcOptions(issuer=issuer, client_id="parquetry", client_secret="secret", name="Example", **more)  # type: ignore[arg-type]
    return ReviewOptions(url=PAGE, oidc=oidc)


@pytest.fixture
def office(tmp_path: Path, provider: str) -> Iterator[Desk]:
    with desk(tmp_path, options=options(provider)) as made:
        yield made


def vouched(office: Desk, sub: str, target: str = "/") -> str:
    """The address with which the provider sends somebody back."""
    begun = office.client.get("/sign-in/sso", params={"next": target})
    assert begun.status_code == 302
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["nonce"] and asked["state"]
    sent = httpx.post(begun.headers["location"], data={"sub": sub}, follow_redirects=False)
    assert sent.status_code == 302, sent.text
    return str(sent.headers["location"])


def test_nobody_is_let_in_without_signing_in(office: Desk) -> None:
    assert office.client.get("/").headers["location"] == "/sign-in?next=%2F"
    page = office.client.get("/sign-in").text
    assert "Go on with Example" in page and 'href="/sign-in/sso?next=/"' in page


def test_whom_an_admin_added_by_address_comes_in_and_stays_known(office: Desk) -> None:
    office.ledger.add_account("ada@example.org", Role.SENIOR, actor="console")
    answer = office.client.get(vouched(office, "1", "/account"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "senior" in office.client.get("/account").text
    (account,) = office.ledger.accounts()
    assert account.subject is not None and account.subject.endswith("#1")
    assert [line.action for line in office.ledger.trail()] == ["account added", "account linked", "signed in"]
    office.client.cookies.clear()
    assert office.client.get(vouched(office, "1", "//evil.example")).headers["location"] == "/"


@pytest.mark.parametrize("sub", ["2", "3", "nobody"])
def test_an_unverified_or_unknown_address_is_nobody(office: Desk, sub: str) -> None:
    office.ledger.add_account("ada@example.org", Role.ADMIN, actor="console")
    answer = office.client.get(vouched(office, sub))
    assert answer.status_code == 400 and "no account" in answer.text
    assert office.client.get("/").status_code == 303
    assert office.ledger.accounts()[0].subject is None


def test_a_closed_account_stays_closed(office: Desk) -> None:
    office.ledger.add_account("boss", Role.ADMIN, actor="console")
    office.ledger.add_account("ada@example.org", Role.REVIEWER, actor="boss")
    office.client.get(vouched(office, "1"))
    office.ledger.change_account("ada@example.org", actor="boss", active=False)
    office.client.cookies.clear()
    assert office.client.get(vouched(office, "1")).status_code == 400


def test_newcomers_get_the_role_that_is_set_for_them(tmp_path: Path, provider: str) -> None:
    with desk(tmp_path, options=options(provider, new_role="auditor")) as made:
        assert made.client.get(vouched(made, "3")).status_code == 303
        (account,) = made.ledger.accounts()
        assert (account.name, account.role, account.has_password) == ("cy@example.org", Role.AUDITOR, False)
        assert made.client.post("/account", data={"token": made.token(), "password": "x"}).status_code == 422


def test_an_answer_that_was_not_asked_for_or_was_changed_is_refused(office: Desk) -> None:
    office.ledger.add_account("ada@example.org", Role.ADMIN, actor="console")
    back = vouched(office, "1")
    changed = [back.replace("state=", "state=x"), back.replace("code=", "code=x")]
    for wrong in (*changed, "/sign-in/callback", "/sign-in/callback?error=denied"):
        assert office.client.get(wrong).status_code == 400
    mine = vouched(office, "1")
    office.client.cookies.clear()  # somebody else's browser
    assert office.client.get(mine).status_code == 400
    assert office.client.get("/").status_code == 303


def test_a_provider_that_is_away_is_told(tmp_path: Path) -> None:
    with desk(tmp_path, options=options("http://localhost:9")) as made:
        answer = made.client.get("/sign-in/sso")
        assert answer.status_code == 400 and "cannot be reached" in answer.text


def test_an_account_is_linked_to_one_person_only(empty_desk: Desk) -> None:
    oidc = OidcOptions(
        issuer="https://id.example.org", client_id="x", client_secret=None, name="", new_role=None
    )
    empty_desk.ledger.add_account(
        "ada@example.org", Role.ADMIN, actor="console", subject="https://id.example.org#1"
    )
    said = {"iss": "https://id.example.org", "sub": "9", "email": "ada@example.org", "email_verified": True}
    with pytest.raises(SignOnError):
        account_of(empty_desk.ledger, oidc, said)
    for wrong in ({**said, "iss": "https://evil.example"}, {**said, "sub": ""}, {}):
        with pytest.raises(SignOnError):
            account_of(empty_desk.ledger, oidc, wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://id.example.org"},
        {"issuer": "id.example.org"},
        {"client_id": ""},
        {"new_role": "admin"},
    ],
)
def test_wrong_settings_of_sign_on(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        OidcOptions.model_validate({"issuer": "https://id.example.org", "client_id": "x", **wrong})


def test_sign_on_needs_the_address_of_the_page() -> None:
    with pytest.raises(ValidationError, match=r"review\.url"):
        ReviewOptions.model_validate({"oidc": {"issuer": "https://id.example.org", "client_id": "x"}})
    with pytest.raises(ValidationError):
        ReviewOptions(url="https://review.example.org/path")
    assert ReviewOptions(url="https://review.example.org/").url == "https://review.example.org"
