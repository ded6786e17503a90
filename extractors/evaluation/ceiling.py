"""The ceiling of a reading: which truths stand in the words that were read, hence can be written at all.

A value that is copied is a run of whole chunks of the page, or one of its whole numbers, dates, times and currencies
(`extractors.grammar.spans`). A truth that is none of these cannot be answered rightly, however good the model is.
Right means the same as in `extractors.evaluation.metrics`. The document is judged as one window, so that what is lost
where windows are cut is not counted; a list's rows are judged each by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from extractors.evaluation.metrics import Guess, Labels, flatten, is_right
from extractors.grammar.spans import SpanIndex
from extractors.prompting.window import Window, printed_lines
from extractors.validation.paths import leaf_at
from extractors.validation.text import text_key
from schemas.document import ReadDocument
from schemas.tree import Kind, Leaf, Node


def span_index(document: ReadDocument) -> SpanIndex:
    """All that may be copied from a document, taken as one window."""
    lines = tuple(line for page in document.pages for line in printed_lines(page))
    return SpanIndex(Window(0, 1, document.page_count, lines))


def reachable(
    truth: Labels, index: SpanIndex, tree: Node, skip: frozenset[str] = frozenset()
) -> dict[str, bool]:
    """For every labelled leaf that is not null, whether it could be written.

    Args:
        truth: nested labels.
        index: of the words that were read.
        tree: of the schema, which says what is copied and how.
        skip: top-level fields whose labels are known to be wrong.
    """
    labels: Mapping[str, Any] = {name: value for name, value in truth.items() if name not in skip}
    return {path: stands(value, index, leaf_at(tree, path)) for path, value in flatten(labels)}


def stands(truth: Any, index: SpanIndex, leaf: Leaf | None) -> bool:
    """Whether one truth could be written under the grammar; what is chosen and not copied always can."""
    if isinstance(truth, bool) or (leaf is not None and leaf.kind in (Kind.ENUM, Kind.BOOLEAN)):
        return True
    listed = index.texts(leaf) if leaf is not None else None
    if listed is not None:
        return any(is_right(truth, Guess(text, None), one) for text in listed for one in _readings(leaf))
    whole = leaf is not None and index.whole_words(leaf.kind)
    key = text_key(str(truth))
    pieces = index.words_apart if whole else index.chunks
    return bool(key) and any(_is_run(key, segment) for segment in pieces)


def _readings(leaf: Leaf | None) -> tuple[Leaf | None, ...]:
    """The leaf; of a date without a hint also with the day first and the month first, as other dates may tell."""
    if leaf is None or leaf.kind not in (Kind.DATE, Kind.DATETIME) or leaf.day_first is not None:
        return (leaf,)
    return leaf, replace(leaf, day_first=True), replace(leaf, day_first=False)


def _is_run(key: str, pieces: Sequence[str]) -> bool:
    """Whether whole pieces beside one another spell a key."""
    keys = [text_key(piece) for piece in pieces]
    edges = {0, *_ends(keys)}
    text = "".join(keys)
    at = text.find(key)
    while at >= 0:
        if at in edges and at + len(key) in edges:
            return True
        at = text.find(key, at + 1)
    return False


def _ends(keys: Sequence[str]) -> Iterator[int]:
    end = 0
    for key in keys:
        end += len(key)
        yield end
