"""Random schemas for a kind of document, and the truth under them: what is asked is never asked twice alike.

A schema is a JSON Schema that goes the way of every user's (`schemas.registry`), so that prompt and grammar of training
are those of production. Keys, descriptions, types, nesting, order and choice of fields vary. Of key and description
one always tells what is meant: nonsense keys have full descriptions, bare fields have telling keys.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extractors.training.synthesis.contract import DocumentKind, FieldSpec
from extractors.training.synthesis.foreign import foreign_fields
from extractors.training.synthesis.wording import KeyStyle, choose_style, describe, styled
from schemas.registry import LoadedSchema, from_json_schema

WRONG_SCHEMA = 0.03
"""Share of schemas that ask for nothing that such a document has."""
_ALL_FIELDS = 0.15
_FOREIGN = 0.35
_GROUP = 0.2
_FLATTEN = 0.4
_LIST_KEPT = 0.55
"""Lists make long answers: of the fields that are drawn, so many stay when there are others."""
_GROUP_NAMES = (
    "details",
    "header",
    "data",
    "info",
    "main",
    "general",
    "summary",
    "meta",
    "document",
    "fields",
)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class SchemaDraw:
    """A schema and what is true under it, in the form of a labelled folder's truth file."""

    schema: LoadedSchema
    truth: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A field with its truth before it has a name; ``fields`` are those of an object or of a list's items."""

    spec: FieldSpec
    value: Any
    fields: tuple[FieldSpec, ...] = ()
    parent: str = ""


def draw_schema(
    kind: DocumentKind, truth: dict[str, Any], chance: random.Random, others: Sequence[DocumentKind] = ()
) -> SchemaDraw:
    """A schema for a document of a kind.

    Args:
        kind: of the document.
        truth: of the document, by canonical key, as in `Sheet.truth`.
        chance: what is drawn; the same state makes the same schema.
        others: kinds to take fields from that the document does not have.
    """
    style = choose_style(chance)
    foreign = foreign_fields(kind, others)
    wrong = bool(foreign) and chance.random() < WRONG_SCHEMA
    asked = [] if wrong else _own(kind, truth, chance)
    if foreign and (wrong or chance.random() < _FOREIGN):
        count = min(len(foreign), chance.randint(3, 8) if wrong else chance.choice((1, 1, 2, 3)))
        asked += [_Asked(spec, None, spec.fields) for spec in chance.sample(foreign, count)]
    order = chance.random()
    if order < 0.6:
        chance.shuffle(asked)
    properties, labels = _build(asked, style, chance, nest=True)
    title = _title(kind, others if wrong else (), chance)
    data: dict[str, Any] = {"title": title, "type": "object", "properties": properties}
    if chance.random() < 0.4:
        data["description"] = chance.choice(("{0}", "What a {0} says.", "Fields of a {0}.")).format(title)
    if chance.random() < 0.5:
        data["required"] = list(properties)
    return SchemaDraw(from_json_schema(data, _slug(title)), labels)


def folder_schema(kind: DocumentKind, truth: dict[str, Any], seed: int | None = None) -> SchemaDraw:
    """One schema for all documents of a kind, with all its fields: the truth does not change what is asked.

    Args:
        kind: of the document.
        truth: of one document, by canonical key.
        seed: of names, descriptions and types; ``None`` for canonical names and the most precise descriptions.
    """
    chance = random.Random(seed or 0)
    plain = KeyStyle("snake", canonical=1.0, obscure=0.0, bare=0.0, numbered="")
    style = plain if seed is None else choose_style(chance)
    asked = [_Asked(spec, truth.get(spec.key), spec.fields) for spec in kind.fields]
    properties, labels = _build(asked, style, chance)
    if seed is None:
        _say_precisely(properties, kind.fields)
    data = {"title": kind.name, "type": "object", "properties": properties}
    return SchemaDraw(from_json_schema(data, _slug(kind.name)), labels)


def _say_precisely(properties: dict[str, Any], fields: Sequence[FieldSpec]) -> None:
    for spec in fields:
        node = properties[spec.key]
        node["description"] = max(spec.descriptions, key=len, default="")
        inner = node.get("items", node)
        if "properties" in inner:
            _say_precisely(inner["properties"], spec.fields)


def _title(kind: DocumentKind, others: Sequence[DocumentKind], chance: random.Random) -> str:
    titles = chance.choice([one for one in others if one.name != kind.name]).titles if others else kind.titles
    title = chance.choice(titles)
    shape = chance.random()
    if shape < 0.1:
        return chance.choice(("document", "record", "extraction", "output", "form data"))
    return title.replace("_", " ").title() if shape < 0.3 else title


