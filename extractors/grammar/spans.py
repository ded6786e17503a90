"""What may be copied from a window: whole words for text, whole numbers for numbers, whole dates for dates.

A window's words, joined by one space, form one *segment* per page, and one more for each run of cells that stand
below one another. A text value is a run of *chunks* of a segment; a number, date or currency is one of the
*candidates* found in a page's segment, so that a value can never be a piece of a longer number or date.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from extractors.grammar import candidates
from extractors.grammar.candidates import FORMAT_READERS
from extractors.grammar.columns import column_runs
from extractors.grammar.cutting import part_of
from extractors.prompting.window import PrintedLine, Window
from schemas.document import Word
from schemas.patterns import matcher_of
from schemas.tree import Kind, Leaf

_CHUNK = re.compile(r"\w+(?:[.,]\w+|(?<=\d)['’](?=\d)\w+)*|[^\w\s]|\s")
_WORD = re.compile(r"\S+|\s")
GROUP_GAP = 0.65
"""In heights of the words: a wider gap does not hold the thousands of one number apart, but two numbers."""
PATTERN_CHARS = 120
"""Longest text that is held against a pattern."""
_DATED = (Kind.DATE, Kind.DATETIME, Kind.TIME)


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
    ``orders`` the words' numbers in reading order over the whole window. ``ruled`` is the text with a tab for each
    space that holds more apart than the groups of a number.
    """

    page: int
    text: str
    ruled: str
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
        return [_chunks(s.text) for s in self.segments]

    @cached_property
    def words_apart(self) -> list[list[str]]:
        """Per segment, its words and the spaces between them, as `chunks` for values of whole words."""
        return [_WORD.findall(s.text) for s in self.segments]

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
        return self._found(candidates.numbers, ruled=True)

    @cached_property
    def dates(self) -> dict[str, list[Place]]:
        """Everything that is shaped like a date."""
        return self._found(candidates.dates)

    @cached_property
    def times(self) -> dict[str, list[Place]]:
        """Every time of day."""
        return self._found(candidates.times)

    @cached_property
    def datetimes(self) -> dict[str, list[Place]]:
        """Every date with its time; alone where it has none."""
        return self._found(candidates.datetimes)

    @cached_property
    def currencies(self) -> dict[str, list[Place]]:
        """Currency signs and codes of three capitals."""
        return self._found(candidates.currencies)

    def _found(
        self, reader: Callable[[str], candidates.Offsets], *, ruled: bool = False
    ) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = defaultdict(list)
        for i, segment in enumerate(self.pages):
            seen = candidates.plain(segment.ruled if ruled else segment.text)
            for start, end in dict.fromkeys(reader(seen)):
                found[segment.text[start:end]].append(Place(i, start, end))
        return dict(found)

    def candidates(self, kind: Kind) -> dict[str, list[Place]] | None:
        """The closed list of values of a kind, or ``None`` for kinds whose values are free runs of chunks."""
        match kind:
            case Kind.DECIMAL | Kind.INTEGER:
                return self.numbers
            case Kind.DATE:
                return self.dates or None
            case Kind.DATETIME:
                return self.datetimes or None
            case Kind.TIME:
                return self.times or None
            case Kind.CURRENCY:
                return self.currencies
            case _:
                return None

    def texts(self, leaf: Leaf) -> list[str] | None:
        """The closed list of texts that a leaf may hold, or ``None`` when any run of chunks will do.

        A leaf with a format holds what is recognised as such; one with a pattern what the pattern accepts, the shorter
        first, because a pattern without anchors accepts all that is around a match too.
        """
        listed = self.candidates(leaf.kind)
        if listed is not None:
            return list(listed)
        found = list(self._found(FORMAT_READERS[leaf.format])) if leaf.format else None
        if leaf.pattern is None:
            return found
        matches = matcher_of(leaf.pattern)
        runs = found if found is not None else self._short_runs(min(leaf.max_chars, PATTERN_CHARS))
        return sorted(filter(matches, runs), key=len)

    def _short_runs(self, most: int) -> list[str]:
        """Every run of chunks of at most so many characters, in order of where it begins."""
        found: dict[str, None] = {}
        for chunks in self.chunks:
            for first, chunk in enumerate(chunks):
                run = ""
                for part in chunks[first:] if not chunk.isspace() else ():
                    run += part
                    if len(run) > most:
                        break
                    if not part.isspace():
                        found[run] = None
        return list(found)

    def whole_words(self, kind: Kind) -> bool:
        """Whether the free runs of a kind are of whole words: of dates and times that nobody recognised."""
        return kind in _DATED

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
        """The words that a place touches with their page number, in reading order."""
        segment = self.segments[place.segment]
        return [(segment.page, word) for word in segment.words_at(place.start, place.end)]

    def spelled(self, place: Place) -> list[tuple[int, Word]]:
        """The words of a place, the first and last cut to what belongs to it: joined by a space they are its text."""
        segment = self.segments[place.segment]
        first, last = segment.numbers_at(place.start, place.end)
        found = []
        for number in range(first, last + 1):
            word, at = segment.words[number], segment.starts[number]
            cut = part_of(word, max(place.start - at, 0), min(place.end - at, len(word.text)))
            found.append((segment.page, cut))
        return found


def _chunks(text: str) -> list[str]:
    """The pieces of a text that a value never cuts: words and whole numbers of any script, signs, spaces.

    A mark (a vowel sign of Devanagari, an accent that has no letter of its own) goes with what it stands on.
    """
    if text.isascii():
        return _CHUNK.findall(text)
    chunks: list[str] = []
    for match in _CHUNK.finditer(candidates.plain(text)):
        chunk = text[match.start() : match.end()]
        marked = not chunk.isascii() and unicodedata.category(chunk[0])[0] == "M"
        after_mark = chunk[0].isalnum() and chunks and unicodedata.category(chunks[-1][-1])[0] == "M"
        if (marked and chunks and not chunks[-1].isspace()) or after_mark:
            chunks[-1] += chunk
        else:
            chunks.append(chunk)
    return chunks


def _segment(page: int, cells: Sequence[tuple[Word, ...]], order: dict[int, int]) -> Segment:
    words: list[Word] = []
    ruled: list[str] = []
    starts, stops, at = [], [], 0
    for cell in cells:
        for word in cell:
            if ruled:
                ruled.append(" " if word is not cell[0] and _is_close(words[-1], word) else "\t")
            ruled.append(word.text)
            words.append(word)
            starts.append(at)
            at += len(word.text) + 1
        stops.append(at - 1)
    orders = tuple(order[id(word)] for word in words)
    text = " ".join(w.text for w in words)
    return Segment(page, text, "".join(ruled), tuple(words), tuple(starts), tuple(stops), orders)


def _is_close(left: Word, right: Word) -> bool:
    height = max(left.box.y1 - left.box.y0, right.box.y1 - right.box.y0)
    return right.box.x0 - left.box.x1 <= GROUP_GAP * height
