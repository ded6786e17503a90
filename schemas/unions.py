"""What a union of a schema becomes: one node that has room for every arm, since a column has one type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from schemas.nodes import NUMERIC, ArrayNode, Kind, Leaf, Node, ObjectNode

_TEXTS = {Kind.TEXT, Kind.CURRENCY, Kind.ENUM}


class ClashError(ValueError):
    """Arms that no one node can hold; ``str(error)`` names the field and says why."""


def united(nodes: Sequence[Node]) -> tuple[Node, list[Node]]:
    """The node that stands for all arms of a union, and the arms that it does not hold.

    Values become the type that holds each of them. Objects become one with the fields of all, those that not every
    shape has being optional, and keep their shapes; lists become one of united items. What has parts goes before a
    single value, and a list of objects before one object, which it can hold.

    Args:
        nodes: the arms, one at least.

    Raises:
        ClashError: two objects have fields of the same name that no one column can hold.
    """
    objects = [node for node in nodes if isinstance(node, ObjectNode)]
    lists = [node for node in nodes if isinstance(node, ArrayNode)]
    values = [node for node in nodes if isinstance(node, Leaf)]
    nullable = any(node.nullable for node in nodes)
    if not objects and not lists:
        return _widest(values), []
    many = lists and (not objects or any(isinstance(one.item, ObjectNode) for one in lists))
    if many:
        found = replace(_lists(lists), nullable=nullable)
        held = found.item.fields if isinstance(found.item, ObjectNode) else ()
        return found, [*(one for one in objects if one.fields != held), *values]
    return replace(_objects(objects), nullable=nullable), [*lists, *values]


def _lists(nodes: Sequence[ArrayNode]) -> ArrayNode:
    item, rest = united([node.item for node in nodes])
    if rest:
        raise ClashError("a list of objects or lists and a list of single values")
    low, high = min(node.min_items for node in nodes), max(node.max_items for node in nodes)
    return replace(nodes[0], item=item, min_items=low, max_items=high)


def _objects(nodes: Sequence[ObjectNode]) -> ObjectNode:
    if all(node.fields == nodes[0].fields for node in nodes):
        return nodes[0]
    shapes = tuple(shape for node in nodes for shape in (node.shapes or (node,)))
    by_name: dict[str, list[Node]] = {}
    for node in nodes:
        for name, child in node.fields:
            by_name.setdefault(name, []).append(child)
    fields = []
    for name, children in by_name.items():
        try:
            child = _field(children)
        except ClashError as error:
            raise ClashError(f"{name!r}: {error}") from error
        fields.append((name, child if len(children) == len(nodes) else _optional(child)))
    return replace(nodes[0], fields=tuple(fields), shapes=shapes)


def _field(nodes: Sequence[Node]) -> Node:
    """Fields of the same name in several shapes as one; it must be able to hold what each of them means."""
    values = [node for node in nodes if isinstance(node, Leaf)]
    if len(values) == len(nodes):
        return _one_type(values)
    if values or len({type(node) for node in nodes}) > 1:
        raise ClashError(" and ".join(dict.fromkeys(what(node) for node in nodes)))
    return united(nodes)[0]


def _one_type(leaves: Sequence[Leaf]) -> Leaf:
    kinds = {leaf.kind for leaf in leaves}
    if len(kinds) == 1 or kinds <= NUMERIC:
        found = _widest(leaves)
    elif kinds <= _TEXTS:
        plain = next((leaf for leaf in leaves if leaf.kind is Kind.TEXT), leaves[0])
        found = replace(plain, kind=Kind.TEXT, grounding="span", choices=(), pattern=None, format=None)
    else:
        raise ClashError(" and ".join(dict.fromkeys(map(what, leaves))))
    described = next((leaf.description for leaf in leaves if leaf.description), "")
    return replace(
        found,
        nullable=any(leaf.nullable for leaf in leaves),
        description=described,
        max_chars=max(leaf.max_chars for leaf in leaves),
        essential=all(leaf.essential for leaf in leaves),
        weight=max(leaf.weight for leaf in leaves),
    )


def _optional(node: Node) -> Node:
    match node:
        case Leaf():
            return replace(node, nullable=True, essential=False)
        case ArrayNode():
            return replace(node, nullable=True, min_items=0)
        case ObjectNode():
            return replace(node, nullable=True)


def what(node: Node) -> str:
    """What a node holds, in a word or two."""
    match node:
        case Leaf():
            return node.kind.value
        case ArrayNode():
            return f"list of {what(node.item)}"
        case ObjectNode():
            return "object"


def _widest(leaves: Sequence[Leaf]) -> Leaf:
    """The leaf that holds what any of several holds.

    A number beside a string is a number (so does Pydantic write a decimal); a whole number beside a string is text,
    because there the string says what is no number: a rank, or "disqualified".
    """
    nullable = any(leaf.nullable for leaf in leaves)
    if all(leaf.choices and leaf.kind is leaves[0].kind for leaf in leaves):
        choices = dict.fromkeys(choice for leaf in leaves for choice in leaf.choices)
        return replace(leaves[0], choices=tuple(choices), nullable=nullable)
    order = [Kind.DECIMAL, Kind.TEXT, Kind.DATETIME, Kind.DATE, Kind.INTEGER]
    # A list of numbers holds no other number: what is plain comes first.
    open_ones = [leaf for leaf in leaves if not leaf.choices or leaf.kind is Kind.ENUM] or leaves
    widest = min(open_ones, key=lambda leaf: order.index(leaf.kind) if leaf.kind in order else len(order))
    alike = all((leaf.pattern, leaf.format) == (widest.pattern, widest.format) for leaf in leaves)
    narrow = (widest.pattern, widest.format) if alike else (None, None)
    return replace(widest, nullable=nullable, pattern=narrow[0], format=narrow[1])
