"""What stands in the inputs of a document's form: texts by path, and the rows of each list.

Inputs are named by *token paths*: like concrete paths (``line_items.0.quantity``), but list items go by a
token that stays with its row: the index it had when the page was made, or ``n0``, ``n1``, ... for an added
row. So rows can be deleted and added in the browser without renaming inputs, and a row keeps its evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from schemas.extraction import ExtractedField
from schemas.tree import ArrayNode, Leaf, Node, ObjectNode

VALUE = "v."
PLACE = "p."
ROW = "row."
_TOKEN = re.compile(r"\d{1,6}|n\d{1,6}")


@dataclass(frozen=True, slots=True)
class FormState:
    """Texts of inputs by token path, row tokens (in order) by the token path of their list.

    ``claims``, by token path, say where on the page a text was taken from, as the browser sent it (`places.Claim`).
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    claims: Mapping[str, str] = field(default_factory=dict)


def join(path: str, name: str | int) -> str:
    """``path.name``, or ``name`` at the root."""
    return f"{path}.{name}" if path else str(name)


def is_original(token: str) -> bool:
    """Whether a row token names a row that the document had."""
    return token.isdigit()


def as_text(value: Any) -> str:
    """A typed value as it stands in an input; empty for an absent one."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return format(Decimal(repr(value)).normalize(), "f")
    return str(value)


def state_of(tree: ObjectNode, data: Mapping[str, Any], fields: Mapping[str, ExtractedField]) -> FormState:
    """The state in which a document is shown.

    A field without a value but with text on the page (an ambiguous date, a broken number) shows that text: it
    must be resolved or emptied on purpose, and cannot be confirmed as absent by mistake.
    """
    texts: dict[str, str] = {}
    rows: dict[str, tuple[str, ...]] = {}

    def walk(node: Node, value: Any, path: str) -> None:
        match node:
            case Leaf():
                known = fields.get(path)
                printed = known.raw if known is not None and known.raw else ""
                texts[path] = as_text(value) if value is not None else printed
            case ObjectNode():
                inner = value if isinstance(value, Mapping) else {}
                for name, child in node.fields:
                    walk(child, inner.get(name), join(path, name))
            case ArrayNode():
                items = value if isinstance(value, list) else []
                rows[path] = tuple(str(i) for i in range(len(items)))
                for index, item in enumerate(items):
                    walk(node.item, item, join(path, index))

    walk(tree, data, "")
    return FormState(texts, rows)


def state_from_form(items: Iterable[tuple[str, str]]) -> FormState:
    """The state that a browser sent. Anything that is no input of ours is passed over."""
    texts: dict[str, str] = {}
    rows: dict[str, list[str]] = {}
    claims: dict[str, str] = {}
    for name, value in items:
        if name.startswith(VALUE):
            texts[name.removeprefix(VALUE)] = value
        elif name.startswith(PLACE) and value:
            claims[name.removeprefix(PLACE)] = value
        elif name.startswith(ROW) and _TOKEN.fullmatch(value):
            tokens = rows.setdefault(name.removeprefix(ROW), [])
            if value not in tokens:
                tokens.append(value)
    return FormState(texts, {path: tuple(tokens) for path, tokens in rows.items()}, claims)


def leaf_paths(node: Node, state: FormState, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """Every leaf of a form with its token path, in the order of the schema and the rows."""
    match node:
        case Leaf():
            yield path, node
        case ObjectNode():
            for name, child in node.fields:
                yield from leaf_paths(child, state, join(path, name))
        case ArrayNode():
            for token in state.rows.get(path, ()):
                yield from leaf_paths(node.item, state, join(path, token))


def value_at(data: Any, path: str) -> Any:
    """The value at a concrete path, ``None`` where there is none."""
    for part in path.split(".") if path else ():
        if isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data
