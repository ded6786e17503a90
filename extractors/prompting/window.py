"""A document as windows: runs of whole printed lines, with their layout as text, that fit the model's context.

The text that the model sees and the text that a value must stand in are made of the same words: the prompt joins
them by space (neighbours), tab (a gap as between table cells) and newline; a span joins them by one space.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from extractors.reading.lines import group_lines
from schemas.document import Page, ReadDocument, Word

CELL_GAP = 1.0
"""A gap wider than this, in medians of the word height, separates cells."""

CountTokens = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """One visual line of one page: its words, and its text with tabs between cells."""

    page: int
    words: tuple[Word, ...]
    text: str


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
    out = []
    for words in lines:
        parts = [words[0].text]
        for left, right in zip(words, words[1:], strict=False):
            parts.append("\t" if right.box.x0 - left.box.x1 > gap else " ")
            parts.append(right.text)
        out.append(PrintedLine(page.number, tuple(words), "".join(parts)))
    return out


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
            pieces.append((PrintedLine(line.page, tuple(run), " ".join(w.text for w in run)), cost))
            run, cost = [], 1
        run.append(word)
        cost += count
    pieces.append((PrintedLine(line.page, tuple(run), " ".join(w.text for w in run)), cost))
    return pieces
