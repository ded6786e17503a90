"""The parts of a schema's tree: objects, lists and leaves. `schemas.tree` makes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

DEFAULT_TEXT_CHARS = 300
DEFAULT_MAX_ITEMS = 200
JsonType = Literal["string", "number", "integer", "boolean"]


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
    """One value. ``json_type`` is how the schema wants it in JSON: string, number, integer or boolean.

    ``choices`` are texts, also of numbers. ``pattern`` and ``format`` narrow the texts of the page down to those that
    fit; ``format`` is one of `FORMATS`. ``weight`` is what an error costs, in errors of an ordinary field.
    """

    kind: Kind
    nullable: bool
    description: str
    json_type: JsonType
    grounding: Literal["span", "choice", "free"] = "span"
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    format: str | None = None
    max_chars: int = DEFAULT_TEXT_CHARS
    day_first: bool | None = None
    essential: bool = False
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class ObjectNode:
    """Named children, in the order of the schema.

    ``shapes``: of an object that may have one of several, each with the fields it has of its own; ``fields`` are then
    those of all of them, each once.
    """

    fields: tuple[tuple[str, Node], ...]
    nullable: bool = False
    description: str = ""
    shapes: tuple[ObjectNode, ...] = ()


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
