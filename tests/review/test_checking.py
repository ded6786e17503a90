"""The check while one types: readings, errors, and whether the fields agree; nothing is stored by it."""

from __future__ import annotations

from typing import Any

from tests.review.support import Desk, invoice_case, receipt_case


def check(signed_in: Desk, document_id: str, form: dict[str, Any]) -> dict[str, Any]:
    answer = signed_in.client.post(f"/documents/{document_id}/check", data=form)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_each_text_is_told_as_it_is_read(signed_in: Desk) -> None:
    [document_id] = signed_in.add(invoice_case())
    form = signed_in.form(document_id)
    form |= {"v.due_date": ["2026-05-03"], "v.net_total": ["12 766,50"], "v.currency": ["€"]}
    told = check(signed_in, document_id, form)
    assert told["fields"]["due_date"]["reads"] == "3 May 2026"
    assert told["fields"]["net_total"]["reads"] == "12\u202f766.50"
    assert told["fields"]["currency"]["reads"] == "EUR"
    assert told["fields"]["issue_date"]["error"].endswith("Write it as YYYY-MM-DD.")
    assert told["fields"]["issue_date"]["suggest"] == [
        ["2026-04-03", "3 April 2026"],
        ["2026-03-04", "4 March 2026"],
    ]
    assert "seller_name" not in told["fields"], "what is read as it is written needs no words"
    assert signed_in.ledger.document(document_id).decisions == []
    assert signed_in.reader.read_pages == []


def test_fields_that_contradict_each_other_are_told_at_once(signed_in: Desk) -> None:
    [document_id] = signed_in.add(invoice_case())  # its date has an error; the sums are checked all the same
    form = signed_in.form(document_id)
    told = check(signed_in, document_id, form)
    assert told["checks"] == []
    assert {"net_total", "gross_total", "line_items.2.line_total"} <= set(told["borne_out"])

    form["v.line_items.1.line_total"] = ["60.40"]
    told = check(signed_in, document_id, form)
    [sums] = told["checks"]
    assert sums["paths"] == ["net_total"]
    assert sums["text"] == (
        "The line totals do not sum to the net total: 582.00 + 60.40 + 134.10 = 776.50, but Net total is 766.50."
    )
    assert "line_items.2.line_total" not in told["borne_out"] and "gross_total" in told["borne_out"]


def test_of_a_sum_with_a_part_that_cannot_be_read_nothing_is_said(signed_in: Desk) -> None:
    [document_id] = signed_in.add(invoice_case())
    form = signed_in.form(document_id)
    form["v.line_items.1.line_total"] = ["fifty"]
    told = check(signed_in, document_id, form)
    assert told["checks"] == [] and "has no digits" in told["fields"]["line_items.1.line_total"]["error"]


def test_rows_that_were_added_are_told_by_their_own_names(signed_in: Desk) -> None:
    [document_id] = signed_in.add(invoice_case())
    form = signed_in.form(document_id)
    form["row.line_items"] = ["2", "n0", "0"]
    form |= {f"v.line_items.n0.{name}": [""] for name in ("quantity", "unit_price", "line_total")}
    form["v.line_items.n0.description"] = ["Glue"]
    form["v.line_items.n0.quantity"] = ["two"]
    told = check(signed_in, document_id, form)
    assert "has no digits" in told["fields"]["line_items.n0.quantity"]["error"]


def test_a_value_that_is_not_at_its_place_any_more_is_told(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = signed_in.form(document_id)
    assert check(signed_in, document_id, form)["placeless"] == []
    form |= {"v.total": ["8,80"], "v.company": ["Another"], "v.date": ["2024-12-25"]}
    assert check(signed_in, document_id, form)["placeless"] == ["company", "date"]


def test_a_check_is_a_form_of_this_page_and_whole(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = signed_in.form(document_id)
    address = f"/documents/{document_id}/check"
    assert signed_in.client.post(address, data=form | {"token": ["x"]}).status_code == 403
    del form["v.total"]
    assert signed_in.client.post(address, data=form).status_code == 400


def test_each_reading_that_is_offered_can_be_taken(signed_in: Desk) -> None:
    [document_id] = signed_in.add(invoice_case())
    form = signed_in.form(document_id) | {"v.net_total": ["1.234"]}
    offered = check(signed_in, document_id, form)["fields"]["net_total"]["suggest"]
    assert [value for value, _ in offered] == ["1.2340", "1234"]
    for value, _ in offered:
        told = check(signed_in, document_id, form | {"v.net_total": [value]})
        assert told["fields"].get("net_total", {}).get("error", "") == ""
