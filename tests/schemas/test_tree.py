"""Schemas as trees: what is understood, and what is refused with its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.errors import SchemaError
from schemas.tree import ArrayNode, Kind, Leaf, ObjectNode, leaves, tree_and_notes, tree_of

TEXT = {"type": "string"}
# fmt: off
KEYWORDS = st.sampled_from([
    "type", "properties", "items", "anyOf", "allOf", "enum", "const", "$ref", "minItems", "maxItems", "maxLength",
    "pattern", "description", "format",
])
# fmt: on


def root(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def leaf(schema: dict[str, Any], **outer: Any) -> Leaf:
    found = dict(tree_of({**root(x=schema), **outer}).fields)["x"]
    assert isinstance(found, Leaf)
    return found


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, Kind.TEXT),
        ({"type": "integer"}, Kind.INTEGER),
        ({"type": "number"}, Kind.DECIMAL),
        ({"type": "boolean"}, Kind.BOOLEAN),
        ({"type": "string", "format": "date"}, Kind.DATE),
        ({"type": "string", "format": "date-time"}, Kind.DATETIME),
        ({"type": "string", "format": "time"}, Kind.TIME),
        ({"type": "string", "description": "Date as YYYY-MM-DD."}, Kind.DATE),
        ({"type": "string", "description": "Currency, ISO 4217."}, Kind.CURRENCY),
        ({"type": "string", "x-parquetry": {"kind": "decimal"}}, Kind.DECIMAL),
        ({"enum": ["a", "b"]}, Kind.ENUM),
        ({"const": "a"}, Kind.ENUM),
        ({"enum": [1, 2, None]}, Kind.INTEGER),
        ({"const": 1.5}, Kind.DECIMAL),
        ({"enum": [True, False]}, Kind.BOOLEAN),
    ],
)
def test_kinds(schema: dict[str, Any], kind: Kind) -> None:
    assert leaf(schema).kind is kind


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"oneOf": [{"type": "null"}, {"type": "string"}]},
        {"enum": ["a", None]},
    ],
)
def test_null_may_be_said_in_any_way(schema: dict[str, Any]) -> None:
    assert leaf(schema).nullable


def test_pydantics_decimal_is_one_number() -> None:
    found = leaf({"anyOf": [{"type": "number"}, {"type": "string", "pattern": "x"}, {"type": "null"}]})
    assert (found.kind, found.nullable) == (Kind.DECIMAL, True)


def test_references_are_followed_and_descriptions_win_from_outside() -> None:
    schema = {
        **root(x={"$ref": "#/$defs/Money", "description": "What is paid."}),
        "$defs": {"Money": {"type": "number", "description": "An amount."}},
    }
    found = dict(tree_of(schema).fields)["x"]
    assert (found.description, getattr(found, "kind", None)) == ("What is paid.", Kind.DECIMAL)


def test_lists_and_objects_give_paths() -> None:
    item = root(name={"type": "string"}, tags={"type": "array", "items": {"type": "string"}})
    tree = tree_of(root(lines={"type": "array", "items": item, "maxItems": 7}, total={"type": "number"}))
    assert [path for path, _ in leaves(tree)] == ["lines[].name", "lines[].tags[]", "total"]
    lines = dict(tree.fields)["lines"]
    assert isinstance(lines, ArrayNode)
    assert isinstance(lines.item, ObjectNode)
    assert lines.max_items == 7


def test_date_hints_are_inherited_and_overridden() -> None:
    date = {"type": "string", "format": "date"}
    tree = tree_of(root(a=date, b={**date, "x-parquetry": {"day_first": False}}), day_first=True)
    assert [leaf.day_first for _, leaf in leaves(tree)] == [True, False]


DEEP: dict[str, Any] = {"type": "string"}
for _ in range(12):
    DEEP = root(x=DEEP)


@pytest.mark.parametrize(
    ("schema", "place", "complaint"),
    [
        ({"type": "array", "items": {"type": "string"}}, "", "root of a schema must be an object"),
        ({"type": "object"}, "#", "without properties"),
        (root(), "#", "without properties"),
        (root(x={"type": "null"}), "#/properties/x", "cannot be extracted"),
        (root(x={"type": "array"}), "#/properties/x", "without items"),
        (root(x={"$ref": "https://example.com/s.json"}), "#/properties/x", "remote reference"),
        (root(x={"$ref": "#/$defs/Gone"}), "#/properties/x", "points at nothing"),
        (root(x={"anyOf": []}), "#/properties/x/anyOf", "union of nothing"),
        (
            root(x={"anyOf": [{"type": "object"}, {"type": "array"}]}),
            "#/properties/x/anyOf/0",
            "without properties",
        ),
        (root(x={"enum": [1, "a"]}), "#/properties/x", "not several of them"),
        (root(x={"enum": [1, True]}), "#/properties/x", "not several of them"),
        (root(x={"enum": [[1]]}), "#/properties/x", "non-empty strings"),
        (root(x={"enum": "a"}), "#/properties/x/enum", "must be a list"),
        (root(x={"type": "string", "pattern": "(?=a)b"}), "#/properties/x/pattern", "look-ahead"),
        (root(x={"type": "string", "pattern": r"(a)\1"}), "#/properties/x/pattern", "backreferences"),
        (root(x={"type": "string", "pattern": "["}), "#/properties/x/pattern", "unclosed"),
        (root(x={"type": "string", "maxLength": "5"}), "#/properties/x/maxLength", "no count"),
        (
            root(x={"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]}),
            "#/properties/x",
            "prefixItems: text, decimal",
        ),
        (root(x={"allOf": [{"type": "string"}, {"type": "number"}]}), "#/properties/x", "at once"),
        (root(x={"$ref": "#/required"}) | {"required": ["x"]}, "#/properties/x", "points at no schema"),
        (root(x={"enum": []}), "#/properties/x", "non-empty strings"),
        (
            root(x={"type": "string", "x-parquetry": {"kind": "poem"}}),
            "#/properties/x",
            "unknown kind 'poem'",
        ),
        (root(x={"type": "string", "x-parquetry": {"colour": 1}}), "#/properties/x/x-parquetry", "colour"),
        (
            root(x={"type": "string", "x-parquetry": {"max_chars": 0}}),
            "#/properties/x/x-parquetry",
            "max_chars",
        ),
        (root(x={"$ref": "#"}), "#/properties/x:", "refers to itself"),
        (DEEP, "#/properties/x/properties/x", "nested deeper"),
        (root(**{"a.b": {"type": "string"}}), "#", "no field name"),
        (root(**{"a\ud800": {"type": "string"}}), "#", "no field name"),
        (root(x={"enum": ["a\ud800"]}), "#/properties/x", "non-empty strings"),
        (root(x={"$ref": "#name"}), "#/properties/x", "anchor reference"),
        (root(x={"type": "array", "items": {"type": "string"}, "maxItems": 0}), "#/properties/x", "maxItems"),
        (root(x=True), "#/properties/x", "must be an object"),
        (root(**{f"f{i}": {"type": "string"} for i in range(401)}), "", "400 is the limit"),
    ],
)
def test_wrong_schemas_are_refused_with_place_and_remedy(
    schema: dict[str, Any], place: str, complaint: str
) -> None:
    with pytest.raises(SchemaError) as caught:
        tree_of(schema)
    assert place in str(caught.value)
    assert complaint in str(caught.value)
    assert caught.value.remedy
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("arms", "kind", "json_type"),
    [
        ([{"type": "integer"}, {"type": "string"}], Kind.TEXT, "string"),
        ([{"type": "number"}, {"type": "string", "pattern": "^[0-9.]+$"}], Kind.DECIMAL, "number"),
        ([{"type": "integer"}, {"type": "number"}], Kind.DECIMAL, "number"),
        ([{"type": "boolean"}, {"type": "string"}], Kind.TEXT, "string"),
        ([{"type": "string", "format": "date"}, {"type": "string"}], Kind.TEXT, "string"),
        ([{"enum": ["a"]}, {"type": "string"}], Kind.TEXT, "string"),
        ([{"type": "string", "format": "date"}, {"type": "null"}], Kind.DATE, "string"),
    ],
)
def test_a_union_is_the_type_that_holds_every_value(
    arms: list[dict[str, Any]], kind: Kind, json_type: str
) -> None:
    found = leaf({"anyOf": arms})
    assert (found.kind, found.json_type) == (kind, json_type)
    assert found.nullable == ({"type": "null"} in arms)


def test_unions_of_choices_are_one_choice() -> None:
    assert leaf({"oneOf": [{"const": "a"}, {"enum": ["b", "a"]}]}).choices == ("a", "b")


def test_a_list_of_types_is_a_union() -> None:
    found = leaf({"type": ["integer", "string", "null"]})
    assert (found.kind, found.nullable) == (Kind.TEXT, True)


def test_of_different_shapes_the_first_that_can_be_extracted() -> None:
    arms = [{"type": "object"}, {"type": "array", "items": {"type": "string"}}, {"type": "string"}]
    tree = tree_of(root(x={"anyOf": arms}))
    assert isinstance(dict(tree.fields)["x"], ArrayNode)


@pytest.mark.parametrize(
    ("arms", "kept", "note"),
    [
        ([root(a=TEXT), TEXT], ObjectNode, "extracted as object; not as text"),
        ([TEXT, {"type": "array", "items": TEXT}], ArrayNode, "extracted as list of text; not as text"),
        ([root(a=TEXT), {"type": "array", "items": root(b=TEXT)}], ArrayNode, "not as object"),
        ([root(a=TEXT), {"type": "object"}], ObjectNode, "anyOf/1: an object without properties"),
        ([{"type": "array"}, TEXT], Leaf, "anyOf/0: an array without items"),
    ],
)
def test_what_of_a_union_is_not_extracted_is_noted_with_its_place(
    arms: list[dict[str, Any]], kept: type, note: str
) -> None:
    tree, notes = tree_and_notes(root(x={"anyOf": arms}))
    assert isinstance(dict(tree.fields)["x"], kept)
    assert any("#/properties/x/anyOf" in text and note in text for text in notes)


def test_one_or_many_is_many() -> None:
    tree, notes = tree_and_notes(root(x={"anyOf": [root(a=TEXT), {"type": "array", "items": root(a=TEXT)}]}))
    assert isinstance(dict(tree.fields)["x"], ArrayNode)
    assert notes == ()


def shapes(*arms: dict[str, Any], **outer: Any) -> ObjectNode:
    found = dict(tree_of(root(x={"anyOf": list(arms), **outer})).fields)["x"]
    assert isinstance(found, ObjectNode)
    return found


def test_objects_of_different_shapes_are_one_with_the_fields_of_all() -> None:
    found = shapes(
        root(kind={"const": "a"}, n={"type": "integer"}, inner=root(x=TEXT)),
        root(
            kind={"const": "b"},
            n={"type": "number"},
            inner=root(y=TEXT),
            rows={"type": "array", "items": TEXT},
        ),
        {"type": "null"},
    )
    assert found.nullable
    assert [(path, leaf.kind, leaf.choices) for path, leaf in leaves(found)] == [
        ("kind", Kind.ENUM, ("a", "b")),
        ("n", Kind.DECIMAL, ()),
        ("inner.x", Kind.TEXT, ()),
        ("inner.y", Kind.TEXT, ()),
        ("rows[]", Kind.TEXT, ()),
    ]
    assert len(found.shapes) == 2


def test_unions_in_unions_have_all_their_shapes() -> None:
    assert len(shapes(root(a=TEXT), {"oneOf": [root(b=TEXT), root(c=TEXT)]}).shapes) == 3
    assert shapes(root(a=TEXT), root(a=TEXT)).shapes == ()


def test_what_is_said_beside_a_union_holds_for_every_arm() -> None:
    beside = shapes({"required": ["a"]}, {"required": ["b"]}, **root(a=TEXT, b=TEXT))
    assert [name for name, _ in beside.fields] == ["a", "b"]
    assert beside.shapes == ()
    mixed = shapes(root(b=TEXT), root(kind={"const": "c"}), **root(kind=TEXT))
    assert [name for name, _ in mixed.fields] == ["kind", "b"]


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ({"type": "number"}, TEXT, "'f': decimal and text"),
        ({"type": "string", "format": "date"}, TEXT, "'f': date and text"),
        (root(a=TEXT), TEXT, "'f': object and text"),
        (root(a=TEXT), root(a={"type": "boolean"}), "'f': 'a': text and boolean"),
        ({"type": "array", "items": TEXT}, root(a=TEXT), "'f': list of text and object"),
    ],
)
def test_fields_that_cannot_share_a_column_are_refused(
    one: dict[str, Any], other: dict[str, Any], why: str
) -> None:
    with pytest.raises(SchemaError) as caught:
        tree_of(root(x={"oneOf": [root(f=one), root(f=other)]}))
    assert "#/properties/x/oneOf" in str(caught.value)
    assert why in str(caught.value)
    assert caught.value.remedy


def test_tuples_of_one_kind_are_lists_of_that_length() -> None:
    pair = {"type": "array", "prefixItems": [TEXT, TEXT], "minItems": 2, "maxItems": 2}
    found = dict(tree_of(root(x=pair)).fields)["x"]
    assert isinstance(found, ArrayNode)
    assert (found.min_items, found.max_items) == (2, 2)


@pytest.mark.parametrize("null", [{"type": "null"}, {"const": None}, {"enum": [None]}, {"type": ["null"]}])
def test_an_arm_that_is_only_null_makes_the_rest_optional(null: dict[str, Any]) -> None:
    assert leaf({"anyOf": [TEXT, null]}).nullable


def test_nullable_of_openapi() -> None:
    assert leaf({"type": "string", "nullable": True}).nullable
    assert not leaf({"type": "string", "nullable": False}).nullable


@pytest.mark.parametrize("free", [{"additionalProperties": TEXT}, {"patternProperties": {"^a": TEXT}}])
def test_a_dictionary_is_told_as_one(free: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match=f"#/properties/x.*{next(iter(free))}: keys of any name") as caught:
        tree_of(root(x={"type": "object", **free}))
    assert "list of objects" in caught.value.remedy
    (note,) = tree_and_notes(root(x={**root(a=TEXT), **free}))[1]
    assert f"#/properties/x/{next(iter(free))}" in note


def test_all_of_takes_the_choices_that_every_part_has() -> None:
    assert leaf({"allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]}).choices == ("b",)
    with pytest.raises(SchemaError, match="two times anyOf at once"):
        tree_of(root(x={"allOf": [{"anyOf": [TEXT]}, {"anyOf": [{"type": "number"}]}]}))


def test_numbers_to_choose_from_are_texts_of_their_type() -> None:
    found = leaf({"enum": [1, 2, 10]})
    assert (found.grounding, found.choices, found.json_type) == ("choice", ("1", "2", "10"), "integer")
    assert leaf({"enum": [0.5, 2]}).choices == ("0.5", "2")
    plain = leaf({"anyOf": [{"enum": [1, 2]}, {"type": "integer"}]})
    assert (plain.kind, plain.choices) == (Kind.INTEGER, ())


def test_all_of_puts_fields_together_and_the_outer_word_counts() -> None:
    schema = {
        "allOf": [{"$ref": "#/$defs/Base"}, root(b={"type": "integer"})],
        "description": "Both.",
        "$defs": {"Base": {**root(a={"type": "string"}), "description": "Base."}},
    }
    tree = tree_of(schema)
    assert [name for name, _ in tree.fields] == ["a", "b"]
    assert tree.description == "Both."


def test_a_chain_of_references_that_ends_is_no_recursion() -> None:
    levels = {f"L{i}": root(x={"$ref": f"#/$defs/L{i + 1}"}, y={"$ref": "#/$defs/Text"}) for i in range(5)}
    schema = {
        **root(x={"$ref": "#/$defs/L0"}),
        "$defs": {**levels, "L5": root(z={"type": "string"}), "Text": TEXT},
    }
    assert "x.x.x.x.x.x.z" in [path for path, _ in leaves(tree_of(schema))]


def test_lists_of_optional_models_count_as_two_levels_each() -> None:
    inner: dict[str, Any] = {"type": "string"}
    for _ in range(4):
        inner = {"anyOf": [{"type": "array", "items": root(x=inner)}, {"type": "null"}]}
    assert [path for path, _ in leaves(tree_of(root(x=inner)))] == ["x[].x[].x[].x[].x"]


@pytest.mark.parametrize(
    "around",
    [
        lambda node: {"$ref": "#/$defs/Node"} | {"$defs": {"Node": root(next=node)}},
        lambda node: {**root(top={"$ref": "#/$defs/Node"}), "$defs": {"Node": root(next=node)}},
    ],
)
@pytest.mark.parametrize(
    "back",
    [
        {"$ref": "#/$defs/Node"},
        {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
        {"type": "array", "items": {"$ref": "#/$defs/Node"}},
        {"allOf": [{"$ref": "#/$defs/Node"}]},
    ],
)
def test_a_model_of_itself_is_refused_where_it_comes_back(around: Any, back: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match=r"next.*refers to itself"):
        tree_of(around(back))


def test_patterns_and_formats_stay_where_every_arm_has_them() -> None:
    code = {"type": "string", "pattern": "^[A-Z]+$"}
    assert leaf({"anyOf": [code, {"type": "null"}]}).pattern == "^[A-Z]+$"
    assert leaf({"anyOf": [code, {"type": "string"}]}).pattern is None
    assert leaf({"type": "string", "format": "idn-email"}).format == "email"
    assert leaf({"type": "string", "format": "colour"}).format is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 5) | st.sampled_from(["string", "object", "array", "#", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@example({"a": {"type": ["string"], "format": []}})
@given(st.dictionaries(st.sampled_from("abc"), json_values, min_size=1, max_size=3))
def test_whatever_is_given_is_a_tree_or_a_clear_refusal(properties: dict[str, Any]) -> None:
    try:
        tree = tree_of(root(**properties))
    except SchemaError as error:
        assert error.remedy
        assert str(error).startswith("#") or "leaves" in str(error)
    else:
        assert list(leaves(tree))
