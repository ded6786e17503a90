"""What a schema says of the queue: what an error in a field costs, and which field is the amount."""

from __future__ import annotations

from typing import Any

import pytest

from flows.ledger.worth import gravity_of
from schemas.errors import SchemaError
from schemas.hints import document_hints, field_hints
from schemas.registry import from_json_schema, load_schema
from schemas.tree import leaves


def schema_of(properties: dict[str, Any], **more: Any) -> Any:
    return from_json_schema({"title": "t", "type": "object", "properties": properties, **more}, "t")


def test_a_weight_stands_at_its_leaf_wherever_that_is() -> None:
    heavy = {"type": "number", **field_hints(weight=3)}
    schema = schema_of(
        {
            "plain": {"type": "string"},
            "rows": {"type": "array", "items": {"type": "object", "properties": {"sum": heavy}}},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}], **field_hints(weight=0)},
        }
    )
    assert {path: leaf.weight for path, leaf in leaves(schema.tree)} == {
        "plain": 1.0,
        "rows[].sum": 3.0,
        "either": 0.0,
    }
    gravity = gravity_of(schema)
    assert (gravity.weight("rows.12.sum"), gravity.weight("plain"), gravity.weight("either")) == (3, 1, 0)


@pytest.mark.parametrize("weight", [-1, 1001, "much"])
def test_a_weight_that_is_none_is_refused_with_its_place(weight: Any) -> None:
    with pytest.raises(SchemaError, match="properties/a/x-parquetry: weight"):
        schema_of({"a": {"type": "string", "x-parquetry": {"weight": weight}}})


def test_what_is_not_said_leaves_a_schema_what_it_was() -> None:
    """Its fingerprint would change else, and with it what every ledger knows of its documents."""
    assert field_hints(essential=True) == {"x-parquetry": {"essential": True}}
    assert set(document_hints()["x-parquetry"]) == {"version", "day_first", "key_fields", "rules"}
    assert document_hints(amount="a")["x-parquetry"]["amount"] == "a"
    assert load_schema("invoice").fingerprint.startswith("3618adb984841e6e")


@pytest.mark.parametrize(
    ("fields", "amount"),
    [
        (["net_total", "tax_total", "gross_total", "amount_due"], "gross_total"),
        (["Gesamtbetrag", "Nettobetrag"], "Gesamtbetrag"),
        (["amount_due", "quantity"], "amount_due"),
        (["unit_price", "tax"], None),
    ],
)
def test_the_amount_is_told_by_the_names_of_fields(fields: list[str], amount: str | None) -> None:
    assert gravity_of(schema_of({name: {"type": ["number", "null"]} for name in fields})).amount == amount


def test_the_amount_that_is_named_is_taken_and_one_that_is_not_there_is_not() -> None:
    fields = {"total": {"type": "number"}, "fee": {"type": "number"}}
    assert gravity_of(schema_of(fields, **document_hints(amount="fee"))).amount == "fee"
    assert gravity_of(schema_of(fields, **document_hints(amount="lost"))).amount == "total"
