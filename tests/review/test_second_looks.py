"""Holds and second looks in the page: who has a document, who may not decide, what lands when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.ledger.records import DocumentState, SecondLook
from flows.ledger.trust import Sampling
from flows.review.second import SecondLookRule, largest
from flows.review_options import ReviewOptions
from schemas.registry import from_json_schema, load_schema
from tests.review.support import Desk, desk, invoice_case, receipt_case


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Desk]:
    """Ada, Bob and the senior Eve; from 100 on two must look."""
    with desk(tmp_path, options=ReviewOptions(second_look_amount=100)) as made:
        for name, role in (("ada", "reviewer"), ("bob", "reviewer"), ("eve", "senior"), ("amy", "auditor")):
            made.add_account(name, role)
        yield made


def be(desk: Desk, name: str) -> None:
    desk.client.cookies.clear()
    assert desk.sign_in_with(name).status_code == 303


def page_of(desk: Desk, document_id: str) -> str:
    return str(desk.client.get(f"/documents/{document_id}").text)


def test_an_open_document_is_its_reviewers_and_others_see_whose(office: Desk) -> None:
    [document_id] = office.add(receipt_case("r.pdf", "Shop"))
    be(office, "ada")
    form = office.form(document_id)
    taken = office.post(f"/documents/{document_id}/hold").json()
    assert (taken["mine"], taken["by"]) == (True, "ada")
    be(office, "bob")
    page = page_of(office, document_id)
    assert "<strong>ada</strong> is working on this document" in page
    assert 'name="action" value="save"' not in page and "Take it over" not in page
    refused = office.post(f"/documents/{document_id}/hold")
    assert refused.status_code == 409 and refused.json()["by"] == "ada"
    assert office.decide(document_id, {**form, "token": [office.token()]}).status_code == 409
    be(office, "eve")
    assert "Take it over" in page_of(office, document_id)
    assert office.post(f"/documents/{document_id}/take-over").status_code == 303
    be(office, "ada")
    stale = office.decide(document_id, {**form, "token": [office.token()]})
    assert stale.status_code == 409 and "eve" in stale.text
    assert office.ledger.document(document_id).decisions == []


def test_a_document_given_back_or_decided_is_free(office: Desk) -> None:
    first, second = office.add(receipt_case("a.pdf", "Shop A"), receipt_case("b.pdf", "Shop B"))
    be(office, "ada")
    for document_id in (first, second):
        office.post(f"/documents/{document_id}/hold")
    assert office.post(f"/documents/{first}/let-go").status_code == 303
    assert office.decide(second, office.form(second)).status_code == 303
    assert office.ledger.holder(first) is None and office.ledger.holder(second) is None
    assert office.post(f"/documents/{second}/hold").json() == {"held": False}


def test_a_document_is_handed_over_with_a_word(office: Desk) -> None:
    [document_id] = office.add(receipt_case("r.pdf", "Shop"))
    be(office, "ada")
    office.post(f"/documents/{document_id}/hold")
    for to in ("ada", "amy", "nobody", ""):
        assert office.post(f"/documents/{document_id}/hand-over", to=to).status_code == 400
    given = office.post(f"/documents/{document_id}/hand-over", to="BOB", note="you <b>know</b> them")
    assert given.status_code == 303
    be(office, "bob")
    assert "Handed over to you: <q>you &lt;b&gt;know&lt;/b&gt; them</q>" in page_of(office, document_id)
    assert office.decide(document_id, office.form(document_id)).status_code == 303


def test_high_amounts_land_when_two_have_looked(office: Desk) -> None:
    [document_id] = office.add(invoice_case())
    be(office, "ada")
    form = office.form(document_id)
    form |= {"v.issue_date": ["2026-04-03"]}
    first = office.decide(document_id, form)
    if first.status_code == 422:  # its sums do not fit; the print says so
        confirmed = first.text.split('name="confirmed" value="')[1].split('"')[0]
        first = office.decide(document_id, {**form, "confirmed": [confirmed]})
    assert "done=first" in first.headers["location"]
    record = office.ledger.document(document_id)
    assert (record.state, record.second_look) == (DocumentState.REVIEW, SecondLook.AMOUNT)
    page = page_of(office, document_id)
    assert "You have looked at it" in page and 'value="save"' not in page
    assert office.post(f"/documents/{document_id}/hold").json() == {"held": False}, "nor keep it from others"
    be(office, "bob")
    assert "waits for a second look" in page_of(office, document_id)
    again = office.form(document_id)
    second = office.decide(document_id, again)
    if second.status_code == 422:
        confirmed = second.text.split('name="confirmed" value="')[1].split('"')[0]
        second = office.decide(document_id, {**again, "confirmed": [confirmed]})
    assert "done=correct" in second.headers["location"]
    assert office.ledger.document(document_id).state is DocumentState.REVIEWED


def test_who_differs_leaves_it_to_a_senior(office: Desk) -> None:
    case = receipt_case("r.pdf", "Shop")
    case.data["total"] = 500.0
    [document_id] = office.add(case)
    for name, company, landed in (("ada", "Shop A", "first"), ("bob", "Shop B", "disputed")):
        be(office, name)
        made = office.decide(document_id, {**office.form(document_id), "v.company": [company]})
        assert f"done={landed}" in made.headers["location"]
    be(office, "bob")
    assert "You have looked at it" in page_of(office, document_id)
    be(office, "eve")
    assert "two reviewers differ" in page_of(office, document_id)
    made = office.decide(document_id, {**office.form(document_id), "v.company": ["Shop B"]})
    assert "done=correct" in made.headers["location"]


def test_an_auditor_sees_all_and_changes_nothing(office: Desk) -> None:
    [document_id] = office.add(receipt_case("r.pdf", "Shop"))
    be(office, "amy")
    page = page_of(office, document_id)
    assert "decides on none" in page and f"/trail?document={document_id}" in page and "Hand over" not in page


def test_a_sample_of_what_was_accepted_looks_like_all_that_wait(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.sign_in()
        plain, hidden = receipt_case("a.pdf", "Shop A"), receipt_case("b.pdf", "Shop B")
        hidden.fields = [f.model_copy(update={"reasons": []}) for f in hidden.fields]
        plain.fields = [f.model_copy(update={"reasons": []}) for f in plain.fields]
        [queued] = made.add(plain)
        [landed] = made.add_accepted(hidden, Sampling(accepted=1))
        assert made.ledger.document(landed).state is DocumentState.ACCEPTED
        pages = [page_of(made, d).replace(queued, "ID").replace(landed, "ID") for d in (queued, landed)]
        told = [[page.lower().count(w) for w in ("accepted", "sample", "blind", "landed")] for page in pages]
        assert told[0] == told[1]
        assert "waits for review" in pages[1]
        assert made.decide(landed, made.form(landed)).status_code == 303
        (figures,) = made.ledger.sample_figures()
        assert (figures.decided, figures.fields_wrong) == (1, 0)


def test_which_amount_counts(signed_in: Desk) -> None:
    schema = from_json_schema(
        {
            "type": "object",
            "properties": {
                "total": {"type": ["string", "null"], "description": "what is to pay"},
                "deposit": {"type": ["number", "null"]},
                "pages": {"type": ["integer", "null"]},
                "rows": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"sum": {"type": "number"}}},
                },
            },
        },
        "bill",
    )
    assert (
        largest(schema, {"total": "RM 1,250.50", "deposit": 3, "pages": 9000, "rows": [{"sum": 1e9}]})
        is not None
    )
    assert str(largest(schema, {"total": "RM 1,250.50", "deposit": 3})) == "1250.50"
    assert str(largest(schema, {"total": None, "deposit": -700.0})) == "-700.0"
    assert largest(schema, {"total": "much", "deposit": None}) is None and largest(schema, None) is None


def test_the_same_document_is_drawn_each_time_and_a_share_of_all(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    record, schema = signed_in.ledger.document(document_id), load_schema("receipt")
    rules = [SecondLookRule(share=0.3, secret=bytes([i])) for i in range(200)]
    drawn = [rule.asks(record, {}, schema) for rule in rules]
    assert drawn == [rule.asks(record, {}, schema) for rule in rules]
    assert 30 <= sum(found is SecondLook.RANDOM for found in drawn) <= 90
    assert SecondLookRule().asks(record, {"total": 1e9}, schema) is None
    lowered = SecondLookRule(amount=1).asks(record, {"total": 0.5}, schema)
    assert lowered is SecondLook.AMOUNT, "lowering the amount does not take the second look away"
