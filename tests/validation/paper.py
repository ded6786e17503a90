"""Documents for tests, written as plain text: one line a printed line, columns where the columns are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from extractors.backends.base import Answer, LeafAnswer, Span
from schemas.document import Box, DocumentRef, Doubt, Page, ReadDocument, Word

CHAR, LINE, HEIGHT = 6.0, 14.0, 10.0


def paper(*pages: str, confidence: float | None = None, warnings: tuple[str, ...] = ()) -> ReadDocument:
    """A document of monospaced pages: each word stands where it stands in the text."""
    read = []
    for number, text in enumerate(pages, start=1):
        words = [
            Word(
                match[0],
                Box(CHAR * match.start(), LINE * row, CHAR * match.end() - 1, LINE * row + HEIGHT),
                confidence,
            )
            for row, line in enumerate(text.splitlines())
            for match in re.finditer(r"\S+", line)
        ]
        read.append(Page(number, 600, 800, "text_layer", tuple(words), warnings=tuple(map(Doubt, warnings))))
    return ReadDocument(DocumentRef("a.pdf", "0" * 64, 1, "application/pdf"), tuple(read), len(read))


def span_of(document: ReadDocument, raw: str) -> Span | None:
    """Where ``raw`` first stands, word by word."""
    placed = document.words
    wanted = raw.split()
    for i in range(len(placed) - len(wanted) + 1):
        if wanted and [word.text for _, word in placed[i : i + len(wanted)]] == wanted:
            return Span(tuple((page.number, word) for page, word in placed[i : i + len(wanted)]))
    return None


def answered(document: ReadDocument, data: dict[str, Any], log_probability: float = -0.05) -> Answer:
    """An answer that gives ``data`` (texts, ``None`` for absent), each text at its first place."""
    leaves = tuple(
        LeafAnswer(path, raw, log_probability, span_of(document, raw) if raw else None)
        for path, raw in _leaves(data, "")
    )
    return Answer(data, leaves)


def _leaves(node: Any, path: str) -> Iterator[tuple[str, str | None]]:
    if isinstance(node, dict):
        for name, child in node.items():
            yield from _leaves(child, f"{path}.{name}" if path else name)
    elif isinstance(node, list):
        for i, child in enumerate(node):
            yield from _leaves(child, f"{path}.{i}")
    else:
        yield path, node
