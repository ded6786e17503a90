"""Wide schemas: parts within the budget, every field once and in order, answers put together again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from extractors.prompting.prompt import schema_text
from extractors.prompting.split import joined, split_schema
from schemas.registry import LoadedSchema, from_json_schema, load_schema
from schemas.tree import leaves


def count(texts: Sequence[str]) -> list[int]:
    return [len(text) for text in texts]


def schema_of(properties: dict[str, Any]) -> LoadedSchema:
    return from_json_schema({"type": "object", "properties": properties}, "wide")


def text(description: str = "") -> dict[str, Any]:
    return {"type": "string", "description": description}


def paths(schemas: list[LoadedSchema]) -> list[str]:
    return [path for schema in schemas for path, _ in leaves(schema.tree)]


def test_a_narrow_schema_stays_whole() -> None:
    schema = load_schema("invoice")
    assert split_schema(schema, count, 100_000) == [schema]


def test_a_flat_schema_in_parts() -> None:
    schema = schema_of({f"field_{i}": text("x" * 40) for i in range(369)})
    parts = split_schema(schema, count, 1000)
    assert len(parts) > 10
    assert paths(parts) == paths([schema])
    assert all(len(schema_text(part)) <= 1000 for part in parts)


def test_a_wide_object_is_cut_and_put_together() -> None:
    inner = {f"f{i}": text("y" * 50) for i in range(30)}
    schema = schema_of({"first": text(), "box": {"type": "object", "properties": inner}, "last": text()})
    parts = split_schema(schema, count, 600)
    assert paths(parts) == paths([schema])
    answers = [
        {n: {m: m for m, _ in c.fields} if n == "box" else n for n, c in part.tree.fields}  # type: ignore[union-attr]
        for part in parts
    ]
    whole = {"first": "first", "box": {name: name for name in inner}, "last": "last"}
    assert joined(schema.tree, answers) == whole


def test_an_object_that_one_part_does_not_see_is_there() -> None:
    schema = schema_of({"box": {"type": "object", "properties": {"a": text(), "b": text()}}})
    assert joined(schema.tree, [{"box": None}, {"box": {"b": "x"}}]) == {"box": {"a": None, "b": "x"}}
    assert joined(schema.tree, [{"box": None}, {"box": None}]) == {"box": None}


trees = st.recursive(
    st.builds(text, st.text(st.characters(codec="ascii", categories=["L"]), max_size=60)),
    lambda child: st.dictionaries(st.sampled_from("abcdefgh"), child, min_size=1, max_size=5).map(
        lambda p: {"type": "object", "properties": p}
    ),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from("klmnop"), trees, min_size=1, max_size=5), st.integers(50, 600))
def test_every_field_once_in_order(properties: dict[str, Any], budget: int) -> None:
    schema = schema_of(properties)
    assert paths(split_schema(schema, count, budget)) == paths([schema])
