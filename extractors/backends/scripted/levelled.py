"""Photographs taken askew, as the rules see them: words and marks where they would stand, had the page lain straight.

Columns, gaps and what stands below what are told by places. The answers point at the page as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from extractors.backends.base import LeafAnswer, Span
from extractors.grammar.cutting import part_of
from extractors.reading.skew import estimate_skew
from schemas.document import Box, Page, ReadDocument, Word


@dataclass(frozen=True, slots=True)
class _Moved(Word):
    """A word, or a part of one, of the levelled page; with the whole word there, and on the page as it is."""

    whole: Box = Box(0, 0, 0, 0)  # noqa: RUF009 (frozen)
    seen: Word = Word("", Box(0, 0, 0, 0))  # noqa: RUF009 (frozen)


class Levelled:
    """A document whose photographed pages lie straight; the others are what they were.

    Attributes:
        document: for the rules.
    """

    def __init__(self, document: ReadDocument) -> None:
        self._marks: dict[tuple[int, Box], Box] = {}
        self._any = False
        self.document = replace(document, pages=[self._page(page) for page in document.pages])

    def seen(self, leaves: Sequence[LeafAnswer]) -> list[LeafAnswer]:
        """The answers with their places on the pages as they are."""
        if not self._any:
            return list(leaves)
        return [
            replace(
                leaf,
                span=None if leaf.span is None else self._span(leaf.span),
                others=tuple((raw, self._span(span)) for raw, span in leaf.others),
            )
            for leaf in leaves
        ]

    def _page(self, page: Page) -> Page:
        skew = estimate_skew(page.words)
        if not skew.is_steep:
            return page
        self._any = True
        places = {mark.box: skew.levelled(mark.box) for mark in page.marks}
        self._marks |= {(page.number, place): box for box, place in places.items()}
        words = []
        for word in page.words:
            place = skew.levelled(word.box)
            words.append(_Moved(word.text, place, word.confidence, word.turned, place, word))
        marks = tuple(replace(mark, box=places[mark.box]) for mark in page.marks)
        return replace(page, words=tuple(words), marks=marks)

    def _span(self, span: Span) -> Span:
        return Span(tuple((page, _word(page, word, self._marks)) for page, word in span.words))


def _word(page: int, word: Word, marks: Mapping[tuple[int, Box], Box]) -> Word:
    if not isinstance(word, _Moved):
        return replace(word, box=marks.get((page, word.box), word.box))
    said = word.seen.text
    if word.text == said:
        return word.seen
    starts = [at for at in range(len(said)) if said.startswith(word.text, at)]
    # The same letters may stand in a word twice: which of them is told by where the part was cut out.
    wide = max(word.whole.x1 - word.whole.x0, 1e-6)
    share = (word.box.x0 - word.whole.x0) / wide
    start = min(starts, key=lambda at: abs(at / len(said) - share))
    return part_of(word.seen, start, start + len(word.text))
