"""Grammars of pages, and the real matcher that says what may be written under them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llguidance
import llguidance.numpy
import numpy as np

from extractors.decoding.guide import guide_of
from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.prompting.window import windows_of
from schemas.registry import load_schema
from schemas.tree import tree_of
from tests.tiny import document_of, tiny_processor

GUIDE = guide_of(tiny_processor().tokenizer)


def grammar(lines: Sequence[str], schema: dict[str, Any] | None = None) -> str:
    """The grammar of a page for a schema; for that of receipts when none is given."""
    (window,) = windows_of(document_of(lines), 100_000, lambda texts: [len(t) for t in texts])
    tree = tree_of(schema) if schema else load_schema("receipt").tree
    return grammar_of(tree, SpanIndex(window))


def matcher_of(grammar: str) -> llguidance.LLMatcher:
    matcher = llguidance.LLMatcher(GUIDE, llguidance.LLMatcher.grammar_from_lark(grammar))
    assert not matcher.is_error(), matcher.get_error()
    return matcher


def accepts(grammar: str, text: str) -> bool:
    matcher = matcher_of(grammar)
    ids = tiny_processor().tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return matcher.validate_tokens(ids) == len(ids) and matcher.consume_tokens(ids) and matcher.is_accepting()


def walk(grammar: str, choose: Callable[[list[str]], int], limit: int) -> tuple[str, bool]:
    """Writes byte by byte what the grammar allows; the answer, and whether it came to its end within the limit.

    Args:
        grammar: Lark text.
        choose: which of the bytes that may come next (as characters U+0000 to U+00FF) to write.
        limit: most bytes.
    """
    tokenizer, matcher = tiny_processor().tokenizer, matcher_of(grammar)
    mask = llguidance.numpy.allocate_token_bitmask(1, GUIDE.vocab_size)
    written = b""
    while len(written) < limit and not matcher.is_stopped():
        llguidance.numpy.fill_next_token_bitmask(matcher, mask, 0)
        bits = np.unpackbits(mask[0].view(np.uint8), bitorder="little", count=GUIDE.vocab_size)
        allowed = [int(token) for token in np.flatnonzero(bits) if token != tokenizer.eos_token_id]
        if not allowed:
            return written.decode(), True
        signs = [bytes(GUIDE.decode_bytes([token])).decode("latin-1") for token in allowed]
        number = choose(signs)
        assert matcher.consume_token(allowed[number])
        written += signs[number].encode("latin-1")
    return written.decode(errors="replace"), matcher.is_stopped()
