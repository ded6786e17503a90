"""Unions, from the schema over grammar and rules to typed values: one shape, never a mixture, nothing lost silently."""

from __future__ import annotations

import datetime as dt
import json
import random
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel

from benchmarks.pairs import judge, make_pair
from benchmarks.validity import random_backend
from extractors.backends.base import Answer, LeafAnswer
from extractors.backends.scripted import ScriptedBackend
from extractors.options import ExtractOptions
from extractors.validation.conform import conform
from extractors.validation.validate import Validated, route, validate
from flows.landing.arrow import arrow_schema, unfit_values
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema, from_json_schema, from_model
from schemas.tree import ObjectNode, leaves
from tests.grammar.grammars import accepts, grammar, walk
from tests.tiny import document_of

OPTIONS = ExtractOptions()


class BankTransfer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["bank transfer"]
    iban: str | None = Field(None, description="IBAN of the account.")
    due_date: dt.date | None = Field(None, description="Due date.")


class Card(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["card"]
    card_number: str = Field(description="Card number.", pattern=r"^[\d* ]+$")
    holder: str | None = None


class Bill(BaseModel):
    invoice_number: str | None = Field(description="Number of the invoice.")
    total: Decimal | None = Field(description="Total amount.")
    means: Annotated[BankTransfer | Card, Field(discriminator="kind")]


class Plain(BaseModel):
    """The same without a discriminator."""

    invoice_number: str | None = Field(description="Number of the invoice.")
    total: Decimal | None = Field(description="Total amount.")
    means: BankTransfer | Card | None


class Whole(RootModel[Annotated[BankTransfer | Card, Field(discriminator="kind")]]):
    """A union is the root."""


BILL = from_model(Bill, "bill")
AS_FILE = from_json_schema(BILL.json_schema, "bill")
PLAIN = from_model(Plain, "plain")
WHOLE = from_model(Whole, "whole")
BANK = ["Invoice number: A-17", "Total: 1,234.50", "IBAN: DE89370400440532013000", "Due date: 2026-02-01"]
CARD = ["Invoice number: A-17", "Total: 1,234.50", "Card number: 4711"]


def by_rules(lines: list[str], schema: LoadedSchema) -> Validated:
    document = document_of(lines)
    (answer,) = ScriptedBackend().answer([document], schema)
    return validate(answer, schema, document, OPTIONS)


def said(data: dict[str, Any], schema: LoadedSchema) -> Validated:
    """The answer as a model would give it, its texts on no page."""
    found = []

    def walk_in(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for name, child in value.items():
                walk_in(child, f"{path}.{name}" if path else name)
        else:
            found.append(LeafAnswer(path, value, 0.0))

    walk_in(data, "")
    return validate(Answer(data, tuple(found)), schema, document_of([]), OPTIONS)


def test_the_tree_has_the_fields_of_all_shapes() -> None:
    means = dict(BILL.tree.fields)["means"]
    assert isinstance(means, ObjectNode)
    assert [(path, leaf.nullable, leaf.choices) for path, leaf in leaves(means)] == [
        ("kind", False, ("bank transfer", "card")),
        ("iban", True, ()),
        ("due_date", True, ()),
        ("card_number", True, ()),
        ("holder", True, ()),
    ]
    assert BILL.notes == ()
    assert arrow_schema(BILL).field("means").type.num_fields == 5


@pytest.mark.parametrize("schema", [BILL, AS_FILE, PLAIN])
def test_rules_to_typed_values_of_the_shape_that_was_found(schema: LoadedSchema) -> None:
    bank, card = by_rules(BANK, schema), by_rules(CARD, schema)
    assert (bank.reasons, card.reasons) == ([], [])
    total = 1234.5 if schema.model is None else "1234.50"
    assert bank.data == {
        "invoice_number": "A-17",
        "total": total,
        "means": {"kind": "bank transfer", "iban": "DE89370400440532013000", "due_date": "2026-02-01"},
    }
    assert card.data["means"]["kind"] == "card"
    assert card.data["means"]["card_number"] == "4711"
    assert not {"iban", "due_date"} & card.data["means"].keys()
    assert route(bank, OPTIONS)
    assert unfit_values(schema, bank.data) == unfit_values(schema, card.data) == {}


def test_a_union_at_the_root() -> None:
    assert by_rules(CARD, WHOLE).data == {"kind": "card", "card_number": "4711", "holder": None}


def test_a_list_of_different_shapes() -> None:
    class Fee(BaseModel):
        kind: Literal["fee"]
        amount: Decimal | None

    class Hours(BaseModel):
        kind: Literal["hours"]
        hours: Decimal | None
        rate: Decimal | None

    class Sheet(BaseModel):
        items: list[Annotated[Fee | Hours, Field(discriminator="kind")]]

    schema = from_model(Sheet, "sheet")
    none = {"amount": None, "hours": None, "rate": None}
    rows = [{"kind": "fee", **none, "amount": "5.00"}, {"kind": "hours", **none, "hours": "2", "rate": "10"}]
    data: dict[str, Any] = {"items": [dict(row) for row in rows]}
    conformed = conform(data, schema)
    assert conformed.valid
    assert conformed.data["items"] == [
        {"kind": "fee", "amount": "5.00"},
        {"kind": "hours", "hours": "2", "rate": "10"},
    ]


@pytest.mark.parametrize("schema", [BILL, AS_FILE, PLAIN])
def test_a_value_of_another_shape_is_told(schema: LoadedSchema) -> None:
    means = {"kind": "card", "iban": "DE89", "due_date": None, "card_number": "4711", "holder": None}
    found = said({"invoice_number": "A-17", "total": None, "means": means}, schema)
    (mixed,) = (f for f in found.fields if f.path == "means.iban")
    assert ReviewReason.INVALID_VALUE in mixed.reasons
    assert any("another shape" in message for message in mixed.messages)
    assert mixed.raw == "DE89"
    assert "iban" not in found.data["means"]


@pytest.mark.parametrize("schema", [BILL, AS_FILE, PLAIN])
def test_what_is_wrong_is_told_of_the_shape_that_was_meant(schema: LoadedSchema) -> None:
    means = {"kind": "card", "iban": None, "due_date": None, "card_number": "none", "holder": "J. Roe"}
    found = said({"invoice_number": "A-17", "total": None, "means": means}, schema)
    wrong = {f.path for f in found.fields if ReviewReason.INVALID_VALUE in f.reasons}
    lacking = {f.path for f in found.fields if ReviewReason.MISSING_REQUIRED in f.reasons}
    assert (wrong, lacking) == ({"means.card_number"}, set())
    means["card_number"] = None  # type: ignore[assignment]
    found = said({"invoice_number": "A-17", "total": None, "means": means}, schema)
    assert {f.path for f in found.fields if ReviewReason.MISSING_REQUIRED in f.reasons} == {
        "means.card_number"
    }


KEYS = ["kind", "iban", "due_date", "card_number", "holder"]


def means_of(**values: str) -> str:
    return json.dumps({key: values.get(key) for key in KEYS}, separators=(",", ":"))


def test_the_grammar_mixes_no_shapes() -> None:
    g = grammar(["4711 DE89"], {"type": "object", "properties": {"p": _inlined(BILL)}})
    assert accepts(g, f'{{"p":{means_of(kind="card", card_number="4711")}}}')
    assert accepts(g, f'{{"p":{means_of(kind="bank transfer", iban="DE89")}}}')
    assert not accepts(g, f'{{"p":{means_of(kind="card", iban="DE89")}}}')
    assert not accepts(g, f'{{"p":{means_of(kind="bank transfer", iban="DE89", card_number="4711")}}}')


def _inlined(schema: LoadedSchema) -> dict[str, Any]:
    return {"oneOf": list(schema.json_schema["$defs"].values())}


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([[], ["4711 2026-02-01"], ["a b", "DE89 5"]]))
def test_whatever_is_written_has_one_shape(chance: random.Random, lines: list[str]) -> None:
    text, ended = walk(
        grammar(lines, {"type": "object", "properties": {"p": _inlined(BILL)}}),
        lambda signs: chance.randrange(len(signs)),
        2000,
    )
    assert ended
    means = json.loads(text)["p"]
    assert list(means) == KEYS
    others = KEYS[1:3] if means["kind"] == "card" else KEYS[3:]
    assert all(means[name] is None for name in others)


@settings(max_examples=8, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([BILL, AS_FILE, PLAIN, WHOLE]))
def test_whatever_model_and_page_the_answer_is_of_one_shape(
    chance: random.Random, schema: LoadedSchema
) -> None:
    verdict = judge(replace(make_pair(chance), schema=schema), random_backend(1, 150))
    assert verdict.end in ("valid", "truncated")
    assert verdict.faults == []
