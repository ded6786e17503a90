"""A document as windows: runs of whole printed lines, with their layout as text, that fit the model's context.

The text that the model sees and the text that a value must stand in are made of the same words: the prompt joins
them by space (neighbours), tab (a gap as between table cells) and newline; a span joins them by one space. Both
have them folded (`normalise_text`), whoever made the document: what the prompt shows the grammar lets copy.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import overload

from extractors.reading.lines import group_lines
from extractors.reading.text import normalise_text
from schemas.document import Page, ReadDocument, Word

CELL_GAP = 1.0
"""A gap wider than this, in medians of the word height, separates cells."""

OVERLAP_LINES = 3
"""Lines before a window's own that it shows again: a label at the foot of a page, the first half of a table's row."""
OVERLAP_SHARE = 0.1
"""Of a window's tokens that those lines may take."""

MAX_TOKENS = 16_000
"""Of a window, whatever fits the model: the grammar's lexer takes some 25,000 words, and a token is a word at most."""

_PAGE_MARK = 8
"""Tokens of the line that tells where a page begins."""

CountTokens = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """One visual line of one page, as cells of words: neighbours apart by no more than a gap."""

    page: int
    cells: tuple[tuple[Word, ...], ...]

    @property
    def words(self) -> list[Word]:
        return [word for cell in self.cells for word in cell]

    @property
    def text(self) -> str:
        """The line as the prompt shows it: spaces between words, tabs between cells."""
        return "\t".join(" ".join(word.text for word in cell) for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive lines of a document, ``index`` of ``total`` windows.

    The first ``again`` lines are the last of the window before, shown again; values may be copied from them too.
    """

    index: int
    total: int
    page_count: int
    lines: tuple[PrintedLine, ...]
    again: int = 0

    @property
    def own(self) -> tuple[PrintedLine, ...]:
        """The lines that are this window's and no other's."""
        return self.lines[self.again :]

    @property
    def text(self) -> str:
        """What the prompt shows: every line, each page led by ``[page 2/5]`` when there are several."""
        return "\n".join(text for text, _ in self._shown())

    def _shown(self) -> Iterator[tuple[str, PrintedLine | None]]:
        """The lines of the text, with the printed line that each shows; a line that tells a page shows none."""
        page = 0
        for line in self.lines:
            if line.page != page:
                page = line.page
                if self.page_count > 1:
                    yield f"[page {page}/{self.page_count}]", None
            yield line.text, line

    @property
    def word_places(self) -> list[tuple[int, int, int, Word]]:
        """Of every word: where it begins and ends in `text`, its page, and the word; in the order of the text."""
        found, at = [], 0
        for text, line in self._shown():
            start = at
            for word in line.words if line is not None else ():
                found.append((start, start + len(word.text), line.page if line else 0, word))
                start += len(word.text) + 1  # a space or a tab
            at += len(text) + 1
        return found

    @property
    def first_page(self) -> int:
        """The page whose picture goes with the window: of the first line of its own."""
        return self.own[0].page if self.own else 1


def printed_lines(page: Page) -> list[PrintedLine]:
    """The visual lines of a page, top to bottom, their words folded; words of which nothing is left are gone."""
    lines = group_lines(_folded(page.words))
    heights = [w.box.y1 - w.box.y0 for line in lines for w in line]
    gap = CELL_GAP * max(median(heights), 1.0) if heights else 1.0
    return [PrintedLine(page.number, _cells(words, gap)) for words in lines]


def _folded(words: Sequence[Word]) -> list[Word]:
    """The words in their one form; those that have it already, as reading makes them, are the same objects."""
    found = []
    for word in words:
        text = normalise_text(word.text)
        if text:
            found.append(word if text == word.text else replace(word, text=text))
    return found


def _cells(words: Sequence[Word], gap: float) -> tuple[tuple[Word, ...], ...]:
    cells = [[words[0]]]
    for left, right in pairwise(words):
        if right.box.x0 - left.box.x1 > gap:
            cells.append([])
        cells[-1].append(right)
    return tuple(map(tuple, cells))


class Windows(Sequence[Window]):
    """The windows of a document, each made when it is asked for; only where they begin is kept."""

    def __init__(self, document: ReadDocument, budget: int, count_tokens: CountTokens) -> None:
        self._document, self._budget, self._count_tokens = document, budget, count_tokens
        self._begins = [(0, 0)]  # position of a page, and of a piece on it
        self._again = [0]
        room, begun = budget, False
        recent: deque[int] = deque(maxlen=OVERLAP_LINES)
        for position, page in enumerate(document.pages):
            mark = _PAGE_MARK
            for at, (_, cost) in enumerate(self._pieces(page)):
                cost += mark
                mark = 0
                if cost > room and begun:
                    again, taken = self._overlap(recent, budget - cost)
                    self._begins.append((position, at))
                    self._again.append(again)
                    room = budget - taken
                room -= cost
                begun = True
                recent.append(cost)

    def _overlap(self, recent: Sequence[int], room: int) -> tuple[int, int]:
        """How many of the lines before, of these costs, are shown again, and what they cost together."""
        most = OVERLAP_SHARE * self._budget
        lines = taken = 0
        for cost in reversed(recent):
            grown = taken + cost + (0 if lines else _PAGE_MARK)
            if grown > min(room, most):
                break
            lines, taken = lines + 1, grown
        return lines, taken

    def _pieces(self, page: Page) -> list[tuple[PrintedLine, int]]:
        """The lines of a page with their tokens; one that is longer than a window is cut."""
        lines = printed_lines(page)
        counts = self._count_tokens([line.text for line in lines]) if lines else []
        pieces: list[tuple[PrintedLine, int]] = []
        for line, count in zip(lines, counts, strict=True):
            whole = count + 1 <= self._budget
            pieces += [(line, count + 1)] if whole else _split(line, self._budget, self._count_tokens)
        return pieces

    def __len__(self) -> int:
        return len(self._begins)

    @overload
    def __getitem__(self, index: int) -> Window: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Window]: ...
    def __getitem__(self, index: int | slice) -> Window | Sequence[Window]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        pages = self._document.pages
        first, start = self._begins[number]
        last, end = (*self._begins, (len(pages), 0))[number + 1]
        lines: list[PrintedLine] = []
        for position in range(first, min(last + 1, len(pages))):
            pieces = self._pieces(pages[position])
            wanted = slice(start if position == first else 0, end if position == last else None)
            lines += (line for line, _ in pieces[wanted])
        before = self._before(first, start, self._again[number])
        return Window(number, len(self), self._document.page_count, (*before, *lines), len(before))

    def _before(self, position: int, at: int, count: int) -> list[PrintedLine]:
        """So many lines before a place, also from the pages before it."""
        found: list[PrintedLine] = []
        while len(found) < count:
            pieces = [line for line, _ in self._pieces(self._document.pages[position])[:at]]
            found = pieces[-(count - len(found)) :] + found
            position, at = position - 1, sys.maxsize
        return found


def windows_of(document: ReadDocument, budget: int, count_tokens: CountTokens) -> Sequence[Window]:
    """Cuts a document into windows of at most ``budget`` tokens; every word is one window's own.

    Each shows a few lines of the one before again, so that no value is cut off from its label.

    Args:
        document: what was read.
        budget: tokens of document text per window; `MAX_TOKENS` at most.
        count_tokens: tokens of each of some texts under the model's tokenizer.
    """
    return Windows(document, min(budget, MAX_TOKENS), count_tokens)


def _split(line: PrintedLine, budget: int, count_tokens: CountTokens) -> list[tuple[PrintedLine, int]]:
    """A line longer than a window (a page without line breaks) as several."""
    pieces: list[tuple[PrintedLine, int]] = []
    run: list[Word] = []
    cost = 1
    for word, count in zip(line.words, count_tokens([" " + w.text for w in line.words]), strict=True):
        if run and cost + count > budget:
            pieces.append((PrintedLine(line.page, (tuple(run),)), cost))
            run, cost = [], 1
        run.append(word)
        cost += count
    pieces.append((PrintedLine(line.page, (tuple(run),)), cost))
    return pieces
