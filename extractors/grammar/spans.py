"""What may be copied from a window: whole words for text, whole numbers for numbers, whole dates for dates.

A window's words, joined by one space, form one *segment* per page, and one more for each run of cells that stand
below one another. A text value is a run of *chunks* of a segment; a number, date or currency is one of the
*candidates* found in a page's segment, so that a value can never be a piece of a longer number or date.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from extractors.grammar.columns import column_runs
from extractors.prompting.window import PrintedLine, Window
from schemas.document import Word
from schemas.tree import Kind

_CHUNK = re.compile(r"\w+(?:[.,]\w+)*|[^\w\s]|\s")
_NUMBER = re.compile(
    # After a word character only where that ends a currency mark: RM9.00 is 9.00, A12 is no number.
    r"(?:(?<![\w.,])|(?<=\bRM)|(?<=\bRs)|(?<=\bRs\.)|(?<=\bEUR)|(?<=\bUSD)|(?<=\bGBP)|(?<=\bCHF)|(?<=\bMYR))"
    r"(?P<open>[-−–(]\s?)?(?P<sign>[$€£¥₹]\s?[-−]?)?"
    r"(?P<core>\d(?:[\d.,'’]*\d)?)(?P<close>\s?\)|[-−](?![\w]))?(?![\w]*\d)"
)
_GROUPED = re.compile(r"(?<![\w.,])[-−]?\d{1,3}(?: \d{3})+(?:[.,]\d{1,4})?(?![\w.,]*\d)")
_MONTH = (
    r"(?:jan|feb|fev|fév|mar|mär|mae|mrt|apr|abr|avr|may|mai|mei|maj|jun|jui|jul|lug|aug|aoû|aou|ago|sep|set|okt|oct|ott"
    r"|nov|dec|dez|déc|dic|ene|gen|giu|mag|maa)[^\W\d_]{0,7}"
)
_DATE = re.compile(
    r"(?<!\d)(?<!\d[.,/-])(?:"
    r"\d{4}\s?[-/.]\s?\d{1,2}\s?[-/.]\s?\d{1,2}"
    r"|\d{1,2}\s?[-/.]\s?\d{1,2}\s?[-/.]\s?(?:(?:19|20)\d{2}|\d{2})"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|º)?[\s./-]{{0,2}}(?:de\s)?{_MONTH}[\s.,/'’-]{{0,3}}(?:de\s)?(?:\d{{4}}|\d{{2}})"
    rf"|{_MONTH}[\s./-]{{0,2}}\d{{1,2}}(?:st|nd|rd|th)?[\s.,/'’-]{{1,3}}(?:\d{{4}}|\d{{2}})"
    r"|\d{4}年\s?\d{1,2}月\s?\d{1,2}日"
    r"|(?:19|20)\d{6}|\d{4}(?:19|20)\d{2}"
    # A recogniser glues the time to the date (26/02/1808:28): the date ends where a clock time begins.
    r")(?:(?!\d)(?![-/.]\d)|(?=\d{1,2}:\d{2}))",
    re.IGNORECASE,
)
_CURRENCY = re.compile(r"[$€£¥₹]|(?<![^\W\d_])(?:[A-Z]{3}|RM|S\$|US\$|kr|Kč|zł|Ft)(?![^\W\d_])")


@dataclass(frozen=True, slots=True)
class Place:
    """Characters ``start`` to ``end`` of segment ``segment``."""

    segment: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """The words of one page of a window, or of one column run of it, joined by one space.

    ``starts`` are the words' offsets in ``text``; ``stops`` the offsets where a printed cell or line ends;
    ``orders`` the words' numbers in reading order over the whole window.
    """

    page: int
    text: str
    words: tuple[Word, ...]
    starts: tuple[int, ...]
    stops: tuple[int, ...]
    orders: tuple[int, ...]

    def cell_end(self, at: int) -> int:
        """Where the cell that holds character ``at`` ends."""
        place = bisect_right(self.stops, at)
        return self.stops[place] if place < len(self.stops) else len(self.text)

    def words_at(self, start: int, end: int) -> list[Word]:
        """The words that characters ``start`` to ``end`` touch."""
        first, last = self.numbers_at(start, end)
        return list(self.words[first : last + 1])

    def numbers_at(self, start: int, end: int) -> tuple[int, int]:
        """First and last of the words that characters ``start`` to ``end`` touch, by their number here."""
        first = max(bisect_right(self.starts, start) - 1, 0)
        return first, max(bisect_right(self.starts, end - 1) - 1, first)


class SpanIndex:
    """All that may be copied from one window, and where it stands."""

    def __init__(self, window: Window) -> None:
        by_page: dict[int, list[PrintedLine]] = defaultdict(list)
        for line in window.lines:
            by_page[line.page].append(line)
        self.line_count = len(window.lines)
        order = {id(w): i for i, w in enumerate(w for line in window.lines for w in line.words)}
        self.pages = tuple(
            _segment(p, [c for ln in lines for c in ln.cells], order) for p, lines in by_page.items()
        )
        self.columns = tuple(
            _segment(page, run, order) for page, lines in by_page.items() for run in column_runs(lines)
        )
        self.segments = self.pages + self.columns

    @cached_property
    def chunks(self) -> list[list[str]]:
        """Per segment, the pieces of which a text value is a run; joined they are the segment's text."""
        return [_CHUNK.findall(s.text) for s in self.segments]

    @cached_property
    def _edges(self) -> list[set[int]]:
        edges = []
        for chunks in self.chunks:
            at, seen = 0, {0}
            for chunk in chunks:
                at += len(chunk)
                seen.add(at)
            edges.append(seen)
        return edges

    @cached_property
    def numbers(self) -> dict[str, list[Place]]:
        """Every whole number, as printed with its sign, brackets and currency sign."""
        found: dict[str, list[Place]] = defaultdict(list)
        for i, segment in enumerate(self.pages):
            for match in _NUMBER.finditer(segment.text):
                start, end = match.span()
                text = match.group()
                if match["open"] and match["open"].startswith("(") and not match["close"]:
                    start = match.start() + len(match["open"])
                    text = segment.text[start:end]
                elif match["close"] and ")" in match["close"] and not (match["open"] or "").startswith("("):
                    end = match.start("close")
                    text = segment.text[start:end]
                found[text].append(Place(i, start, end))
            for match in _GROUPED.finditer(segment.text):
                found[match.group()].append(Place(i, *match.span()))
        return dict(found)

    @cached_property
    def dates(self) -> dict[str, list[Place]]:
        """Everything that is shaped like a date."""
        return self._candidates(_DATE)

    @cached_property
    def currencies(self) -> dict[str, list[Place]]:
        """Currency signs and words that may be currency codes."""
        return self._candidates(_CURRENCY)

    def _candidates(self, pattern: re.Pattern[str]) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = defaultdict(list)
        for i, segment in enumerate(self.pages):
            for match in pattern.finditer(segment.text):
                found[match.group()].append(Place(i, *match.span()))
        return dict(found)

    def candidates(self, kind: Kind) -> dict[str, list[Place]] | None:
        """The closed list of values of a kind, or ``None`` for kinds whose values are free runs of chunks."""
        match kind:
            case Kind.DECIMAL | Kind.INTEGER:
                return self.numbers
            case Kind.DATE:
                return self.dates or None
            case Kind.CURRENCY:
                return self.currencies
            case _:
                return None

    def places(self, text: str, kind: Kind) -> list[Place]:
        """Everywhere that a value stands, in reading order; empty when it is not on the window's pages.

        Column runs are asked only for what reading order does not have: their words are the pages' words.
        """
        listed = self.candidates(kind)
        if listed is not None:
            return listed.get(text, [])
        pages = range(len(self.pages))
        columns = range(len(self.pages), len(self.segments))
        return self._runs(text, pages) or self._runs(text, columns)

    def _runs(self, text: str, segments: range) -> list[Place]:
        found = []
        for i in segments:
            page = self.segments[i].text
            at = page.find(text)
            while at >= 0 and text:
                if at in self._edges[i] and at + len(text) in self._edges[i]:
                    found.append(Place(i, at, at + len(text)))
                at = page.find(text, at + 1)
        return found

    def occurrences(self, text: str) -> int:
        """How often a text stands on the window's pages, as part of a longer one too."""
        counts = (sum(s.text.count(text) for s in part) for part in (self.pages, self.columns))
        return next(filter(None, counts), 0)

    def order(self, place: Place) -> tuple[int, int]:
        """Numbers of a place's first and last word in reading order over the window."""
        segment = self.segments[place.segment]
        first, last = segment.numbers_at(place.start, place.end)
        return segment.orders[first], segment.orders[last]

    def words(self, place: Place) -> list[tuple[int, Word]]:
        """The words of a place with their page number, in reading order."""
        segment = self.segments[place.segment]
        return [(segment.page, word) for word in segment.words_at(place.start, place.end)]


def _segment(page: int, cells: Sequence[tuple[Word, ...]], order: dict[int, int]) -> Segment:
    words, starts, stops, at = [], [], [], 0
    for cell in cells:
        for word in cell:
            words.append(word)
            starts.append(at)
            at += len(word.text) + 1
        stops.append(at - 1)
    orders = tuple(order[id(word)] for word in words)
    return Segment(page, " ".join(w.text for w in words), tuple(words), tuple(starts), tuple(stops), orders)
