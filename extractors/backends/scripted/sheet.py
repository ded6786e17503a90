"""A document as lines of tokens and cells: the form in which the scripted backend looks at it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from extractors.backends.base import Span
from extractors.backends.scripted.concepts import label_concepts
from extractors.grammar.cutting import part_of
from extractors.reading.lines import group_lines
from extractors.reading.skew import print_height, slope_between
from schemas.document import ReadDocument, Word

_CELL_GAP = 1.1
"""A gap wider than this many line heights separates two cells."""
_ITEM = re.compile(r"\(?(?:\d{1,2}|[A-Za-z])[.)]")
_GLUED = re.compile(
    r"^(?:([^\W\d_][^\W\d]*[.)]?:)([^\s/].*)|(?=[^\s:/]*[^\W\d_])([^\s:/]*:)([A-Z]{0,3}[$€£]?\d[\d,]*[.,]\d\d))$"
)
"""A label of letters before anything, or of any print before a sum: ``Date:25/12/2018``, ``CC*7185:RM111.90``."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or one half of a word that glues a label to its value (``Date:25/12/2018``)."""

    text: str
    word: Word
    concepts: frozenset[str]
    cell: int

    @property
    def ends_label(self) -> bool:
        return self.text.endswith(":")


def numbers_item(text: str) -> bool:
    """Whether a word numbers an item of a form: ``1.``, ``(b)``."""
    return bool(_ITEM.fullmatch(text))


@dataclass(frozen=True)
class Line:
    """One printed line. ``index`` counts over the document; ``height`` is its tallest word's."""

    page: int
    index: int
    tokens: tuple[Token, ...]

    @cached_property
    def height(self) -> float:
        return max(t.word.box.y1 - t.word.box.y0 for t in self.tokens)

    @cached_property
    def top(self) -> float:
        return min(t.word.box.y0 for t in self.tokens)

    @cached_property
    def bottom(self) -> float:
        return max(t.word.box.y1 for t in self.tokens)

    @cached_property
    def text(self) -> str:
        return " ".join(t.text for t in self.tokens)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where each token begins in `text`."""
        return tuple(accumulate((len(t.text) + 1 for t in self.tokens[:-1]), initial=0))

    def token_at(self, offset: int) -> int:
        """The token that a character of `text` is of; a blank is of the one before it."""
        return bisect_right(self.starts, offset) - 1

    @cached_property
    def cells(self) -> tuple[tuple[int, int], ...]:
        """Token ranges ``(start, end)`` of the cells, left to right."""
        found: list[tuple[int, int]] = []
        start = 0
        for i in range(1, len(self.tokens) + 1):
            if i == len(self.tokens) or self.tokens[i].cell != self.tokens[start].cell:
                found.append((start, i))
                start = i
        return tuple(found)

    @cached_property
    def _ends(self) -> dict[int, int]:
        return {self.tokens[start].cell: end for start, end in self.cells}

    def numbers_cell(self, position: int) -> bool:
        """Whether a token numbers the label that it begins the cell of: ``8. Height (cm)``."""
        tokens = self.tokens
        return (
            numbers_item(tokens[position].text)
            and (position == 0 or tokens[position - 1].cell != tokens[position].cell)
            and position + 1 < len(tokens)
            and tokens[position + 1].cell == tokens[position].cell
            and tokens[position + 1].text[:1].isalpha()
        )

    def cell_end(self, position: int) -> int:
        """Where the cell that holds the token at ``position`` ends."""
        return self._ends[self.tokens[position].cell]


_MAX_TOKENS = 400
"""Of a line: what looks at each with every other stays quick, whatever a page prints."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of tokens on one line (or over several, for addresses): a value with its place."""

    raw: str
    words: tuple[tuple[int, Word], ...]
    line: int
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Where it stands: the words without what is not of the value, such as ``RM`` of ``RM9.00``."""
        return Span(_spelling(self.raw, self.words))

    @property
    def x0(self) -> float:
        return self.words[0][1].box.x0

    @property
    def x1(self) -> float:
        return self.words[-1][1].box.x1


def piece(line: Line, start: int, end: int, raw: str | None = None) -> Piece:
    """The tokens ``start`` to ``end`` of a line; ``raw`` when the value is only part of their text."""
    tokens = line.tokens[start:end]
    text = raw if raw is not None else _as_printed(tokens)
    return Piece(text, _words(line.page, tokens), line.index, start, end)


def _as_printed(tokens: Sequence[Token]) -> str:
    """The text of tokens; the halves of one word are put together again."""
    text = ""
    for before, token in pairwise((None, *tokens)):
        assert token is not None
        text += ("" if before is None or before.word is token.word else " ") + token.text
    return text


def cut(line: Line, start: int, end: int) -> Piece:
    """What stands from one character of a line's text to another, with all of the tokens that it is of."""
    return piece(line, line.token_at(start), line.token_at(end - 1) + 1, line.text[start:end].strip())


