"""Accept, correct, reject: what is stored, what is refused, what comes next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.ledger.records import DocumentState
from schemas.errors import LandingError
from schemas.outcome import ReviewReason
from tests.review.support import Desk, desk, invoice_case, parsed, receipt_case


def ready_invoice(signed_in: Desk, **how: str) -> tuple[str, dict[str, list[str]]]:
    """An invoice in the queue, and its form with the ambiguous date resolved."""
    [document_id] = signed_in.add(invoice_case(**how))
    form = signed_in.form(document_id)
    form["v.issue_date"] = ["2026-04-03"]
    return document_id, form


def test_accepting_stores_who_and_when_and_lands(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Café Müller"))
    before = datetime.now(UTC)

    answer = signed_in.decide(document_id, signed_in.form(document_id))

    assert answer.status_code == 303
    record = signed_in.ledger.document(document_id)
    [decision] = record.decisions
    assert record.state is DocumentState.REVIEWED
    assert (decision.action, decision.reviewer, decision.changes) == ("accept", "Ada", [])
    assert before - timedelta(seconds=1) <= decision.at <= datetime.now(UTC)
    assert decision.data == {"company": "Café Müller", "date": "2025-12-25", "address": None, "total": "8.80"}
    assert signed_in.landed == [1]


def test_after_a_decision_comes_the_next_document_and_then_the_queue(signed_in: Desk) -> None:
    first, second = signed_in.add(receipt_case("1.pdf", "A"), receipt_case("2.pdf", "B"))
    answer = signed_in.decide(first, signed_in.form(first))
    assert answer.headers["location"] == f"/documents/{second}?done=accept&was={first}"
    assert "Accepted." in signed_in.client.get(answer.headers["location"]).text
    answer = signed_in.decide(second, signed_in.form(second))
    assert answer.headers["location"] == f"/?done=accept&was={second}"
    assert "The queue is empty" in signed_in.client.get("/").text


def test_a_corrected_value_is_typed_and_its_change_recorded(signed_in: Desk) -> None:
    document_id, form = ready_invoice(signed_in)
    form["v.gross_total"] = ["€ 1.912,14"]  # as a document would print it
    form["v.tax_total"] = ["1145.64"]

    answer = signed_in.decide(document_id, form)

    assert answer.status_code == 303, answer.text
    [decision] = signed_in.ledger.document(document_id).decisions
    assert decision.action == "correct"
    assert decision.data is not None
    assert decision.data["gross_total"] == "1912.14"
    assert {c.path: (c.before, c.after) for c in decision.changes} == {
        "issue_date": (None, "2026-04-03"),
        "tax_total": ("145.64", "1145.64"),
        "gross_total": ("912.14", "1912.14"),
    }


def test_the_place_stays_with_another_reading_and_goes_with_another_value(signed_in: Desk) -> None:
    document_id, form = ready_invoice(signed_in)
    form["v.document_number"] = ["RE-2026-0O42"]  # a slip of the recogniser put right
    form["v.tax_total"] = ["99.00"]
    form["v.gross_total"] = ["865.50"]
    signed_in.decide(document_id, form)
    fields = {f.path: f for f in signed_in.ledger.document(document_id).decisions[0].fields}

    assert (fields["issue_date"].raw, fields["issue_date"].page) == ("03/04/2026", 1)
    assert fields["issue_date"].boxes and fields["issue_date"].reasons == []
    assert fields["document_number"].boxes and fields["document_number"].raw == "RE-2026-0042"
    assert (fields["tax_total"].raw, fields["tax_total"].boxes, fields["tax_total"].grounding) == (
        None,
        [],
        "free",
    )
    assert fields["seller_name"].boxes, "what was not touched keeps its evidence"


def test_an_unresolved_value_cannot_be_accepted(signed_in: Desk) -> None:
    [document_id] = signed_in.add(invoice_case())
    form = signed_in.form(document_id)
    assert form["v.issue_date"] == ["03/04/2026"]

    answer = signed_in.decide(document_id, form)

    assert answer.status_code == 422
    assert "Nothing was stored" in answer.text
    assert "day and month cannot be told apart. Write it as YYYY-MM-DD." in answer.text
    assert signed_in.ledger.document(document_id).decisions == []


@pytest.mark.parametrize(
    ("field", "text", "complaint"),
    [
        ("issue_date", "31.02.2026", "no date of the calendar"),
        ("issue_date", "03/04/2026", "Write it as YYYY-MM-DD"),
        ("net_total", "1.234", "1.234 as 1.2340 or as 1234"),
        ("net_total", "seven", "has no digits"),
        ("document_type", "receipt", "none of: invoice, credit_note"),
        ("document_type", "", "This is needed."),
        ("line_items.1.quantity", "twelve", "has no digits"),
        ("currency", "kr", "no code on the document tells which"),
    ],
)
def test_a_wrong_value_is_told_at_its_field_and_nothing_is_stored(
    signed_in: Desk, field: str, text: str, complaint: str
) -> None:
    document_id, form = ready_invoice(signed_in)
    form[f"v.{field}"] = [text]

    answer = signed_in.decide(document_id, form)

    assert answer.status_code == 422
    page = parsed(answer.text)
    control = next(a for _, a in page.tags if a.get("name") == f"v.{field}")
    assert control["aria-invalid"] == "true"
    assert f"error-{field}" in (control["aria-describedby"] or "")
    assert complaint in answer.text.replace("&#39;", "'")
    assert ("v.seller_name", "Holz & Söhne GmbH") in page.found, "the rest of the form is kept"
    assert (f"v.{field}", text) in page.found
    record = signed_in.ledger.document(document_id)
    assert (record.decisions, record.state, signed_in.landed) == ([], DocumentState.REVIEW, [])


def test_an_emptied_field_becomes_null(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = signed_in.form(document_id)
    form["v.company"] = ["  "]
    signed_in.decide(document_id, form)
    [decision] = signed_in.ledger.document(document_id).decisions
    assert decision.data is not None and decision.data["company"] is None
    assert [(c.path, c.before, c.after) for c in decision.changes] == [("company", "Shop", None)]


def test_rows_can_be_added_and_deleted(signed_in: Desk) -> None:
    document_id, form = ready_invoice(signed_in)
    form["row.line_items"] = ["0", "2", "n0", "n1"]  # the second is gone, two are new, one of them left empty
    for name, text in {
        "description": "Delivery",
        "quantity": "1",
        "unit_price": "50.40",
        "line_total": "50,40",
    }.items():
        form[f"v.line_items.n0.{name}"] = [text]
        form[f"v.line_items.n1.{name}"] = [""]

    answer = signed_in.decide(document_id, form)

    assert answer.status_code == 303, answer.text
    [decision] = signed_in.ledger.document(document_id).decisions
    assert decision.data is not None
    assert [row["description"] for row in decision.data["line_items"]] == [
        "Oak parquet herringbone 22 mm",
        "Skirting board walnut, 2.4 m",
        "Delivery",
    ]
    assert decision.data["line_items"][2]["line_total"] == "50.40"
    fields = {f.path: f for f in decision.fields}
    assert fields["line_items.1.description"].raw == "Skirting board walnut, 2.4 m", (
        "evidence moves with its row"
    )
    assert fields["line_items.1.description"].boxes[0][1] > 280
    assert fields["line_items.2.description"].boxes == []
    gone = [c for c in decision.changes if c.after is None]
    assert [(c.path, c.before["description"]) for c in gone] == [("line_items.1", "Underlay cork 3 mm")]


def test_contradicting_fields_are_stored_only_when_confirmed(signed_in: Desk) -> None:
    document_id, form = ready_invoice(signed_in, net="700.00")

    answer = signed_in.decide(document_id, form)
    assert answer.status_code == 422
    assert "582.00 + 50.40 + 134.10 = 766.50, but net_total is 700.00" in answer.text
    assert signed_in.ledger.document(document_id).decisions == []

    confirmed = {name: [] for name in form}
    for name, value in parsed(answer.text).found:
        confirmed.setdefault(name, []).append(value)
    other = signed_in.decide(document_id, {**confirmed, "v.net_total": ["701.00"]})
    assert other.status_code == 422, "what was confirmed is not this contradiction"
    assert signed_in.decide(document_id, confirmed).status_code == 303
    assert signed_in.ledger.document(document_id).state is DocumentState.REVIEWED


def test_a_contradiction_that_was_a_reason_may_be_accepted_at_once(signed_in: Desk) -> None:
    case = invoice_case(net="700.00")
    case.fields = [
        f.model_copy(update={"value": "2026-04-03", "reasons": []}) if f.path == "issue_date" else f
        for f in case.fields
    ]
    case.data["issue_date"] = "2026-04-03"
    case.reasons.append(ReviewReason.RULE_VIOLATED)
    [document_id] = signed_in.add(case)
    assert signed_in.decide(document_id, signed_in.form(document_id)).status_code == 303


def test_rejecting_needs_a_reason(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = signed_in.form(document_id)
    bare = {"token": form["token"], "version": form["version"]}

    assert signed_in.decide(document_id, {**bare, "comment": " "}, "reject").status_code == 422
    assert signed_in.ledger.document(document_id).state is DocumentState.REVIEW

    answer = signed_in.decide(document_id, {**bare, "comment": "Not a receipt"}, "reject")
    assert answer.status_code == 303
    record = signed_in.ledger.document(document_id)
    assert record.state is DocumentState.REJECTED
    assert (record.decisions[0].comment, record.decisions[0].data) == ("Not a receipt", None)


def test_a_stale_form_shows_both_values_and_overwrites_nothing(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    mine, theirs = signed_in.form(document_id), signed_in.form(document_id)
    theirs["v.total"] = ["9.90"]
    assert signed_in.decide(document_id, theirs).status_code == 303
    mine["v.total"] = ["7.70"]

    answer = signed_in.decide(document_id, mine)

    assert answer.status_code == 409
    assert "Your decision was not stored" in answer.text
    assert "<td>7.70</td><td>9.90</td>" in answer.text
    assert [d.data["total"] for d in signed_in.ledger.document(document_id).decisions if d.data] == ["9.90"]

    late = {"token": mine["token"], "version": mine["version"], "comment": "illegible"}
    assert signed_in.decide(document_id, late, "reject").status_code == 409
    assert signed_in.ledger.document(document_id).state is DocumentState.REVIEWED


def test_a_decision_can_be_changed_and_the_history_tells(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = signed_in.form(document_id)
    form["v.total"] = ["9.90"]
    form["comment"] = ["the handwriting says so"]
    signed_in.decide(document_id, form)
    signed_in.sign_in("Grace")
    closed = signed_in.client.get(f"/documents/{document_id}").text
    assert "disabled" in closed and "data-accept" not in closed

    again = signed_in.form(document_id, "?edit=1")
    assert again["v.total"] == ["9.90"], "the present value, not the model's"
    again["v.company"] = ["Shop Ltd"]
    assert signed_in.decide(document_id, again).status_code == 303

    latest = signed_in.ledger.document(document_id).decisions[-1]
    assert (latest.reviewer, latest.action) == ("Grace", "correct")
    assert latest.data == {"company": "Shop Ltd", "date": "2025-12-25", "address": None, "total": "9.90"}
    assert [c.path for c in latest.changes] == ["company"]
    page = signed_in.client.get(f"/documents/{document_id}").text
    assert page.index("<strong>Grace</strong>") < page.index("<strong>Ada</strong>")
    assert "<del>8.80</del> <ins>9.90</ins>" in page and "the handwriting says so" in page


def test_confirming_a_correction_does_not_fall_back_to_the_model(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = signed_in.form(document_id)
    form["v.total"] = ["9.90"]
    signed_in.decide(document_id, form)
    signed_in.decide(document_id, signed_in.form(document_id, "?edit=1"))
    latest = signed_in.ledger.document(document_id).decisions[-1]
    assert latest.data is not None and latest.data["total"] == "9.90"


def test_a_form_with_missing_inputs_concludes_nothing(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = signed_in.form(document_id)
    del form["v.total"]
    assert signed_in.decide(document_id, form).status_code == 400
    assert signed_in.ledger.document(document_id).decisions == []


def test_a_number_written_otherwise_is_no_change(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = signed_in.form(document_id)
    form["v.total"] = ["8,8"]
    signed_in.decide(document_id, form)
    [decision] = signed_in.ledger.document(document_id).decisions
    assert (decision.action, decision.changes) == ("accept", [])


def test_a_landing_that_fails_loses_no_decision(tmp_path: Path) -> None:
    def land() -> None:
        raise LandingError("the lake is full")

    with desk(tmp_path, land=land) as made:
        made.sign_in()
        [document_id] = made.add(receipt_case("r.pdf", "Shop"))
        assert made.decide(document_id, made.form(document_id)).status_code == 303
        assert made.ledger.document(document_id).state is DocumentState.REVIEWED


def test_rows_in_another_order_are_a_change_and_keep_their_evidence(signed_in: Desk) -> None:
    document_id, form = ready_invoice(signed_in)
    form["row.line_items"] = ["2", "0", "1"]
    assert signed_in.decide(document_id, form).status_code == 303
    [decision] = signed_in.ledger.document(document_id).decisions
    assert decision.action == "correct" and decision.data is not None
    assert [row["quantity"] for row in decision.data["line_items"]] == ["9", "12", "12"]
    assert [c.path for c in decision.changes] == ["issue_date", "line_items"]
    before = {f.path: f for f in invoice_case().fields}
    after = {f.path: f for f in decision.fields}
    assert after["line_items.0.quantity"].boxes == before["line_items.2.quantity"].boxes
    assert after["line_items.1.description"].boxes == before["line_items.0.description"].boxes
    page = signed_in.client.get(f"/documents/{document_id}").text
    assert "<del>3 rows</del> <ins>3 rows, in another order</ins>" in page


def test_the_order_alone_is_stored(signed_in: Desk) -> None:
    document_id, form = ready_invoice(signed_in)
    signed_in.decide(document_id, form)
    again = signed_in.form(document_id, "?edit=1")
    again["row.line_items"] = ["1", "0", "2"]
    signed_in.decide(document_id, again)
    decision = signed_in.ledger.document(document_id).decisions[-1]
    assert decision.data is not None
    assert [row["quantity"] for row in decision.data["line_items"]] == ["12", "12", "9"]
    assert decision.data["line_items"][0]["description"] == "Underlay cork 3 mm"
    assert [c.path for c in decision.changes] == ["line_items"]
