"""The JSON API: as described, safe without cookies and with them, and never an error of its own."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case as Call
from schemathesis import GenerationMode

from flows.ledger.records import DocumentState
from tests.review.support import Desk, desk, invoice_case, receipt_case

API = "/api/v1"


@pytest.fixture
def bearer(empty_desk: Desk) -> dict[str, str]:
    empty_desk.add_account("ada", "admin")
    found = empty_desk.ledger.credentials("ada")
    assert found is not None
    app: Any = empty_desk.client.app
    token = app.state.site.sessions.bearer(found[0].account_id, found[0].epoch)
    return {"Authorization": f"Bearer {token}"}


def decide(desk: Desk, document_id: str, headers: dict[str, str], **body: Any) -> Any:
    return desk.client.post(f"{API}/documents/{document_id}/decision", json=body, headers=headers)


def test_a_program_reads_holds_corrects_and_sees_the_trail(empty_desk: Desk, bearer: dict[str, str]) -> None:
    client = empty_desk.client
    [document_id] = empty_desk.add(invoice_case())
    queue = client.get(f"{API}/queue", headers=bearer).json()
    assert (queue["matching"], queue["items"][0]["document_id"]) == (1, document_id)
    assert client.get(f"{API}/queue/facets", headers=bearer).json()["schemas"] == {"invoice": 1}
    seen = client.get(f"{API}/documents/{document_id}", headers=bearer).json()
    assert seen["state"] == "review" and seen["fields"][0]["boxes"]
    assert client.post(f"{API}/documents/{document_id}/hold", headers=bearer).json()["reviewer"] == "ada"
    data = {**seen["data"], "seller_name": "Holz & Söhne", "issue_date": "2026-04-03"}
    data["line_items"] = data["line_items"][:1]
    wrong = decide(
        empty_desk, document_id, bearer, action="correct", version=0, data={**data, "issue_date": "soon"}
    )
    assert wrong.status_code == 422 and "issue_date" in wrong.json()["errors"]
    sent: dict[str, Any] = {"action": "correct", "version": 0, "data": data, "overrule": True}
    made = decide(empty_desk, document_id, bearer, **sent)
    assert made.status_code == 200 and made.json()["stage"] == "final" and made.json()["changes"] >= 3
    assert decide(empty_desk, document_id, bearer, **sent).status_code == 409
    record = empty_desk.ledger.document(document_id)
    assert record.state is DocumentState.REVIEWED and record.decisions[0].reviewer == "ada"
    assert record.decisions[0].data is not None and record.decisions[0].data["seller_name"] == "Holz & Söhne"
    assert empty_desk.landed == [1]
    trail = client.get(f"{API}/trail", params={"document_id": document_id}, headers=bearer).json()
    assert [line["action"] for line in trail] == ["decided"]
    assert client.get(f"{API}/trail/verdict", headers=bearer).json()["faults"] == []


def test_untouched_fields_keep_their_evidence(empty_desk: Desk, bearer: dict[str, str]) -> None:
    [document_id] = empty_desk.add(receipt_case("r.pdf", "Shop"))
    data = empty_desk.client.get(f"{API}/documents/{document_id}", headers=bearer).json()["data"]
    assert (
        decide(empty_desk, document_id, bearer, action="correct", version=0, data=data).json()["changes"] == 0
    )
    record = empty_desk.ledger.document(document_id)
    assert record.decisions[0].action == "accept"
    assert any(field.boxes for field in record.decisions[0].fields)


def test_a_hold_of_somebody_else_is_told_with_a_remedy(empty_desk: Desk, bearer: dict[str, str]) -> None:
    [document_id] = empty_desk.add(receipt_case("r.pdf", "Shop"))
    empty_desk.ledger.hold(document_id, "bob", seconds=60)
    for answer in (
        empty_desk.client.post(f"{API}/documents/{document_id}/hold", headers=bearer),
        decide(empty_desk, document_id, bearer, action="accept", version=0),
    ):
        assert answer.status_code == 409 and answer.headers["content-type"] == "application/problem+json"
        assert "bob" in answer.json()["detail"] and answer.json()["remedy"]
    assert empty_desk.client.delete(f"{API}/documents/{document_id}/hold", headers=bearer).status_code == 204
    assert empty_desk.ledger.holder(document_id) is not None


@pytest.mark.parametrize("path", ["/queue", "/documents/0f", "/trail", "/samples"])
def test_nobody_is_answered_without_a_token(empty_desk: Desk, bearer: dict[str, str], path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic x"}):
        answer = empty_desk.client.get(f"{API}{path}", headers=headers)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    empty_desk.add_account("eve", "admin")
    empty_desk.ledger.change_account("ada", actor="eve", active=False)
    assert empty_desk.client.get(f"{API}{path}", headers=bearer).status_code == 401


def test_with_a_cookie_what_changes_something_needs_the_token_of_our_forms(empty_desk: Desk) -> None:
    empty_desk.add_account("ada", "admin")
    [document_id] = empty_desk.add(receipt_case("r.pdf", "Shop"))
    empty_desk.sign_in_with("ada")
    for headers in (
        {},
        {"X-Form-Token": "x"},
        {"X-Form-Token": empty_desk.token(), "Origin": "http://evil.example"},
    ):
        refused = decide(empty_desk, document_id, headers, action="reject", version=0, comment="no bill")
        assert refused.status_code == 403
    ours = {"X-Form-Token": empty_desk.token()}
    assert decide(empty_desk, document_id, ours, action="reject", version=0, comment="no").status_code == 400
    assert (
        decide(empty_desk, document_id, ours, action="reject", version=0, comment="no bill").status_code
        == 200
    )


def test_the_description_is_there_and_names_every_way(empty_desk: Desk) -> None:
    described = empty_desk.client.get(f"{API}/openapi.json").json()
    assert described["info"]["title"] == "parquetry review"
    assert set(described["paths"]) >= {"/queue", "/documents/{document_id}/decision", "/trail/verdict"}
    body = described["components"]["schemas"]["DecisionBody"]["properties"]
    assert body["overrule"]["description"] and body["action"]["enum"] == ["accept", "correct", "reject"]


@pytest.mark.slow
def test_whatever_is_sent_there_is_no_error_of_the_page_itself(tmp_path: Any) -> None:
    with desk(tmp_path) as made:
        made.add_account("ada", "admin")
        ids = made.add(*(receipt_case(f"r{i}.pdf", f"Shop {i}") for i in range(5)), invoice_case())
        found = made.ledger.credentials("ada")
        app: Any = made.client.app
        assert found is not None
        token = app.state.site.sessions.bearer(found[0].account_id, found[0].epoch)
        api = next(route.app for route in app.routes if getattr(route, "path", "") == API)
        schema = schemathesis.openapi.from_asgi("/openapi.json", api)
        asked: list[int] = []

        for found_operation in schema.get_all_operations():
            operation = found_operation.ok()

            @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            @given(call=st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)))
            def ask(call: Call) -> None:
                if "document_id" in call.path_parameters and len(asked) % 2:
                    call.path_parameters["document_id"] = ids[len(asked) % len(ids)]
                answer = call.call(headers={"Authorization": f"Bearer {token}"})
                asked.append(answer.status_code)
                assert answer.status_code < 500, answer.text

            ask()
        assert {200, 404, 422} <= set(asked)
        assert made.ledger.verify_trail().faults == []
