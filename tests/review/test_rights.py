"""Every route of the page under every role; a route that is not in the table fails the test."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount

from flows.ledger.trust import RIGHTS, Right, Role
from flows.review.passwords import Attempts
from tests.review.support import Desk, receipt_case

OPEN = None
"""No account is needed."""
TOKEN = "token"
"""No account helps: only the token of the settings."""
TABLE: dict[tuple[str, str], Right | str | None] = {
    ("GET", "/"): Right.READ,
    ("GET", "/documents/{document_id}"): Right.READ,
    ("POST", "/documents/{document_id}/decision"): Right.DECIDE,
    ("GET", "/documents/{document_id}/skip"): Right.READ,
    ("GET", "/documents/{document_id}/pages/{number:int}.png"): Right.READ,
    ("GET", "/documents/{document_id}/pages/{number:int}/words"): Right.READ,
    ("GET", "/documents/{document_id}/pages/{number:int}/region"): Right.READ,
    ("POST", "/documents/{document_id}/check"): Right.DECIDE,
    ("GET", "/documents/{document_id}/original"): Right.READ,
    ("POST", "/documents/{document_id}/hold"): Right.DECIDE,
    ("POST", "/documents/{document_id}/let-go"): Right.DECIDE,
    ("POST", "/documents/{document_id}/take-over"): Right.SETTLE,
    ("POST", "/documents/{document_id}/hand-over"): Right.DECIDE,
    ("GET", "/documents"): Right.READ,
    ("GET", "/dashboard"): Right.READ,
    ("GET", "/bulk"): Right.SETTLE,
    ("POST", "/bulk"): Right.SETTLE,
    ("GET", "/bulk/{bulk_id}"): Right.SETTLE,
    ("POST", "/bulk/{bulk_id}/accept"): Right.SETTLE,
    ("POST", "/bulk/{bulk_id}/end"): Right.SETTLE,
    ("GET", "/trail"): Right.AUDIT,
    ("GET", "/trail.jsonl"): Right.AUDIT,
    ("GET", "/people"): Right.PEOPLE,
    ("POST", "/people"): Right.PEOPLE,
    ("GET", "/account"): Right.READ,
    ("POST", "/account"): Right.READ,
    ("GET", "/who"): OPEN,
    ("POST", "/who"): OPEN,
    ("GET", "/sign-in"): OPEN,
    ("POST", "/sign-in"): OPEN,
    ("POST", "/sign-out"): OPEN,
    ("GET", "/healthz"): OPEN,
    ("GET", "/metrics"): TOKEN,
    ("GET", "/api/v1/openapi.json"): OPEN,
    ("GET", "/api/v1/queue"): Right.READ,
    ("GET", "/api/v1/queue/facets"): Right.READ,
    ("GET", "/api/v1/documents/{document_id}"): Right.READ,
    ("POST", "/api/v1/documents/{document_id}/hold"): Right.DECIDE,
    ("DELETE", "/api/v1/documents/{document_id}/hold"): Right.DECIDE,
    ("POST", "/api/v1/documents/{document_id}/decision"): Right.DECIDE,
    ("GET", "/api/v1/trail"): Right.AUDIT,
    ("GET", "/api/v1/trail/verdict"): Right.AUDIT,
    ("GET", "/api/v1/samples"): Right.AUDIT,
}


def routes_of(routes: list[BaseRoute], prefix: str = "") -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for route in routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            found |= routes_of(route.app.routes, prefix + route.path)
        elif (
            router := getattr(route, "original_router", None)
        ) is not None:  # as FastAPI keeps included ones
            found |= routes_of(router.routes, prefix)
        elif methods := getattr(route, "methods", None):
            found |= {(method, prefix + route.path) for method in methods - {"HEAD"}}  # type: ignore[attr-defined]
    return found


def test_the_table_has_every_route(empty_desk: Desk) -> None:
    app: Any = empty_desk.client.app
    assert routes_of(app.routes) == set(TABLE)


def ask(desk: Desk, method: str, path: str, document_id: str, token: str) -> Any:
    address = path.replace("{document_id}", document_id).replace("{number:int}", "1")
    if path.startswith("/api/"):
        return desk.client.request(method, address, headers={"X-Form-Token": token})
    return desk.client.request(method, address, data={"token": token} if method == "POST" else None)


def refused(answer: Any) -> str:
    """How a request was refused for who asked; empty when it was not."""
    if answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?"):
        return "sign in"
    return {401: "sign in", 403: "not you"}.get(answer.status_code, "")


@pytest.mark.parametrize("role", [*Role, None])
def test_a_role_may_what_its_rights_say_and_nothing_else(empty_desk: Desk, role: Role | None) -> None:
    [document_id] = empty_desk.add(receipt_case("r.pdf", "Shop"))
    empty_desk.add_account("boss", "admin")
    if role is not None:
        empty_desk.add_account("somebody", role)
    wrong: list[str] = []
    app: Any = empty_desk.client.app
    for (method, path), right in TABLE.items():
        empty_desk.client.cookies.clear()
        app.state.site.attempts = Attempts()
        if role is not None:
            assert empty_desk.sign_in_with("somebody").status_code == 303
        else:
            empty_desk.client.get("/sign-in")
        sessions = app.state.site.sessions
        request = type("Request", (), {"cookies": dict(empty_desk.client.cookies)})()
        token = sessions.token(sessions.read(request))
        answer = ask(empty_desk, method, path, document_id, token)
        if right is OPEN:
            expected = "sign in" if (method, path) == ("POST", "/sign-in") else ""
        elif role is None or right is TOKEN:
            expected = "sign in"
        else:
            expected = "" if right in RIGHTS[role] else "not you"
        if refused(answer) != expected or answer.status_code >= 500:
            wrong.append(f"{method} {path}: {answer.status_code}, expected {expected or 'an answer'}")
    assert wrong == []
    if role not in (Role.REVIEWER, Role.SENIOR, Role.ADMIN):
        assert empty_desk.ledger.document(document_id).decisions == []
        assert empty_desk.ledger.holder(document_id) is None


def test_without_accounts_a_name_is_enough_for_all_but_letting_people_in(signed_in: Desk) -> None:
    assert signed_in.client.get("/trail").status_code == 200
    assert signed_in.client.get("/people").status_code == 403


def test_whatever_changes_something_is_refused_without_a_token_of_our_forms(empty_desk: Desk) -> None:
    [document_id] = empty_desk.add(receipt_case("r.pdf", "Shop"))
    empty_desk.add_account("boss", "admin")
    assert empty_desk.sign_in_with("boss").status_code == 303
    lines = len(list(empty_desk.ledger.trail()))
    passed = []
    for method, path in TABLE:
        if method != "GET":
            for token in ("", "forged"):
                answer = ask(empty_desk, method, path, document_id, token)
                if answer.status_code != 403:
                    passed.append(f"{method} {path}: {answer.status_code}")
    assert passed == []
    assert len(list(empty_desk.ledger.trail())) == lines and empty_desk.ledger.holder(document_id) is None
