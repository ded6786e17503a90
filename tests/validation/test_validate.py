"""An answer against its schema, its rules and the page: valid data, and every reason for review."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from extractors.backends.base import Answer, LeafAnswer, Span
from extractors.options import ExtractOptions
from extractors.validation.validate import Validated, route, validate
from schemas.document import Box, Word
from schemas.hints import document_hints, field_hints
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema, from_model, load_schema
from tests.validation.paper import answered, paper

OPTIONS = ExtractOptions()
INVOICE = """\
ACME GmbH
Invoice          INV-1
Date             03.04.2020
Due              17.04.2020
Widget           2      5,00     10,00
Bolt           100      0,05      5,00
Net              15,00
Tax               2,85
Total            17,85  EUR
"""
RAW: dict[str, Any] = {
    "document_type": "invoice",
    "document_number": "INV-1",
    "issue_date": "03.04.2020",
    "due_date": "17.04.2020",
    "seller_name": "ACME GmbH",
    "currency": "EUR",
    "net_total": "15,00",
    "tax_total": "2,85",
    "gross_total": "17,85",
    "line_items": [
        {"description": "Widget", "quantity": "2", "unit_price": "5,00", "line_total": "10,00"},
        {"description": "Bolt", "quantity": "100", "unit_price": "0,05", "line_total": "5,00"},
    ],
}


def _invoice(text: str = INVOICE, **changes: Any) -> Validated:
    schema = load_schema("invoice")
    document = paper(text)
    raw = {name: None for name, _ in schema.tree.fields} | RAW | changes
    return validate(answered(document, raw), schema, document, OPTIONS)


def _at(validated: Validated, path: str) -> Any:
    return next(f for f in validated.fields if f.path == path)


def _validate(schema: LoadedSchema, text: str, raw: dict[str, Any], **changes: Any) -> Validated:
    document = paper(text)
    return validate(replace(answered(document, raw), **changes), schema, document, OPTIONS)


def test_a_clean_invoice_is_typed_and_accepted() -> None:
    validated = _invoice()
    assert validated.reasons == []
    assert route(validated, OPTIONS)
    assert validated.data["issue_date"] == "2020-04-03"
    assert validated.data["gross_total"] == "17.85"
    assert validated.data["line_items"][1] == {
        "description": "Bolt",
        "quantity": "100",
        "unit_price": "0.05",
        "line_total": "5.00",
    }
    load_schema("invoice").model.model_validate(validated.data)  # type: ignore[union-attr]


def test_fields_carry_place_text_and_value() -> None:
    field = _at(_invoice(), "line_items.0.unit_price")
    assert (field.raw, field.value, field.page) == ("5,00", "5.00", 1)
    assert field.boxes == [[144.0, 56.0, 167.0, 66.0]]
    assert field.probability is None
    assert field.calibration == "uncalibrated"


def test_boxes_are_one_per_printed_line_of_the_first_page() -> None:
    document = paper("Main Street 1\n12345 Town", "other page")
    (first, second) = document.pages
    span = Span((*((1, w) for w in first.words), (2, second.words[0])))
    schema = load_schema("receipt")
    raw = {"company": None, "date": None, "address": "Main Street 1 12345 Town", "total": None}
    answer = Answer(raw, tuple(LeafAnswer(p, r, 0.0, span if r else None) for p, r in raw.items()))
    field = _at(validate(answer, schema, document, OPTIONS), "address")
    assert (field.page, field.boxes) == (1, [[0.0, 0.0, 77.0, 10.0], [0.0, 14.0, 59.0, 24.0]])
    assert ReviewReason.NOT_ON_PAGE not in field.reasons


def test_a_wrong_total_is_found_with_its_figures() -> None:
    validated = _invoice(net_total="17,85")
    assert ReviewReason.RULE_VIOLATED in validated.reasons
    assert any("10.00 + 5.00 = 15.00, but net_total is 17.85" in m for m in validated.messages)
    assert ReviewReason.RULE_VIOLATED in _at(validated, "net_total").reasons
    assert not route(validated, OPTIONS)


def test_dates_out_of_order_are_found() -> None:
    validated = _invoice(issue_date="17.04.2020", due_date="03.04.2020")
    assert any("The due date lies before the issue date" in message for message in validated.messages)


def test_an_ambiguous_date_is_no_value_but_a_reason() -> None:
    validated = _invoice(INVOICE.replace("03.04.2020", "03/04/2020"), issue_date="03/04/2020", due_date=None)
    assert validated.reasons == [ReviewReason.AMBIGUOUS_DATE]
    assert validated.data["issue_date"] is None
    assert _at(validated, "issue_date").raw == "03/04/2020"


def test_another_date_of_the_document_settles_it() -> None:
    text = INVOICE.replace("03.04.2020", "03/04/2020").replace("17.04.2020", "17/04/2020")
    assert _invoice(text, issue_date="03/04/2020", due_date="17/04/2020").data["issue_date"] == "2020-04-03"


def test_what_cannot_be_typed_is_null_and_the_rest_stays() -> None:
    validated = _invoice(gross_total="INV-1")
    assert validated.data["gross_total"] is None
    assert validated.data["net_total"] == "15.00"
    assert _at(validated, "gross_total").reasons == [ReviewReason.INVALID_VALUE]


def test_a_required_choice_that_is_missing_is_told_and_null() -> None:
    validated = _invoice(document_type=None)
    assert ReviewReason.MISSING_REQUIRED in _at(validated, "document_type").reasons
    assert validated.data["document_type"] is None
    assert validated.data["net_total"] == "15.00"


def test_an_essential_field_may_be_null_but_not_unseen() -> None:
    validated = _invoice(seller_name=None)
    assert validated.reasons == [ReviewReason.MISSING_REQUIRED]
    assert validated.messages == ["seller_name: not found on the document"]


def test_a_text_that_is_not_in_its_words_is_told() -> None:
    document = paper(INVOICE)
    schema = load_schema("invoice")
    raw = {name: None for name, _ in schema.tree.fields} | RAW
    answer = answered(document, raw)
    lying = tuple(
        replace(leaf, raw="INV-7") if leaf.path == "document_number" else leaf for leaf in answer.leaves
    )
    validated = validate(replace(answer, leaves=lying), schema, document, OPTIONS)
    assert _at(validated, "document_number").reasons == [ReviewReason.NOT_ON_PAGE]
    assert _invoice(seller_name="Nobody Ltd").reasons == [ReviewReason.NOT_ON_PAGE]


def test_a_document_of_another_type_is_told() -> None:
    nothing = dict.fromkeys(RAW) | {"document_type": "invoice", "line_items": []}
    validated = _invoice("Dear all,\nthe meeting is on Monday.", **nothing)
    assert validated.reasons[0] is ReviewReason.WRONG_DOCUMENT_TYPE
    only_one = dict.fromkeys(RAW) | {"document_type": "invoice", "line_items": [], "document_number": "INV-1"}
    assert ReviewReason.WRONG_DOCUMENT_TYPE in _invoice(**only_one).reasons


def test_reading_ocr_score_and_truncation_are_reasons() -> None:
    schema = load_schema("receipt")
    raw = {"company": "SHOP", "date": "25/12/2018", "address": None, "total": "9.00"}
    document = paper("SHOP\n25/12/2018\n9.00", confidence=0.5, warnings=("3 characters were dropped",))
    answer = replace(answered(document, raw, log_probability=-2.0), truncated=True)
    validated = validate(answer, schema, document, OPTIONS)
    assert set(validated.reasons) == {
        ReviewReason.ANSWER_TRUNCATED,
        ReviewReason.READING_WARNING,
        ReviewReason.MODEL_UNSURE,
        ReviewReason.LOW_OCR_CONFIDENCE,
    }
    assert "page 1: 3 characters were dropped" in validated.messages
    assert validated.data["total"] == "9.00"


def test_the_reasons_of_a_backend_are_kept() -> None:
    schema = load_schema("receipt")
    document = paper("SHOP")
    leaf = LeafAnswer("company", "SHOP", 0.0, Span(((1, document.pages[0].words[0]),)), ("windows_disagree",))
    raw = {"company": "SHOP", "date": None, "address": None, "total": None}
    validated = validate(Answer(raw, (leaf,)), schema, document, OPTIONS)
    assert _at(validated, "company").reasons == [ReviewReason.WINDOWS_DISAGREE]


class Ticket(BaseModel):
    """A ticket with rules of its own."""

    model_config = ConfigDict(json_schema_extra=document_hints(day_first=True))

    code: str = Field(pattern="^[A-Z]{3}$", description="Code.")
    seats: int = Field(1, ge=1, description="Seats.")
    price: float | None = Field(None, ge=0, description="Price.")
    day: dt.date | None = Field(None, description="Day.")
    kind: Literal["adult", "child"] | None = Field(None, description="Kind.")
    note: str | None = Field(None, description="Note.", json_schema_extra=field_hints(grounding="free"))

    @field_validator("note")
    @classmethod
    def _upper(cls, note: str | None) -> str | None:
        return note.upper() if note else note

    @model_validator(mode="after")
    def _free_for_children(self) -> Ticket:
        if self.kind == "child" and self.price:
            raise ValueError("children pay nothing")
        return self


TICKET = from_model(Ticket, "ticket")
TEXT = "ABC 2 9.50 25/12/2018 hello child -5"
TICKET_RAW = {"code": "ABC", "seats": "2", "price": "9.50", "day": "25/12/2018", "kind": None, "note": None}


def test_a_models_own_validators_speak() -> None:
    validated = _validate(TICKET, TEXT, TICKET_RAW | {"note": "hello"})
    assert validated.data["note"] == _at(validated, "note").value == "HELLO"
    assert validated.data["price"] == 9.5
    assert _at(validated, "price").value == "9.50"
    child = _validate(TICKET, TEXT, TICKET_RAW | {"kind": "child"})
    assert ReviewReason.RULE_VIOLATED in child.reasons
    assert any("children pay nothing" in message for message in child.messages)


def test_a_value_that_the_model_refuses_is_null_when_it_may_be() -> None:
    validated = _validate(TICKET, TEXT, TICKET_RAW | {"price": "-5"})
    assert validated.data["price"] is None
    assert _at(validated, "price").value is None
    assert _at(validated, "price").reasons == [ReviewReason.INVALID_VALUE]
    Ticket.model_validate(validated.data)


def test_a_default_stands_in_for_what_is_absent() -> None:
    assert _validate(TICKET, TEXT, TICKET_RAW | {"seats": None}).data["seats"] == 1


def test_free_text_without_a_place_is_reviewed() -> None:
    validated = _validate(TICKET, "ABC 2 9.50 25/12/2018", TICKET_RAW | {"note": "made up"})
    assert _at(validated, "note").reasons == [ReviewReason.NOT_ON_PAGE]


@pytest.fixture
def order(tmp_path: Path) -> LoadedSchema:
    schema = {
        "title": "order",
        "type": "object",
        "required": ["id", "total"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string", "pattern": "^PO", "minLength": 4},
            "total": {"type": "number", "minimum": 0},
            "count": {"type": ["integer", "null"]},
            "mail": {"type": ["string", "null"], "format": "email"},
            "when": {"type": ["string", "null"], "format": "date-time"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "2020": {"type": ["number", "null"]},
        },
    }
    path = tmp_path / "order.json"
    path.write_text(json.dumps(schema))
    return load_schema(path)


def test_a_json_schema_gets_json_numbers(order: LoadedSchema) -> None:
    raw = {"id": "PO-1", "total": "1,234.50", "count": "3", "mail": "a@b.de", "when": "25/12/2018 10:30"}
    raw |= {"tags": ["x", "y"], "2020": "7"}  # type: ignore[dict-item]
    validated = _validate(order, "PO-1 1,234.50 3 a@b.de 25/12/2018 10:30 x y 7", raw)
    assert validated.reasons == []
    assert validated.data == {
        "id": "PO-1",
        "total": 1234.5,
        "count": 3,
        "mail": "a@b.de",
        "when": "2018-12-25T10:30:00",
        "tags": ["x", "y"],
        "2020": 7,
    }
    assert _at(validated, "total").value == "1234.50"
    jsonschema.validate(validated.data, order.json_schema)


def test_a_json_schema_refuses_and_misses(order: LoadedSchema) -> None:
    raw: dict[str, Any] = dict.fromkeys(["count", "when", "2020"]) | {"tags": []}
    validated = _validate(order, "XX 1.50- nobody", raw | {"id": "XX", "total": "1.50-", "mail": "nobody"})
    assert _at(validated, "id").reasons == [ReviewReason.INVALID_VALUE]
    assert _at(validated, "total").reasons == [ReviewReason.INVALID_VALUE]
    assert _at(validated, "mail").reasons == [ReviewReason.INVALID_VALUE]
    assert (validated.data["mail"], validated.data["id"], validated.data["total"]) == (None, None, None)
    absent = _validate(order, "PO-1", raw | {"id": "PO-1", "total": None, "mail": None})
    assert _at(absent, "total").reasons == [ReviewReason.MISSING_REQUIRED]


def test_an_answer_that_lacks_leaves_still_gets_every_field() -> None:
    schema = load_schema("receipt")
    document = paper("SHOP")
    validated = validate(Answer({}, ()), schema, document, OPTIONS)
    assert [f.path for f in validated.fields] == ["company", "date", "address", "total"]
    assert validated.data == {"company": None, "date": None, "address": None, "total": None}
    assert not route(validated, OPTIONS)
    assert not any("nan" in message for message in validated.messages)


def test_words_of_a_page_that_does_not_exist_are_no_evidence() -> None:
    word = Word("SHOP", Box(0, 0, 1, 1))
    raw = {"company": "SHOP", "date": None, "address": None, "total": None}
    answer = Answer(raw, (LeafAnswer("company", "SHOP", 0.0, Span(((9, word),))),))
    validated = validate(answer, load_schema("receipt"), paper("SHOP"), OPTIONS)
    assert ReviewReason.NOT_ON_PAGE in _at(validated, "company").reasons


_RAWS = st.one_of(
    st.none(),
    st.sampled_from([*INVOICE.split(), "1,000", "-1", "9" * 25, "31/02/2020", "03/04/2020", "yes", "$"]),
    st.text(max_size=12),
)


@settings(max_examples=80, deadline=None)
@given(raws=st.lists(_RAWS, min_size=28, max_size=28), score=st.floats(-9, 0))
def test_whatever_a_backend_answers_the_data_is_valid_or_a_reason_says_why_not(
    raws: list[str | None], score: float
) -> None:
    schema = load_schema("invoice")
    assert schema.model is not None
    texts = iter(raws)
    raw: dict[str, Any] = {name: next(texts) for name, node in schema.tree.fields if name != "line_items"}
    names = ["description", "quantity", "unit_price", "line_total"]
    raw["line_items"] = [{name: next(texts) for name in names} for _ in range(2)]
    document = paper(INVOICE)
    validated = validate(answered(document, raw, score), schema, document, OPTIONS)
    json.dumps(validated.data)
    assert all(f.value is not None or f.raw is None or f.reasons for f in validated.fields)
    if raw["document_type"] in ("invoice", "credit_note"):
        schema.model.model_validate(validated.data)
    else:
        assert not route(validated, OPTIONS)


def test_other_candidates_are_kept_with_their_places_nine_at_most() -> None:
    schema = load_schema("invoice")
    document = paper(INVOICE)
    raw = {name: None for name, _ in schema.tree.fields} | RAW
    answer = answered(document, raw)
    words = document.pages[0].words
    others = tuple((f"{n}", Span(((1, words[n]),))) for n in (*range(12), 3))
    leaves = [
        replace(x, others=(("17,85", Span(())), *others)) if x.path == "gross_total" else x
        for x in answer.leaves
    ]
    validated = validate(replace(answer, leaves=tuple(leaves)), schema, document, OPTIONS)
    total = next(f for f in validated.fields if f.path == "gross_total")
    assert [c.raw for c in total.others] == [f"{n}" for n in range(9)], "not itself, each once"
    assert (total.others[2].page, total.others[2].boxes) == (1, [words[2].box.as_list()])


def test_what_is_known_of_an_empty_field_is_kept_its_candidates_too() -> None:
    schema = load_schema("receipt")
    document = paper("CORNER SHOP\nTOTAL 9.50")
    word = document.pages[0].words[-1]
    signals = {"rules_other": 1.0, "rules_sure": 0.4, "windows_null": 2.0}
    total = LeafAnswer(
        "total", None, -0.2, log_mass=-0.7, others=(("9.50", Span(((1, word),))),), signals=signals
    )
    answer = answered(document, {"company": "CORNER SHOP", "date": None, "address": None, "total": None})
    leaves = tuple(total if leaf.path == "total" else leaf for leaf in answer.leaves)
    found = validate(replace(answer, leaves=leaves), schema, document, OPTIONS)
    features = found.features["total"]
    assert (features["rules_other"], features["rules_sure"], features["mass"]) == (1.0, 0.4, -0.7)
    assert features["windows_null"] > 0
    assert [one.raw for one in _at(found, "total").others] == ["9.50"]
