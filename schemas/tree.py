"""A schema as a closed tree of objects, arrays and leaves: what prompt, grammar, typing and Arrow derive from.

Both a Pydantic class and a JSON Schema file become a JSON Schema first, then this tree, so that everything
behind it knows one form only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from pydantic import ValidationError

from schemas.errors import SchemaError
from schemas.hints import HINTS_KEY, FieldHints

MAX_DEPTH = 8
MAX_LEAVES = 400
DEFAULT_TEXT_CHARS = 300
DEFAULT_MAX_ITEMS = 200


class Kind(StrEnum):
    """What a leaf's text is parsed into."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    CURRENCY = "currency"
    BOOLEAN = "boolean"
    ENUM = "enum"


NUMERIC = {Kind.INTEGER, Kind.DECIMAL}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value. ``json_type`` is how the schema wants it in JSON: string, number, integer or boolean."""

    kind: Kind
    nullable: bool
    description: str
    json_type: Literal["string", "number", "integer", "boolean"]
    grounding: Literal["span", "choice", "free"] = "span"
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    max_chars: int = DEFAULT_TEXT_CHARS
    day_first: bool | None = None
    essential: bool = False


@dataclass(frozen=True, slots=True)
class ObjectNode:
    """Named children, in the order of the schema."""

    fields: tuple[tuple[str, Node], ...]
    nullable: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class ArrayNode:
    """A list of equal items."""

    item: Node
    min_items: int = 0
    max_items: int = DEFAULT_MAX_ITEMS
    nullable: bool = False
    description: str = ""


Node = Leaf | ObjectNode | ArrayNode


def leaves(node: Node, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """Every leaf with its path pattern; list items are ``[]``: ``line_items[].quantity``."""
    match node:
        case Leaf():
            yield path, node
        case ObjectNode():
            for name, child in node.fields:
                yield from leaves(child, f"{path}.{name}" if path else name)
        case ArrayNode():
            yield from leaves(node.item, f"{path}[]")


def tree_of(json_schema: dict[str, Any], *, day_first: bool | None = None) -> ObjectNode:
    """The tree of a JSON Schema whose root is an object.

    Args:
        json_schema: a JSON Schema (draft 2020-12), with ``$defs`` inside; no remote references.
        day_first: the document's date hint, inherited by date leaves without one of their own.

    Raises:
        SchemaError: with the path in the schema of what cannot be expressed.
    """
    node = _Builder(json_schema, day_first).build(json_schema, "#", 0, False, "")
    if not isinstance(node, ObjectNode):
        raise SchemaError("The root of a schema must be an object.", remedy='Set "type": "object".')
    if not node.fields:
        raise SchemaError("The schema has no fields.", remedy='Give it "properties".')
    count = sum(1 for _ in leaves(node))
    if count > MAX_LEAVES:
        raise SchemaError(
            f"The schema has {count} leaves; {MAX_LEAVES} is the limit.", remedy="Split it in two."
        )
    return node


class _Builder:
    def __init__(self, root: dict[str, Any], day_first: bool | None) -> None:
        self.root = root
        self.day_first = day_first

    def build(self, schema: Any, at: str, depth: int, nullable: bool, description: str) -> Node:
        if depth > MAX_DEPTH:
            raise SchemaError(
                f"{at}: nested deeper than {MAX_DEPTH} levels, or refers to itself.",
                remedy="Flatten the schema; recursive schemas cannot be extracted.",
            )
        if not isinstance(schema, dict):
            raise SchemaError(f"{at}: a schema must be an object, not {schema!r}.", remedy="Give it a type.")
        description = str(schema.get("description") or description)
        if "$ref" in schema:
            target = self._resolve(str(schema["$ref"]), at)
            merged = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
            return self.build(merged, at, depth + 1, nullable, description)
        if "allOf" in schema and len(schema["allOf"]) == 1:
            merged = {**schema["allOf"][0], **{k: v for k, v in schema.items() if k != "allOf"}}
            return self.build(merged, at, depth + 1, nullable, description)
        for union in ("anyOf", "oneOf"):
            if union in schema:
                return self._union(schema, union, at, depth, nullable, description)
        types = schema.get("type")
        if isinstance(types, list):
            nullable = nullable or "null" in types
            types = [t for t in types if t != "null"]
            if len(types) > 1 and "enum" not in schema:
                split = {
                    "anyOf": [{"type": t} for t in types],
                    **{k: v for k, v in schema.items() if k != "type"},
                }
                return self._union(split, "anyOf", at, depth, nullable, description)
            types = types[0] if len(types) == 1 else None
        if "enum" in schema or "const" in schema:
            return self._enum(schema, at, nullable, description)
        match types:
            case "object":
                return self._object(schema, at, depth, nullable, description)
            case "array":
                return self._array(schema, at, depth, nullable, description)
            case "string" | "number" | "integer" | "boolean":
                return self._leaf(schema, types, at, nullable, description)
            case None if "properties" in schema:
                return self._object(schema, at, depth, nullable, description)
        raise SchemaError(
            f"{at}: type {types!r} cannot be extracted.",
            remedy="Use object, array, string, number, integer, boolean, or a union of one of them and null.",
        )

    def _resolve(self, ref: str, at: str) -> dict[str, Any]:
        if ref == "#":
            return dict(self.root)
        if not ref.startswith("#/"):
            raise SchemaError(f"{at}: remote reference {ref!r}.", remedy="Put the definition in $defs.")
        node: Any = self.root
        for part in ref[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or key not in node:
                raise SchemaError(f"{at}: {ref!r} points at nothing.", remedy="Add the definition to $defs.")
            node = node[key]
        return dict(node)

    def _union(
        self, schema: dict[str, Any], union: str, at: str, depth: int, nullable: bool, description: str
    ) -> Node:
        """One node for all arms: the type that can hold every value, else the first arm that can be extracted.

        What is extracted for one arm is valid for the union.
        """
        arms = [a for a in schema[union] if not (isinstance(a, dict) and a.get("type") == "null")]
        nullable = nullable or len(arms) < len(schema[union])
        rest = {k: v for k, v in schema.items() if k not in (union, "default")}
        nodes: list[Node] = []
        refused: list[SchemaError] = []
        for number, arm in enumerate(arms):
            where = f"{at}/{union}" if len(arms) == 1 else f"{at}/{union}/{number}"
            merged = {**arm, **rest} if isinstance(arm, dict) else arm
            try:
                nodes.append(self.build(merged, where, depth + 1, nullable, description))
            except SchemaError as error:
                refused.append(error)
        if not nodes:
            raise (
                refused[0]
                if refused
                else SchemaError(f"{at}/{union}: a union of nothing.", remedy="Give it a type.")
            )
        scalars = [node for node in nodes if isinstance(node, Leaf)]
        return _widest(scalars) if len(scalars) == len(nodes) else nodes[0]

    def _object(self, schema: dict[str, Any], at: str, depth: int, nullable: bool, description: str) -> Node:
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties:
            raise SchemaError(
                f"{at}: an object without properties cannot be extracted.", remedy='Give it "properties".'
            )
        fields = []
        for name, child in properties.items():
            if "." in name or "[" in name or not name:
                raise SchemaError(f"{at}: {name!r} is no field name.", remedy="Use letters, digits and _.")
            fields.append((name, self.build(child, f"{at}/properties/{name}", depth + 1, False, "")))
        return ObjectNode(tuple(fields), nullable, description)

    def _array(self, schema: dict[str, Any], at: str, depth: int, nullable: bool, description: str) -> Node:
        if "items" not in schema:
            raise SchemaError(f"{at}: an array without items.", remedy='Give it "items".')
        item = self.build(schema["items"], f"{at}/items", depth + 1, False, "")
        low, high = int(schema.get("minItems", 0)), int(schema.get("maxItems", DEFAULT_MAX_ITEMS))
        if high < max(low, 1):
            raise SchemaError(f"{at}: maxItems {high} is less than {max(low, 1)}.", remedy="Raise maxItems.")
        return ArrayNode(item, low, high, nullable, description)

    def _enum(self, schema: dict[str, Any], at: str, nullable: bool, description: str) -> Leaf:
        values = schema["enum"] if "enum" in schema else [schema["const"]]
        nullable = nullable or None in values
        values = [v for v in values if v is not None]
        if not values or not all(isinstance(v, str) and v for v in values):
            raise SchemaError(
                f"{at}: enum values must be non-empty strings.", remedy="Use strings, or a plain type."
            )
        hints = self._hints(schema, at)
        return Leaf(
            Kind.ENUM, nullable, description, "string", "choice", tuple(values), essential=hints.essential
        )

    def _leaf(
        self, schema: dict[str, Any], json_type: Any, at: str, nullable: bool, description: str
    ) -> Leaf:
        hints = self._hints(schema, at)
        try:
            kind = Kind(hints.kind) if hints.kind else _kind(schema, json_type, description)
        except ValueError as error:
            known = ", ".join(k.value for k in Kind)
            raise SchemaError(f"{at}: unknown kind {hints.kind!r}.", remedy=f"One of: {known}.") from error
        default: Literal["choice", "span"] = "choice" if kind is Kind.BOOLEAN else "span"
        limit = hints.max_chars or min(int(schema.get("maxLength", DEFAULT_TEXT_CHARS)), 4000)
        return Leaf(
            kind=kind,
            nullable=nullable,
            description=description,
            json_type=json_type,
            grounding=hints.grounding or default,
            pattern=schema.get("pattern") if kind is Kind.TEXT else None,
            max_chars=max(1, limit),
            day_first=hints.day_first if hints.day_first is not None else self.day_first,
            essential=hints.essential,
        )

    @staticmethod
    def _hints(schema: dict[str, Any], at: str) -> FieldHints:
        try:
            return FieldHints.model_validate(schema.get(HINTS_KEY) or {})
        except ValidationError as error:
            first = error.errors()[0]
            raise SchemaError(
                f"{at}/{HINTS_KEY}: {'.'.join(map(str, first['loc']))}: {first['msg']}",
                remedy="See schemas/hints.py for the hints a field may have.",
            ) from error


def _widest(leaves: list[Leaf]) -> Leaf:
    """The leaf that holds what any of several holds.

    A number beside a string is a number (so does Pydantic write a decimal); a whole number beside a string is text,
    because there the string says what is no number: a rank, or "disqualified".
    """
    nullable = any(leaf.nullable for leaf in leaves)
    if all(leaf.kind is Kind.ENUM for leaf in leaves):
        choices = dict.fromkeys(choice for leaf in leaves for choice in leaf.choices)
        return replace(leaves[0], choices=tuple(choices), nullable=nullable)
    order = [Kind.DECIMAL, Kind.TEXT, Kind.DATETIME, Kind.DATE, Kind.INTEGER]
    widest = min(leaves, key=lambda leaf: order.index(leaf.kind) if leaf.kind in order else len(order))
    return replace(widest, nullable=nullable)


def _kind(schema: dict[str, Any], json_type: str, description: str) -> Kind:
    """The kind of a plain leaf: its type and format, else what its description plainly says."""
    match json_type:
        case "integer":
            return Kind.INTEGER
        case "number":
            return Kind.DECIMAL
        case "boolean":
            return Kind.BOOLEAN
    formats = {"date": Kind.DATE, "date-time": Kind.DATETIME, "time": Kind.TIME}
    if schema.get("format") in formats:
        return formats[schema["format"]]
    # A string that asks for ISO 8601 or ISO 4217 in words is a date or a currency all the same.
    if "ISO 8601" in description or "YYYY-MM-DD" in description:
        return Kind.DATE
    if "ISO 4217" in description:
        return Kind.CURRENCY
    return Kind.TEXT
