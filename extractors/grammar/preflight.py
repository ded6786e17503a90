"""What a schema will cost, before a document is touched: that it compiles, its tokens, how many prompts it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import llguidance

from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.prompting.prompt import schema_text
from extractors.prompting.split import split_schema
from extractors.prompting.window import PrintedLine, Window
from schemas.document import Box, Word
from schemas.errors import SchemaError
from schemas.registry import LoadedSchema

CHARS_PER_TOKEN = 4
"""About; a model's own tokenizer is not needed to tell a narrow schema from a wide one."""
_SAMPLE = "Invoice AB-1234 of 25/12/2018 10:30, jane@mill.com, total EUR 1,234.50"


@dataclass(frozen=True, slots=True)
class Preflight:
    """``prompt_tokens``: of the schema's description, estimated. ``parts``: prompts per window of a document.

    ``grammar_bytes``: of the grammars of all parts for a short page; that of a full page is larger by its text.
    """

    prompt_tokens: int
    parts: int
    grammar_bytes: int


def preflight(schema: LoadedSchema) -> Preflight:
    """Compiles a schema against a sample line.

    Raises:
        SchemaError: llguidance refuses the grammar.
    """
    words = tuple(
        Word(text, Box(30.0 * i, 0.0, 30.0 * i + 28, 10.0)) for i, text in enumerate(_SAMPLE.split())
    )
    index = SpanIndex(Window(0, 1, 1, (PrintedLine(1, (words,)),)))
    parts = split_schema(schema, estimated_tokens)
    grammars = [grammar_of(part.tree, index) for part in parts]
    for grammar in grammars:
        refused = llguidance.LLMatcher.validate_grammar(llguidance.LLMatcher.grammar_from_lark(grammar))
        if refused:
            raise SchemaError(
                f"{schema.qualified_name} cannot be compiled: {refused[:300]}", remedy="Make it smaller."
            )
    tokens = sum(sum(estimated_tokens([schema_text(part)])) for part in parts)
    return Preflight(tokens, len(parts), sum(len(grammar.encode()) for grammar in grammars))


def estimated_tokens(texts: Sequence[str]) -> list[int]:
    """About how many tokens each text takes."""
    return [len(text) // CHARS_PER_TOKEN + 1 for text in texts]
