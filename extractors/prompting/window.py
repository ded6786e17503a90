"""A document as windows: runs of whole printed lines, with their layout as text, that fit the model's context.

The text that the model sees and the text that a value must stand in are made of the same words: the prompt joins
them by space (neighbours), tab (a gap as between table cells) and newline; a span joins them by one space.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from extractors.reading.lines import group_lines
from schemas.document import Page, ReadDocument, Word

CELL_GAP = 1.0
"""A gap wider than this, in medians of the word height, separates cells."""

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
    """Consecutive lines of a document, ``index`` of ``total`` windows."""

    index: int
    total: int
    page_count: int
    lines: tuple[PrintedLine, ...]

    @property
    def text(self) -> str:
        """What the prompt shows: every line, each page led by ``[page 2/5]`` when there are several."""
        shown: list[str] = []
        page = 0
        for line in self.lines:
            if line.page != page:
                page = line.page
                if self.page_count > 1:
                    shown.append(f"[page {page}/{self.page_count}]")
            shown.append(line.text)
        return "\n".join(shown)

    @property
    def first_page(self) -> int:
        return self.lines[0].page if self.lines else 1


def printed_lines(page: Page) -> list[PrintedLine]:
    """The visual lines of a page, top to bottom."""
    lines = group_lines(page.words)
    heights = [w.box.y1 - w.box.y0 for line in lines for w in line]
    gap = CELL_GAP * max(median(heights), 1.0) if heights else 1.0
    return [PrintedLine(page.number, _cells(words, gap)) for words in lines]


def _cells(words: Sequence[Word], gap: float) -> tuple[tuple[Word, ...], ...]:
    cells = [[words[0]]]
    for left, right in pairwise(words):
        if right.box.x0 - left.box.x1 > gap:
            cells.append([])
        cells[-1].append(right)
    return tuple(map(tuple, cells))


def windows_of(document: ReadDocument, budget: int, count_tokens: CountTokens) -> list[Window]:
    """Cuts a document into windows of at most ``budget`` tokens; every word is in exactly one window.

    Args:
        document: what was read.
        budget: tokens of document text per window.
        count_tokens: tokens of each of some texts under the model's tokenizer.
    """
    lines = [line for page in document.pages for line in printed_lines(page)]
    counts = [n + 1 for n in count_tokens([line.text for line in lines])] if lines else []
    groups: list[list[PrintedLine]] = [[]]
    room, page = budget, 0
    for line, count in zip(lines, counts, strict=True):
        pieces = [(line, count)] if count <= budget else _split(line, budget, count_tokens)
        for piece, cost in pieces:
            cost += 8 if piece.page != page else 0  # the page mark
            page = piece.page
            if cost > room and groups[-1]:
                groups.append([])
                room = budget
            groups[-1].append(piece)
            room -= cost
    return [Window(i, len(groups), document.page_count, tuple(g)) for i, g in enumerate(groups)]


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
