"""Random schemas: every one loads, its truth has its shape and the document's values, and key or text tells."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.prompting.prompt import schema_text
from extractors.training.synthesis.contract import DocumentKind, FieldSpec
from extractors.training.synthesis.facts import Facts, Party
from extractors.training.synthesis.foreign import foreign_fields
from extractors.training.synthesis.kinds import KINDS
from extractors.training.synthesis.schemas import draw_schema
from extractors.training.synthesis.wording import choose_style, describe, styled
from schemas.tree import ArrayNode, Leaf, Node, ObjectNode


def nothing(chance: random.Random, locale: str) -> Facts:
    return Facts("", Party("", ""))


SHIP = DocumentKind(
    "boarding",
    ("boarding pass", "ship ticket", "passage"),
    (
        FieldSpec("vessel", "text", ("vessel", "ship", "schiff", "shipName"), ("Ship.", "Name of the vessel.")),
        FieldSpec("sailing_date", "date", ("sailing_date", "sailsOn"), ("Date.", "Day.", "Day of departure.")),
        FieldSpec("fare", "number", ("fare", "preis"), ("Fare.", "Price.", "What the passage costs.")),
        FieldSpec("cabin_class", "choice", ("cabin_class",), ("Class.",), choices=("first_class", "second_class")),
        FieldSpec("punched", "boolean", ("punched",), ("Punched?",), pixels=True),
        FieldSpec("passenger", "object", ("passenger",), ("Passenger.",), fields=(
            FieldSpec("name", "text", ("name",), ("Name.",)), FieldSpec("age", "integer", ("age",), ("Age.",)))),
        FieldSpec("trunks", "list", ("trunks",), ("Trunks.",), fields=(
            FieldSpec("mark", "text", ("mark",), ("Mark.",)), FieldSpec("weight", "number", ("weight",), ("Kilos.",)))),
    ),
    nothing,
)  # fmt: skip
TRUTH: dict[str, Any] = {
    "vessel": "SS Ravenna", "sailing_date": "4 May 1911", "fare": "12.50", "cabin_class": "second_class",
    "punched": True, "passenger": {"name": "A. Ode", "age": "41"},
    "trunks": [{"mark": "AO 1", "weight": "20"}, {"mark": "AO 2", "weight": None}],
}  # fmt: skip
KNOWN = {
    "SS Ravenna",
    "4 May 1911",
    "12.50",
    "A. Ode",
    "41",
    "AO 1",
    "AO 2",
    "20",
    True,
    "yes",
    "true",
    "Y",
    None,
}
OTHERS = tuple(KINDS.values())


def check_shape(node: Node, value: Any) -> None:
    """The truth has every key of the schema and no other, down to the leaves."""
    if isinstance(node, ObjectNode):
        assert set(value) == {name for name, _ in node.fields}
        for name, child in node.fields:
            check_shape(child, value[name])
    elif isinstance(node, ArrayNode):
        for item in value:
            check_shape(node.item, item)
    else:
        assert isinstance(node, Leaf)
        assert node.nullable
        if node.choices and value is not None:
            assert value in node.choices


def values(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in values(one)]
    if isinstance(value, list):
        return [leaf for one in value for leaf in values(one)]
    return [value]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**40))
def test_a_schema_and_its_truth_fit(seed: int) -> None:
    draw = draw_schema(SHIP, TRUTH, random.Random(seed), OTHERS)
    check_shape(draw.schema.tree, draw.truth)
    got = {value for value in values(draw.truth) if not isinstance(value, str) or "lass" not in value.lower()}
    assert got <= KNOWN
    again = draw_schema(SHIP, TRUTH, random.Random(seed), OTHERS)
    assert (again.schema.json_schema, again.truth) == (draw.schema.json_schema, draw.truth)
    assert schema_text(draw.schema)


def test_schemas_differ_in_every_way() -> None:
    draws = [draw_schema(SHIP, TRUTH, random.Random(seed), OTHERS) for seed in range(150)]
    texts = {schema_text(draw.schema) for draw in draws}
    assert len(texts) > 145
    keys = {name for draw in draws for name, _ in draw.schema.tree.fields}
    assert {"vessel", "ship", "schiff", "Vessel", "VESSEL"} <= keys
    nested = [draw for draw in draws if any(isinstance(c, ObjectNode) for _, c in draw.schema.tree.fields)]
    assert 10 < len(nested) < 140
    all_null = [draw for draw in draws if all(value is None for value in values(draw.truth))]
    assert 0 < len(all_null) < 30


@pytest.mark.parametrize("seed", range(10))
def test_key_or_description_tells(seed: int) -> None:
    chance = random.Random(seed)
    style = choose_style(chance)
    spec = SHIP.fields[0]
    assert "vessel" in describe(spec, chance, style, obscure=True).lower()
    assert styled("shipName", style).lower().replace("_", "").replace(" ", "") == "shipname"


def test_fields_of_other_kinds_cannot_be_answered() -> None:
    invoice = KINDS["invoice"]
    keys = {spec.key for spec in foreign_fields(invoice, OTHERS)}
    assert keys
    assert not keys & {spec.key for spec in invoice.fields}
    twin = DocumentKind(
        "order", ("order",), (FieldSpec("buyer_name", "text", (), ()), SHIP.fields[0]), nothing
    )
    assert [spec.key for spec in foreign_fields(invoice, (twin,))] == ["vessel"]


def test_a_truth_that_is_no_choice_is_told() -> None:
    with pytest.raises(ValueError, match=r"cabin_class.*third"):
        for seed in range(50):
            draw_schema(SHIP, TRUTH | {"cabin_class": "third"}, random.Random(seed))