def _slug(title: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:63]
    return name if _NAME.fullmatch(name) else "document"


def _own(kind: DocumentKind, truth: dict[str, Any], chance: random.Random) -> list[_Asked]:
    """Some of the kind's fields, at least one of them on the document where it has any."""
    fields = list(kind.fields)
    if chance.random() >= _ALL_FIELDS:
        count = min(len(fields), 1 + round(chance.triangular(0, 13, 4)))
        chosen = chance.sample(fields, count)
        plain = [spec for spec in chosen if spec.type != "list" or chance.random() < _LIST_KEPT]
        chosen = plain or chosen
        present = [spec for spec in fields if truth.get(spec.key) not in (None, [])]
        if present and not any(spec in present for spec in chosen):
            chosen.append(chance.choice(present))
        fields = [spec for spec in fields if spec in chosen]
    asked: list[_Asked] = []
    for spec in fields:
        value = truth.get(spec.key)
        if spec.type == "object" and chance.random() < _FLATTEN:
            parts = value if isinstance(value, dict) else {}
            asked += [_Asked(part, parts.get(part.key), part.fields, spec.key) for part in spec.fields]
        else:
            asked.append(_Asked(spec, value, _parts(spec, value, chance)))
    return asked


def _parts(spec: FieldSpec, value: Any, chance: random.Random) -> tuple[FieldSpec, ...]:
    """Fields of an object or of a list's items: some of them, shuffled.

    The first field of an item is one that every row has: by it an item is known to stand in a window.
    """
    parts = list(spec.fields)
    if len(parts) > 1 and chance.random() < 0.6:
        parts = chance.sample(parts, chance.randint(1, len(parts)))
        if chance.random() < 0.5:
            parts.sort(key=spec.fields.index)
    rows = value if spec.type == "list" and isinstance(value, list) else []
    if rows and parts:
        firm = [part for part in spec.fields if all(row.get(part.key) is not None for row in rows)]
        names = [part for part in firm if part.type == "text"] or firm
        if names:
            lead = next((part for part in parts if part in names), names[0])
            parts = [lead, *(part for part in parts if part != lead)]
    return tuple(parts)


