"""Accepting many at once, as a senior reviewer does it on the page."""

from __future__ import annotations

import re
from typing import Any

import pytest

from flows.ledger.records import DocumentState
from flows.review import bulk as bulk_routes
from flows.review_options import ReviewOptions
from tests.review.support import Desk, desk, invoice_case, receipt_case


def begin(desk: Desk, query: str = "", share: str = "10") -> str:
    answer = desk.post(f"/bulk{query}", share=share)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def look_at_all(desk: Desk, place: str) -> int:
    """Accepts what was drawn, one after the other, as the page leads; how many there were."""
    page = desk.client.get(place).text
    found = re.search(r'class="button primary" href="([^"]+)">Look at the first', page)
    assert found
    target, looked = found[1], 0
    while target.startswith("/documents/"):
        path, _, query = target.partition("?")
        document_id, looked = path.rsplit("/", 1)[1], looked + 1
        bulk_query = "?" + next(part for part in query.split("&") if part.startswith("bulk="))
        answer = desk.decide(document_id, desk.form(document_id, bulk_query), query=bulk_query)
        assert answer.status_code == 303
        target = str(answer.headers["location"])
    back = desk.client.get(target)
    assert back.status_code == 303 and back.headers["location"].startswith(f"{place}?done=")
    return looked


def test_the_others_follow_those_that_were_looked_at(
    signed_in: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_routes, "AT_ONCE", 4)
    signed_in.add(*(receipt_case(f"{n:02}.pdf", f"Shop {n}") for n in range(12)))
    signed_in.add(invoice_case("other.pdf"))
    ask = signed_in.client.get("/bulk?schema=receipt").text
    assert "12 documents" in ask and "schema receipt" in ask and "at least 5 documents" in ask
    place = begin(signed_in, "?schema=receipt")
    assert (
        'action="/bulk' in signed_in.client.get(place).text
        and "Accept 7" not in signed_in.client.get(place).text
    )
    assert signed_in.post(f"{place}/accept").status_code == 400, "nobody has looked"
    assert look_at_all(signed_in, place) == 5
    page = signed_in.client.get(place).text
    assert "Accept 7 documents" in page
    signed_in.landed.clear()
    assert signed_in.post(f"{place}/accept").headers["location"] == place
    assert "4 of 7" in signed_in.client.get(place).text and signed_in.landed == []
    told = signed_in.client.post(
        f"{place}/accept", data={"token": signed_in.token()}, headers={"accept": "application/json"}
    ).json()
    assert told == {"open": 0, "done": 7, "rest": 7, "state": "done"} and signed_in.landed == [1]
    assert "Done: 5 looked at, 7 accepted with them." in signed_in.client.get(place).text
    assert [item.uri for item in signed_in.ledger.queue()] == ["file:///in/other.pdf"]


def test_what_needs_a_hand_of_its_own_is_left_out(signed_in: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [receipt_case(f"{n:02}.pdf", f"Shop {n}") for n in range(8)]
    signed_in.add(*cases)
    place = begin(signed_in)
    look_at_all(signed_in, place)
    monkeypatch.setattr(bulk_routes, "_unfit", lambda *_: "has a value that must be corrected first")
    signed_in.post(f"{place}/accept")
    page = signed_in.client.get(place).text
    assert page.count("has a value that must be corrected first") == 3 and "3 left out" in page
    assert len(signed_in.ledger.queue()) == 3


def test_fields_that_contradict_each_other_are_not_accepted_unseen(signed_in: Desk) -> None:
    """One press on Accept would ask; with many nobody is there to be asked."""
    cases = [invoice_case(f"{n}.pdf", f"RE-{n}", net="700.00") for n in range(7)]
    for case in cases:
        case.data["issue_date"] = "2026-04-03"
        told = {"value": "2026-04-03", "raw": "3 April 2026", "reasons": [], "messages": []}
        case.fields = [f.model_copy(update=told) if f.path == "issue_date" else f for f in case.fields]
    ids = signed_in.add(*cases)
    place = begin(signed_in)
    bulk_id = place.rsplit("/", 1)[1]
    for line in signed_in.ledger.bulk(bulk_id).lines:
        version = signed_in.ledger.document(line.document_id).version
        signed_in.ledger.decide(
            line.document_id,
            reviewer="Ada",
            action="accept",
            data=None,
            fields=None,
            changes=[],
            comment="",
            expected_version=version,
        )
    signed_in.post(f"{place}/accept")
    assert "contradict each other" in signed_in.client.get(place).text
    waiting = [d for d in ids if signed_in.ledger.document(d).state is DocumentState.REVIEW]
    assert len(waiting) == 2


def test_high_amounts_need_their_two_pairs_of_eyes(tmp_path: Any) -> None:
    with desk(tmp_path, options=ReviewOptions(second_look_amount=100)) as made:
        made.sign_in()
        made.add(*(receipt_case(f"{n}.pdf", f"Shop {n}", "150.00") for n in range(7)))
        place = begin(made)
        assert look_at_all(made, place) == 5
        made.post(f"{place}/accept")
        page = made.client.get(place).text
        assert page.count("needs two pairs of eyes") == 2
        assert made.ledger.queue_size() == 7


def test_only_a_senior_begins_and_only_who_began_goes_on(empty_desk: Desk) -> None:
    empty_desk.add(*(receipt_case(f"{n}.pdf", f"Shop {n}") for n in range(7)))
    for name, role in (("boss", "admin"), ("eve", "senior"), ("ada", "reviewer")):
        empty_desk.add_account(name, role)
    empty_desk.sign_in_with("ada")
    assert "Accept many" not in empty_desk.client.get("/").text
    assert empty_desk.client.get("/bulk").status_code == 403
    empty_desk.client.cookies.clear()
    empty_desk.sign_in_with("eve")
    assert "Accept many" in empty_desk.client.get("/").text
    place = begin(empty_desk)
    look_at_all(empty_desk, place)
    empty_desk.client.cookies.clear()
    empty_desk.sign_in_with("boss")
    page = empty_desk.client.get(place).text
    assert "eve can accept them now" in page and f"{place}/accept" not in page
    for step in ("accept", "end"):
        answer = empty_desk.post(f"{place}/{step}")
        assert answer.status_code == 400 and "begun by eve" in answer.text
    assert empty_desk.ledger.queue_size() == 2


def test_a_bulk_can_be_given_up(signed_in: Desk) -> None:
    signed_in.add(*(receipt_case(f"{n}.pdf", f"Shop {n}") for n in range(7)))
    place = begin(signed_in)
    assert signed_in.post(f"{place}/end").status_code == 303
    page = signed_in.client.get(place).text
    assert "This was given up" in page and "Give this up" not in page and signed_in.ledger.queue_size() == 7


def test_a_share_that_is_not_offered_is_refused(signed_in: Desk) -> None:
    signed_in.add(receipt_case("a.pdf", "Shop"))
    for share in ("0", "", "abc", "1"):
        answer = signed_in.post("/bulk", share=share)
        assert answer.status_code == 422 and "Choose how many" in answer.text
    answer = signed_in.client.post("/bulk", data={"share": "10"})
    assert answer.status_code == 403, "a form of somewhere else"
    assert signed_in.client.get("/bulk/none").status_code == 400
