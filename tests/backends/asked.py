"""Schemas of texts with descriptions, as somebody writes them whom the rules do not know, and their answers."""

from __future__ import annotations

from typing import Any

from extractors.backends.scripted import ScriptedBackend
from schemas.registry import LoadedSchema, from_json_schema
from tests.validation.paper import paper


def asked(**fields: str) -> LoadedSchema:
    """A schema of texts that may be absent, with their descriptions."""
    properties = {
        name: {"type": ["string", "null"], "description": description} for name, description in fields.items()
    }
    return from_json_schema({"title": "paper", "type": "object", "properties": properties}, "paper")


def read(text: str, **fields: str) -> dict[str, Any]:
    (answer,) = ScriptedBackend().answer([paper(text)], asked(**fields))
    return dict(answer.data)