def _build(
    asked: Sequence[_Asked], style: KeyStyle, chance: random.Random, nest: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Properties of an object with their truths, under keys of one style."""
    properties: dict[str, Any] = {}
    labels: dict[str, Any] = {}
    groups = _groups(asked, chance) if nest else [("", list(asked))]
    for name, members in groups:
        if not name:
            for one in members:
                key, obscure = _free_key(one, style, chance, properties)
                properties[key], labels[key] = _property(one, style, chance, obscure)
            continue
        inner, inner_labels = _build(members, style, chance)
        key = _unused(styled(name, style), properties)
        properties[key] = {"type": "object", "properties": inner}
        if chance.random() < 0.3:
            properties[key]["description"] = chance.choice(
                ("Group of fields.", "Belongs together.", name.capitalize())
            )
        labels[key] = inner_labels
    return properties, labels


def _groups(asked: Sequence[_Asked], chance: random.Random) -> list[tuple[str, list[_Asked]]]:
    """Runs of fields, some of them under a name of their own: by common prefix, or any."""
    if len(asked) < 4 or chance.random() >= _GROUP:
        return [("", list(asked))]
    prefixes: dict[str, list[_Asked]] = {}
    for one in asked:
        prefixes.setdefault(one.spec.key.split("_")[0], []).append(one)
    alike = {name: members for name, members in prefixes.items() if len(members) > 1}
    if alike and chance.random() < 0.6:
        name = chance.choice(sorted(alike))
        members = alike[name]
    else:
        name = chance.choice(_GROUP_NAMES)
        members = chance.sample(list(asked), chance.randint(2, len(asked) - 1))
    rest = [one for one in asked if one not in members]
    grouped = [(name, [one for one in asked if one in members])]
    return [*grouped, ("", rest)] if chance.random() < 0.5 else [("", rest), *grouped]


def _free_key(one: _Asked, style: KeyStyle, chance: random.Random, taken: dict[str, Any]) -> tuple[str, bool]:
    """A key for a field, and whether it says nothing of what is meant."""
    if chance.random() < style.obscure:
        return _unused(style.nonsense(chance), taken), True
    name = one.spec.key if chance.random() < style.canonical else chance.choice(one.spec.names)
    if one.parent and one.parent not in name:
        name = f"{one.parent}_{name}"
    return _unused(styled(name, style), taken), False


def _unused(key: str, taken: dict[str, Any]) -> str:
    number, free = 2, key
    while free in taken:
        free, number = f"{key}_{number}", number + 1
    return free


def _property(
    one: _Asked, style: KeyStyle, chance: random.Random, obscure: bool
) -> tuple[dict[str, Any], Any]:
    """The JSON Schema of a field and its truth under it."""
    spec = one.spec
    node, value = _typed(one, style, chance)
    text = describe(spec, chance, style, obscure)
    if node.get("format") == "date" and chance.random() < 0.1:
        del node["format"]  # a date all the same: the description asks for ISO 8601
        text = f"{text} YYYY-MM-DD".strip()
    if text:
        node["description"] = text
    return node, value


def _typed(one: _Asked, style: KeyStyle, chance: random.Random) -> tuple[dict[str, Any], Any]:
    spec, value = one.spec, one.value
    match spec.type:
        case "object":
            parts = value if isinstance(value, dict) else {}
            asked = [_Asked(part, parts.get(part.key), part.fields) for part in one.fields]
            properties, labels = _build(asked, style, chance)
            return {"type": "object", "properties": properties}, labels
        case "list" if one.fields:
            return _rows(one, style, chance)
        case "list":
            return {"type": "array", "items": {"type": "string"}}, list(value or [])
        case "choice":
            return _choice(spec, value, style, chance)
        case "boolean":
            if chance.random() < 0.2:
                words = chance.choice((("yes", "no"), ("true", "false"), ("Y", "N")))
                label = None if value is None else words[0] if value else words[1]
                return _nullable({"type": "string", "enum": list(words)}, chance), label
            return _nullable({"type": "boolean"}, chance), value
        case "date" if chance.random() < 0.65:
            return _nullable({"type": "string", "format": "date"}, chance), value
        case "number" if chance.random() < 0.75:
            return _nullable({"type": "number"}, chance), value
        case "integer":
            types = chance.choice(("integer", "integer", "number", "string"))
            return _nullable({"type": types}, chance), value
        case "currency" if chance.random() < 0.6:
            return _nullable({"type": "string", "x-parquetry": {"kind": "currency"}}, chance), value
    return _nullable({"type": "string"}, chance), value


def _rows(one: _Asked, style: KeyStyle, chance: random.Random) -> tuple[dict[str, Any], Any]:
    """A list of objects: one schema for its items, and the truth of each row under the same keys."""
    rows = one.value or []
    state = chance.getstate()
    labels = []
    properties: dict[str, Any] = {}
    for row in rows or [{}]:
        chance.setstate(state)  # every row gets the same names and types
        asked = [_Asked(part, row.get(part.key), part.fields) for part in one.fields]
        properties, label = _build(asked, style, chance)
        labels.append(label)
    return {"type": "array", "items": {"type": "object", "properties": properties}}, labels if rows else []


def _choice(
    spec: FieldSpec, value: Any, style: KeyStyle, chance: random.Random
) -> tuple[dict[str, Any], Any]:
    """An enum whose values are written in one of several ways."""
    manner = chance.choice(("as is", "as is", "words", "upper", "camel"))
    written = {choice: _manner(choice, manner) for choice in spec.choices}
    if len(set(written.values())) < len(written):
        written = {choice: choice for choice in spec.choices}
    values = list(written.values())
    if chance.random() < 0.5:
        chance.shuffle(values)
    if value is not None and value not in written:
        raise ValueError(f"{spec.key}: the truth {value!r} is none of its choices {spec.choices}")
    return _nullable({"type": "string", "enum": values}, chance), None if value is None else written[value]


def _manner(choice: str, manner: str) -> str:
    words = re.split(r"[_ ]+", choice)
    match manner:
        case "words":
            return " ".join(words).capitalize()
        case "upper":
            return "_".join(words).upper()
        case "camel":
            return words[0] + "".join(word.capitalize() for word in words[1:])
    return choice


def _nullable(node: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """The same type or null, in one of the ways to say so."""
    if "enum" in node:
        return (
            {"enum": [*node["enum"], None]} if chance.random() < 0.5 else {"anyOf": [node, {"type": "null"}]}
        )
    way = chance.random()
    if way < 0.6:
        return {**node, "type": [node["type"], "null"]}
    if way < 0.85:
        return {"anyOf": [node, {"type": "null"}]}
    return {**node, "nullable": True}
