"""What a schema costs is told before a document is touched; wide ones compile in parts."""

from __future__ import annotations

from typing import Any

from extractors.grammar.preflight import preflight
from schemas.registry import from_json_schema, load_schema


def test_a_schema_of_the_catalog_takes_one_prompt() -> None:
    found = preflight(load_schema("receipt"))
    assert found.parts == 1
    assert 20 < found.prompt_tokens < 1000
    assert found.grammar_bytes > 100


def test_a_schema_of_369_fields_compiles_in_parts() -> None:
    kinds: list[dict[str, Any]] = [
        {"type": "string"}, {"type": ["number", "null"]}, {"type": "string", "format": "date"}, {"enum": [1, 2]},
    ]  # fmt: skip
    groups = {
        f"group_{g}": {
            "type": "object",
            "properties": {
                f"field_{g}_{i}": {**kinds[i % 4], "description": "What is printed there, as printed. " * 2}
                for i in range(41)
            },
        }
        for g in range(9)
    }
    found = preflight(from_json_schema({"type": "object", "properties": groups}, "wide"))
    assert found.parts > 3
    assert found.prompt_tokens > 5000
