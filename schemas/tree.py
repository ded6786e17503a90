"""A schema as a closed tree of objects, arrays and leaves: what prompt, grammar, typing and Arrow derive from.

Both a Pydantic class and a JSON Schema file become a JSON Schema first, then this tree, so that everything
behind it knows one form only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import ValidationError

from schemas.errors import SchemaError
from schemas.hints import HINTS_KEY, FieldHints
from schemas.nodes import (
    DEFAULT_MAX_ITEMS,
    DEFAULT_TEXT_CHARS,
    NUMERIC,
    ArrayNode,
    Kind,
    Leaf,
    Node,
    ObjectNode,
    leaves,
)
from schemas.patterns import PatternError, matcher_of
from schemas.unions import ClashError, united, what

__all__ = [
    "DEFAULT_MAX_ITEMS", "DEFAULT_TEXT_CHARS", "FORMATS", "NUMERIC", "ArrayNode", "Kind", "Leaf", "Node", "ObjectNode",
    "leaves", "tree_and_notes", "tree_of",
]  # fmt: skip

MAX_DEPTH = 10
"""Objects and lists inside one another; unions and references do not count."""
MAX_LEAVES = 400
_FORMAT_NAMES = {
    "email": "email", "idn-email": "email", "uri": "uri", "iri": "uri", "url": "uri", "uuid": "uuid",
    "ipv4": "ipv4", "ipv6": "ipv6", "iban": "iban",
}  # fmt: skip
FORMATS = frozenset(_FORMAT_NAMES.values())
"""Formats of text that are recognised on a page as wholes; any other format is a note to the reader."""


def tree_of(json_schema: dict[str, Any], *, day_first: bool | None = None) -> ObjectNode:
    """The tree of a JSON Schema whose root is an object.

    Args:
        json_schema: a JSON Schema (draft 2020-12), with ``$defs`` inside; no remote references.
        day_first: the document's date hint, inherited by date leaves without one of their own.

    Raises:
        SchemaError: with the path in the schema of what cannot be expressed.
    """
    return tree_and_notes(json_schema, day_first=day_first)[0]


def tree_and_notes(
    json_schema: dict[str, Any], *, day_first: bool | None = None
) -> tuple[ObjectNode, tuple[str, ...]]:
    """As `tree_of`; with what of the schema is not extracted, each a sentence with the place in it."""
    builder = _Builder(json_schema, day_first)
    node = builder.build(json_schema, "#", _Around(refs=("#",)))
    if not isinstance(node, ObjectNode):
        raise SchemaError("The root of a schema must be an object.", remedy='Set "type": "object".')
    if not node.fields:
        raise SchemaError("The schema has no fields.", remedy='Give it "properties".')
    count = sum(1 for _ in leaves(node))
    if count > MAX_LEAVES:
        raise SchemaError(
            f"The schema has {count} leaves; {MAX_LEAVES} is the limit.", remedy="Split it in two."
        )
    return node, tuple(builder.notes)


@dataclass(frozen=True, slots=True)
class _Around:
    """What is known of a schema from outside it: how deep it lies, and the references it was reached by."""

    depth: int = 0
    nullable: bool = False
    description: str = ""
    refs: tuple[str, ...] = ()


class _Builder:
    def __init__(self, root: dict[str, Any], day_first: bool | None) -> None:
        self.root = root
        self.day_first = day_first
        self.notes: list[str] = []

    def build(self, schema: Any, at: str, around: _Around) -> Node:
        if around.depth > MAX_DEPTH:
            raise SchemaError(f"{at}: nested deeper than {MAX_DEPTH} levels.", remedy="Flatten the schema.")
        if not isinstance(schema, dict):
            raise SchemaError(f"{at}: a schema must be an object, not {schema!r}.", remedy="Give it a type.")
        around = replace(around, description=str(schema.get("description") or around.description))
        if "$ref" in schema:
            ref = str(schema["$ref"])
            if ref in around.refs:
                raise SchemaError(
                    f"{at}: {ref!r} refers to itself.",
                    remedy="Recursive schemas cannot be extracted: write out as many levels as documents have.",
                )
            merged = _merged([self._resolve(ref, at), _without(schema, "$ref")], at)
            return self.build(merged, at, replace(around, refs=(*around.refs, ref)))
        if "allOf" in schema:
            return self._all_of(schema, at, around)
        for union in ("anyOf", "oneOf"):
            if union in schema:
                return self._union(schema, union, at, around)
        types = schema.get("type")
        if isinstance(types, list):
            around = replace(around, nullable=around.nullable or "null" in types)
            types = [t for t in types if t != "null"]
            if len(types) > 1 and "enum" not in schema:
                split = {"anyOf": [{"type": t} for t in types], **_without(schema, "type")}
                return self._union(split, "anyOf", at, around)
            types = types[0] if len(types) == 1 else None
        around = replace(around, nullable=around.nullable or schema.get("nullable") is True)  # OpenAPI 3.0
        if "enum" in schema or "const" in schema:
            return self._enum(schema, at, around)
        match types:
            case "object":
                return self._object(schema, at, around)
            case "array":
                return self._array(schema, at, around)
            case "string" | "number" | "integer" | "boolean":
                return self._leaf(schema, types, at, around)
            case None if "properties" in schema:
                return self._object(schema, at, around)
        raise SchemaError(
            f"{at}: type {types!r} cannot be extracted.",
            remedy="Use object, array, string, number, integer, boolean, or a union of one of them and null.",
        )

    def _resolve(self, ref: str, at: str) -> dict[str, Any]:
        if ref == "#":
            return dict(self.root)
        if not ref.startswith("#/"):
            kind = "anchor" if ref.startswith("#") else "remote"
            raise SchemaError(
                f"{at}: {kind} reference {ref!r}.",
                remedy="Put the definition in $defs, and say #/$defs/NAME.",
            )
        node: Any = self.root
        for part in ref[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or key not in node:
                raise SchemaError(f"{at}: {ref!r} points at nothing.", remedy="Add the definition to $defs.")
            node = node[key]
        if not isinstance(node, dict):
            raise SchemaError(f"{at}: {ref!r} points at no schema.", remedy="Let it point at an object.")
        return dict(node)

    def _all_of(self, schema: dict[str, Any], at: str, around: _Around) -> Node:
        """All parts as one schema: their fields together, what the later and outer ones say before the rest."""
        refs = around.refs
        parts = []
        for number, part in enumerate(_list(schema, "allOf", at)):
            where = f"{at}/allOf/{number}"
            while isinstance(part, dict) and "$ref" in part:
                ref = str(part["$ref"])
                if ref in refs:
                    raise SchemaError(f"{where}: {ref!r} refers to itself.", remedy="Write the levels out.")
                refs = (*refs, ref)
                part = _merged([self._resolve(ref, where), _without(part, "$ref")], where)
            if not isinstance(part, dict):
                raise SchemaError(f"{where}: a schema must be an object.", remedy="Give it a type.")
            parts.append(part)
        merged = _merged([*parts, _without(schema, "allOf")], at)
        return self.build(merged, at, replace(around, refs=refs))

    def _union(self, schema: dict[str, Any], union: str, at: str, around: _Around) -> Node:
        """One node for all arms (`schemas.unions`); arms that it has no room for are noted."""
        every = _list(schema, union, at)
        arms = [arm for arm in every if not _is_null(arm)]
        around = replace(around, nullable=around.nullable or len(arms) < len(every))
        rest = _without(schema, union, "default", "discriminator")
        nodes: list[Node] = []
        refused: list[SchemaError] = []
        for number, arm in enumerate(arms):
            where = f"{at}/{union}" if len(arms) == 1 else f"{at}/{union}/{number}"
            noted = len(self.notes)
            try:
                nodes.append(self.build(self._arm(arm, rest, where), where, around))
            except SchemaError as error:
                del self.notes[noted:]
                refused.append(error)
        if not nodes:
            raise (
                refused[0]
                if refused
                else SchemaError(f"{at}/{union}: a union of nothing.", remedy="Give it a type.")
            )
        try:
            node, left = united(nodes)
        except ClashError as error:
            raise SchemaError(
                f"{at}/{union}: the shapes cannot share a column: {error}.",
                remedy="Give the fields names of their own, or the same type.",
            ) from error
        self.notes += [f"Not extracted: {error}" for error in refused]
        if left:
            others = ", ".join(dict.fromkeys(map(what, left)))
            self.notes.append(f"{at}/{union}: extracted as {what(node)}; not as {others}.")
        return node

    def _arm(self, arm: Any, rest: dict[str, Any], at: str) -> Any:
        """An arm with what is said outside the union: the fields of both, and on one that both have the arm's word."""
        if not isinstance(arm, dict):
            return arm
        if "properties" in rest and "$ref" in arm:
            arm = _merged([self._resolve(str(arm["$ref"]), at), _without(arm, "$ref")], at)
        mine = {key: value for key, value in rest.items() if key != "type" or "type" not in arm}
        if not isinstance(arm.get("properties"), dict) or not isinstance(rest.get("properties"), dict):
            return {**arm, **mine}
        return {**arm, **mine, "properties": {**rest["properties"], **arm["properties"]}}

    def _object(self, schema: dict[str, Any], at: str, around: _Around) -> Node:
        properties = schema.get("properties")
        free = next((key for key in _FREE_KEYS if schema.get(key) not in (None, False)), "")
        if not isinstance(properties, dict) or not properties:
            why = f" ({free}: keys of any name)" if free else ""
            raise SchemaError(
                f"{at}: an object without properties cannot be extracted{why}.",
                remedy='Give it "properties"; or use a list of objects with fields for key and value.',
            )
        if free and isinstance(schema[free], dict) and schema[free]:
            self.notes.append(f"Not extracted: {at}/{free}: fields without names of their own.")
        inside = _Around(around.depth + 1, refs=around.refs)
        fields = []
        for name, child in properties.items():
            if "." in name or "[" in name or not name or not _is_text(name):
                raise SchemaError(f"{at}: {name!r} is no field name.", remedy="Use letters, digits and _.")
            fields.append((name, self.build(child, f"{at}/properties/{name}", inside)))
        return ObjectNode(tuple(fields), around.nullable, around.description)

    def _array(self, schema: dict[str, Any], at: str, around: _Around) -> Node:
        inside = _Around(around.depth + 1, refs=around.refs)
        most = DEFAULT_MAX_ITEMS
        if schema.get("prefixItems"):
            item = self._equal_places(schema, at, inside)
            most = len(schema["prefixItems"])
        elif isinstance(schema.get("items"), dict):
            item = self.build(schema["items"], f"{at}/items", inside)
        else:
            raise SchemaError(f"{at}: an array without items.", remedy='Give it "items".')
        low = _count(schema, "minItems", 0, at)
        high = _count(schema, "maxItems", max(low, most), at)
        if high < max(low, 1):
            raise SchemaError(f"{at}: maxItems {high} is less than {max(low, 1)}.", remedy="Raise maxItems.")
        return ArrayNode(item, low, high, around.nullable, around.description)

    def _equal_places(self, schema: dict[str, Any], at: str, inside: _Around) -> Node:
        """The item of a tuple whose places are all of one kind; of others an object says which is which."""
        places = _list(schema, "prefixItems", at)
        nodes = [self.build(place, f"{at}/prefixItems/{i}", inside) for i, place in enumerate(places)]
        plain = [replace(node, description="") for node in nodes]
        if any(node != plain[0] for node in plain) or schema.get("items") not in (None, False):
            kinds = ", ".join(map(what, nodes))
            raise SchemaError(
                f"{at}: an array without items of one kind (prefixItems: {kinds}).",
                remedy="Use an object with a named field for each place.",
            )
        return plain[0]

    def _enum(self, schema: dict[str, Any], at: str, around: _Around) -> Leaf:
        values = _list(schema, "enum", at) if "enum" in schema else [schema["const"]]
        nullable = around.nullable or None in values
        values = [v for v in values if v is not None]
        hints = self._hints(schema, at)
        kind, json_type = _choice_kind(values, at)
        texts = dict.fromkeys(v if isinstance(v, str) else json.dumps(v) for v in values)
        return Leaf(
            kind,
            nullable,
            around.description,
            json_type,
            "choice",
            () if kind is Kind.BOOLEAN else tuple(texts),
            essential=hints.essential,
            weight=_weight(hints),
        )

    def _leaf(
        self,
        schema: dict[str, Any],
        json_type: Literal["string", "number", "integer", "boolean"],
        at: str,
        around: _Around,
    ) -> Leaf:
        hints = self._hints(schema, at)
        try:
            kind = Kind(hints.kind) if hints.kind else _kind(schema, json_type, around.description)
        except ValueError as error:
            known = ", ".join(k.value for k in Kind)
            raise SchemaError(f"{at}: unknown kind {hints.kind!r}.", remedy=f"One of: {known}.") from error
        default: Literal["choice", "span"] = "choice" if kind is Kind.BOOLEAN else "span"
        limit = hints.max_chars or min(_count(schema, "maxLength", DEFAULT_TEXT_CHARS, at), 4000)
        text = kind is Kind.TEXT
        return Leaf(
            kind=kind,
            nullable=around.nullable,
            description=around.description,
            json_type=json_type,
            grounding=hints.grounding or default,
            pattern=_pattern(schema, at) if text else None,
            format=_FORMAT_NAMES.get(str(schema.get("format"))) if text else None,
            max_chars=max(1, limit),
            day_first=hints.day_first if hints.day_first is not None else self.day_first,
            essential=hints.essential,
            weight=_weight(hints),
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


def _weight(hints: FieldHints) -> float:
    return 1.0 if hints.weight is None else hints.weight


_FREE_KEYS = ("additionalProperties", "patternProperties", "unevaluatedProperties")


def _is_null(arm: Any) -> bool:
    """Whether an arm of a union is null and nothing else, in any way to say so."""
    return isinstance(arm, dict) and (
        arm.get("type") in ("null", ["null"])
        or arm.get("enum") == [None]
        or ("const" in arm and arm["const"] is None)
    )


def _is_text(text: str) -> bool:
    """Whether a name can be written at all: JSON files may have halves of characters."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _without(schema: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {k: v for k, v in schema.items() if k not in keys}


def _merged(parts: list[dict[str, Any]], at: str) -> dict[str, Any]:
    """Several schemas that hold at once, as one; of what two say, the later counts, and fields are put together."""
    whole: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            known = whole.get(key)
            if key == "properties" and isinstance(known, dict) and isinstance(value, dict):
                value = {**known, **value}
            elif key in ("allOf", "required") and isinstance(known, list) and isinstance(value, list):
                value = [*known, *value]
            elif key == "enum" and isinstance(known, list) and isinstance(value, list):
                value = [choice for choice in value if choice in known]
            elif key in ("anyOf", "oneOf") and known is not None and known != value:
                raise SchemaError(f"{at}: two times {key} at once.", remedy="Write one union of them.")
            elif key == "type" and known is not None and known != value:
                raise SchemaError(
                    f"{at}: type {known!r} and type {value!r} at once.", remedy="Leave one of them out."
                )
            whole[key] = value
    return whole


def _list(schema: dict[str, Any], key: str, at: str) -> list[Any]:
    value = schema[key]
    if not isinstance(value, list):
        raise SchemaError(f"{at}/{key}: must be a list.", remedy=f"Write {key} as [...].")
    return value


def _count(schema: dict[str, Any], key: str, default: int, at: str) -> int:
    value = schema.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 0:
        raise SchemaError(f"{at}/{key}: {value!r} is no count.", remedy="Use a whole number, 0 or more.")
    return int(value)


def _pattern(schema: dict[str, Any], at: str) -> str | None:
    if "pattern" not in schema:
        return None
    pattern = str(schema["pattern"])
    try:
        matcher_of(pattern)
    except PatternError as error:
        raise SchemaError(
            f"{at}/pattern: {pattern!r} cannot be used: {error}.",
            remedy="Use a pattern without look-around and back-references; \\A and \\z, or ^ and $, are its ends.",
        ) from error
    return pattern


def _choice_kind(
    values: list[Any], at: str
) -> tuple[Kind, Literal["string", "number", "integer", "boolean"]]:
    """What the values of an enum are; they must be of one type."""
    if values and all(isinstance(v, str) and v and _is_text(v) for v in values):
        return Kind.ENUM, "string"
    if values and all(isinstance(v, bool) for v in values):
        return Kind.BOOLEAN, "boolean"
    if values and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        whole = all(isinstance(v, int) for v in values)
        return (Kind.INTEGER, "integer") if whole else (Kind.DECIMAL, "number")
    raise SchemaError(
        f"{at}: enum values must be non-empty strings, or numbers, or booleans; not several of them.",
        remedy="Use values of one type, or a plain type.",
    )


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
    if (named := str(schema.get("format"))) in formats:  # whatever stands there: [] is no format, and no key
        return formats[named]
    # A string that asks for ISO 8601 or ISO 4217 in words is a date or a currency all the same.
    if "ISO 8601" in description or "YYYY-MM-DD" in description:
        return Kind.DATE
    if "ISO 4217" in description:
        return Kind.CURRENCY
    return Kind.TEXT
