"""Texts named after dates and sums are asked for as such; what has a form of its own, or another meaning, stays."""

from __future__ import annotations

from typing import Any

import pytest

from extractors.prompting.meant import as_meant
from schemas.registry import from_json_schema, load_schema
from schemas.tree import Kind, leaves


def kind_of(name: str, **field: Any) -> Kind:
    schema = from_json_schema({"type": "object", "properties": {name: {"type": "string", **field}}}, "s")
    ((_, leaf),) = leaves(as_meant(schema).tree)
    return leaf.kind


@pytest.mark.parametrize(
    ("name", "field", "kind"),
    [
        ("date", {}, Kind.DATE),
        ("issueDate", {}, Kind.DATE),
        ("flight_from", {"description": "First date of the flight."}, Kind.DATE),
        ("total", {}, Kind.DECIMAL),
        ("gross_amount", {}, Kind.DECIMAL),
        ("date", {"pattern": r"^\d{4}$"}, Kind.TEXT),
        ("date", {"format": "uuid"}, Kind.TEXT),
        ("quantity", {}, Kind.TEXT),  # "2 boxes": its unit belongs to it
        ("company", {}, Kind.TEXT),
        ("order_number", {}, Kind.TEXT),
        ("price_description", {}, Kind.TEXT),
    ],
)
def test_what_a_text_is_asked_as(name: str, field: dict[str, Any], kind: Kind) -> None:
    assert kind_of(name, **field) is kind


def test_rows_and_objects_are_looked_into_and_typed_schemas_stay() -> None:
    schema = from_json_schema(
        {
            "type": "object",
            "properties": {
                "head": {"type": "object", "properties": {"date": {"type": "string"}}},
                "lines": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"line_total": {"type": "string"}}},
                },
            },
        },
        "s",
    )
    assert [leaf.kind for _, leaf in leaves(as_meant(schema).tree)] == [Kind.DATE, Kind.DECIMAL]
    for name in ("receipt", "invoice", "ad_buy"):
        assert as_meant(load_schema(name)) == load_schema(name)