def join(pieces: Sequence[tuple[Line, int, int]]) -> Piece:
    """Runs of several lines as one value, joined with spaces."""
    words = tuple(word for line, a, b in pieces for word in _words(line.page, line.tokens[a:b]))
    raw = " ".join(_as_printed(line.tokens[a:b]) for line, a, b in pieces if a < b)
    line, start, end = pieces[0]
    return Piece(raw, words, line.index, start, end)


def _spelling(raw: str, words: tuple[tuple[int, Word], ...]) -> tuple[tuple[int, Word], ...]:
    """The words, the first and last cut to what belongs to the text; as they are where they do not hold it."""
    at = " ".join(word.text for _, word in words).rfind(raw)  # in one word a value stands behind its label
    if at < 0:
        return words
    found = []
    begin = 0
    for page, word in words:
        start, end = max(at - begin, 0), min(at + len(raw) - begin, len(word.text))
        if start < end:
            found.append((page, part_of(word, start, end)))
        begin += len(word.text) + 1
    return tuple(found)


_OTHER_PRINT = 1.5


def other_print(one: Word, other: Word) -> bool:
    """Whether a recognised word was found apart from its neighbour: a stamp, handwriting, print of another size.

    All words of a recognised line have its height, but for the slant of a photograph; a text layer's heights are those
    of fonts and letters, and say less.
    """
    if one.confidence is None or other.confidence is None:
        return False
    slope = slope_between(one.box, other.box)
    heights = sorted(max(print_height(word.box, slope), 0.1) for word in (one, other))
    return heights[1] > _OTHER_PRINT * heights[0]


def _words(page: int, tokens: Sequence[Token]) -> tuple[tuple[int, Word], ...]:
    """The words of the tokens; a word of which both halves are taken counts once."""
    found: list[Word] = []
    for token in tokens:
        if not found or found[-1] is not token.word:
            found.append(token.word)
    return tuple((page, word) for word in found)


def read_sheet(document: ReadDocument) -> list[Line]:
    """All printed lines of a document, top to bottom, page after page."""
    lines: list[Line] = []
    for page in document.pages:
        for words in group_lines(page.words):
            tokens = _tokens(words)
            for start in range(0, len(tokens), _MAX_TOKENS):  # no printed line is that long
                lines.append(Line(page.number, len(lines), tokens[start : start + _MAX_TOKENS]))
    return lines


def _tokens(words: Sequence[Word]) -> tuple[Token, ...]:
    tokens: list[Token] = []
    cell = 0
    previous: Word | None = None
    for word in words:
        text = word.text.strip()
        if not text:
            continue
        if previous is not None:
            height = max(word.box.y1 - word.box.y0, previous.box.y1 - previous.box.y0, 1.0)
            cell += word.box.x0 - previous.box.x1 > _CELL_GAP * height
        glued = _GLUED.match(text)
        for part in filter(None, glued.groups()) if glued else (text,):
            tokens.append(Token(part, word, label_concepts(part), cell))
        previous = word
    return tuple(tokens)
