"""The words of the prompt: the schema as a short list, then the document."""

from __future__ import annotations

from schemas.registry import LoadedSchema
from schemas.tree import ArrayNode, Kind, Leaf, Node, ObjectNode

_KIND_WORDS = {
    Kind.INTEGER: "whole number",
    Kind.DECIMAL: "number",
    Kind.DATE: "date",
    Kind.DATETIME: "date and time",
    Kind.TIME: "time",
    Kind.CURRENCY: "currency",
    Kind.BOOLEAN: "true or false",
}


def schema_text(schema: LoadedSchema) -> str:
    """What to extract, one line per field: ``total (number): Final amount payable``."""
    head = f"Copy these fields of the {schema.name.replace('_', ' ')} from the document as JSON."
    return "\n".join([head, *_lines(schema.tree, "")])


def _lines(node: ObjectNode, indent: str) -> list[str]:
    lines = []
    for name, child in node.fields:
        lines += _field(name, child, indent)
    return lines


def _field(name: str, node: Node, indent: str) -> list[str]:
    match node:
        case Leaf():
            kind = " or ".join(node.choices) if node.choices else _KIND_WORDS.get(node.kind, "")
            return [f"{indent}{name}{f' ({kind})' if kind else ''}: {node.description}".rstrip(": ")]
        case ArrayNode(item=ObjectNode() as item):
            return [f"{indent}{name} (list): {node.description}".rstrip(": "), *_lines(item, indent + "  ")]
        case ArrayNode():
            return [
                f"{indent}{name} (list): {node.description}".rstrip(": "),
                *_field("item", node.item, indent + "  "),
            ]
        case ObjectNode():
            return [f"{indent}{name}: {node.description}".rstrip(": "), *_lines(node, indent + "  ")]
