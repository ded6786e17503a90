"""What every search looks at: a document's lines, labels and values, and what a search finds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, pairwise

from extractors.backends.scripted.candidates import Candidate, candidates
from extractors.backends.scripted.labels import Goal, Run
from extractors.backends.scripted.marked_answer import Marked
from extractors.backends.scripted.sheet import Line, Piece, numbers_item
from extractors.backends.scripted.tax_parts import tax_parts
from extractors.validation.text import text_key
from extractors.validation.values import DocumentStyle
from schemas.patterns import matcher_of
from schemas.tree import Kind

ID = ("number", "id", "reference", "iban", "bic")
MIN_SCORE = 0.35
"""Below this a value is not given; the field is taken to be absent."""
_MAX_BELOW_LINES = 4
_HABIT = 3
_TITLE_LINES, _TITLE_TOKENS = 12, 5
_ORDER_WORDS = """
purchaseorder bestellung bondecommande ordendecompra pedidodecompra ordinediacquisto ordinedacquisto inkooporder
zamowienie ordemdecompra
"""
_ORDERS = frozenset(_ORDER_WORDS.split())
"""Titles of orders, folded; a confirmation of one is the seller's."""
_BILL_WORDS = """
invoice taxinvoice receipt creditnote rechnung gutschrift facture avoir fattura factura factuur faktura fatura
"""
_BILLS = frozenset(_BILL_WORDS.split())
_CAPTION_LEADING, _NEXT_BOX = 1.0, 1.8
"""How near a caption is to what it names, in heights of a line, and how many times as far the next box."""
_HEAD_LEADING, _HEAD_OFF = 1.5, 0.6
"""Of the height of a line: how far under a head its values begin at most, and how far off to the side."""


@dataclass(frozen=True, slots=True)
class Match:
    """A value for a field and how good it is (0 to 1)."""

    goal: Goal
    piece: Piece
    score: float


@dataclass(frozen=True)
class Scene:
    """What every search looks at: the lines, their labels, their values by kind; by path what marks answer."""

    lines: list[Line]
    runs: dict[int, list[Run]]
    style: DocumentStyle
    _found: dict[tuple[int, Kind], list[Candidate]]
    marked: Mapping[str, Marked] = field(default_factory=dict)
    vocabulary: frozenset[str] = frozenset()
    _heads: dict[int, bool] = field(default_factory=dict)
    _lefts: dict[int, list[float]] = field(default_factory=dict)

    @cached_property
    def roundings(self) -> frozenset[int]:
        """The lines that round a sum."""
        return frozenset(
            index for index, runs in self.runs.items() for run in runs if "rounding" in run.concepts
        )

    @cached_property
    def tax_heads(self) -> frozenset[int]:
        """The lines that head a column of taxes beside one of amounts."""
        found = set()
        for index, runs in self.runs.items():
            meant = [run.concepts for run in runs]
            figures = any(c.isdigit() for token in self.lines[index].tokens for c in token.text)
            apart = any(
                "tax" in one and "amount" in other for one in meant for other in meant if one is not other
            )
            if apart and not figures:
                found.add(index)
        return frozenset(found)

    @cached_property
    def tax_rows(self) -> Mapping[int, Piece]:
        """The lines that part a sum into what it is without tax and the tax, and where that sum is printed."""
        return dict(tax_parts(self.lines, lambda line: self.values(line, Kind.DECIMAL), self.style))

    @cached_property
    def captions(self) -> frozenset[int]:
        """The lines of labels that stand under what they name, as below boxes of a form: nearer to it than to the next.

        One such line may be the end of a block; two are a habit.
        """
        found = [two.index for one, two in pairwise(self.lines) if self._is_caption(one, two)]
        return frozenset(found if len(found) > 1 else ())

    @cached_property
    def is_order(self) -> bool:
        """Whether the title says that it is a purchase order: the paper of the buyer, whose name stands at the head.

        A title has the rest of its line to itself, where a label has its value there; and a bill that names an order
        is none.
        """
        heads = [
            (text_key("".join(t.text for t in line.tokens[start:end])), end == len(line.tokens))
            for line in self.lines[:_TITLE_LINES]
            for start, end in line.cells
            if end - start <= _TITLE_TOKENS
        ]
        return any(key in _ORDERS and last for key, last in heads) and not any(
            key in _BILLS for key, _ in heads
        )

    @cached_property
    def numbered(self) -> frozenset[tuple[int, int]]:
        """The cells that a form numbers, by line and first token: ``16. Sum insured``.

        Three are a habit, where two of them stand in one line.
        """
        found: set[tuple[int, int]] = set()
        numbers: set[str] = set()
        beside = False
        for line in self.lines:
            here = [
                start
                for start, end in line.cells
                if end - start > 1
                and numbers_item(line.tokens[start].text)
                and _is_worded(line, start + 1, end)
            ]
            found |= {(line.index, start) for start in here}
            numbers |= {line.tokens[start].text.strip("().") for start in here}
            beside = beside or len(here) > 1
        habit = beside and len({number for number in numbers if number.isdigit()}) >= _HABIT
        return frozenset(found if habit else ())

    def _is_caption(self, above: Line, line: Line) -> bool:
        gap = line.top - above.bottom
        if above.page != line.page or not 0 <= gap < _CAPTION_LEADING * line.height or _has_figures(line):
            return False
        below = next((o for o in self.lines[line.index + 1 : line.index + 2] if o.page == line.page), None)
        if below is not None and below.top - line.bottom < _NEXT_BOX * max(gap, 1.0):
            return False
        starts = {start for start, _ in line.cells}
        named = any(run.start in starts for run in self.labels_from(line, 0))
        taken = any(t.ends_label for t in (*line.tokens, *above.tokens)) or any(
            start == run.start for start, _ in above.cells for run in self.labels_from(above, 0)
        )
        return named and not taken and all(_stands_over(above, line, start) for start in starts)

    def heads_columns(self, line: Line) -> bool:
        """Whether all cells of a line are labels of what stands under them: no digit, and cells that begin below."""
        if line.index not in self._heads:
            self._heads[line.index] = self._is_head(line)
        return self._heads[line.index]

    def _is_head(self, line: Line) -> bool:
        below = next(
            (one for one in self.lines[line.index + 1 : line.index + 2] if one.page == line.page), None
        )
        if below is None or len(line.cells) < 2 or _has_figures(line):
            return False
        if below.top - line.bottom > _HEAD_LEADING * line.height or any(t.ends_label for t in below.tokens):
            return False
        # A line of labels and values has values that no label stands like; under a head each cell has its column.
        lefts = [line.tokens[start].word.box.x0 for start, _ in line.cells]
        under = [
            min(abs(below.tokens[start].word.box.x0 - left) for left in lefts) for start, _ in below.cells
        ]
        marked = [line.tokens[end - 1].ends_label for _, end in line.cells]
        return (
            all(off < _HEAD_OFF * line.height for off in under)
            and (len(below.cells) > 1 or all(marked))
            and (all(marked) or not any(marked))
            and any(self.labels_from(line, 0))
            and not any(start == run.start for start, _ in below.cells for run in self.labels_from(below, 0))
        )

    def begins_at(self, line: Line, x0: float, off: float) -> bool:
        """Whether a cell of a line begins at a place, or no further off."""
        if line.index not in self._lefts:
            self._lefts[line.index] = sorted(line.tokens[start].word.box.x0 for start, _ in line.cells)
        lefts = self._lefts[line.index]
        at = bisect_left(lefts, x0 - off)
        return at < len(lefts) and lefts[at] <= x0 + off

    def values(self, line: Line, kind: Kind) -> list[Candidate]:
        key = (line.index, kind)
        if key not in self._found:
            self._found[key] = candidates(line, kind, self.style)
        return self._found[key]

    def values_between(self, line: Line, kind: Kind, start: int, end: int) -> list[Candidate]:
        """The values of a kind that begin at the tokens ``start`` to ``end`` of a line."""
        found = self.values(line, kind)
        first = bisect_left(found, start, key=lambda c: c.piece.start)
        return found[first : bisect_left(found, end, lo=first, key=lambda c: c.piece.start)]

    def labels_from(self, line: Line, start: int) -> Iterator[Run]:
        """The labels of a line that begin at the token ``start`` or behind it, left to right."""
        runs = self.runs.get(line.index, [])
        return islice(runs, bisect_left(runs, start, key=lambda r: r.start), None)

    def limit(self, run: Run) -> int:
        """Where the next label on the line begins; the rest of the same one (*Wages, tips, compensation:*) is none."""
        tokens, end = run.line.tokens, run.end
        for other in self.labels_from(run.line, run.end):
            between = tokens[end : other.start]
            figures = any(c.isdigit() for token in between for c in token.text)
            if tokens[end - 1].ends_label or figures or tokens[other.start].cell != tokens[run.start].cell:
                return other.start
            end = other.end
        return len(tokens)

    def over_caption(self, run: Run) -> tuple[Line, int, int] | None:
        """The cell over a label that stands in brackets, alone in its own (*(Name of applicant)*), or under its box."""
        line = run.line
        start, end = next(cell for cell in line.cells if cell[0] <= run.start < cell[1])
        bracketed = line.tokens[start].text.startswith("(") and line.tokens[end - 1].text.endswith(")")
        if not bracketed and line.index not in self.captions:
            return None
        above = self.lines[line.index - 1] if line.index else None
        if above is None or above.page != line.page or line.top - above.bottom > _HEAD_LEADING * line.height:
            return None
        left, right = line.tokens[start].word.box.x0, line.tokens[end - 1].word.box.x1
        for first, last in above.cells:
            if above.tokens[first].word.box.x0 < right and above.tokens[last - 1].word.box.x1 > left:
                return above, first, last
        return None

    def below(self, run: Run) -> Iterator[Line]:
        """The next lines under a label, on its page."""
        for line in self.lines[run.line.index + 1 : run.line.index + 1 + _MAX_BELOW_LINES]:
            if line.page == run.line.page and line.top - run.line.bottom < 3 * run.line.height:
                yield line


def _stands_over(above: Line, line: Line, start: int) -> bool:
    """Whether a cell of the line above begins where one of a line does."""
    left = line.tokens[start].word.box.x0
    return any(abs(above.tokens[a].word.box.x0 - left) < line.height for a, _ in above.cells)


def _is_worded(line: Line, start: int, end: int) -> bool:
    return line.tokens[start].text[:1].isalpha() and not any(
        c.isdigit() for token in line.tokens[start:end] for c in token.text
    )


def _has_figures(line: Line) -> bool:
    """Whether a line has digits that are no number of an item (*8. Job title*)."""
    return any(c.isdigit() for token in line.tokens if not numbers_item(token.text) for c in token.text)


def fits(goal: Goal, found: Piece) -> Piece | None:
    """The value, or ``None`` when the field cannot hold it."""
    if not text_key(found.raw) or len(found.raw) > goal.leaf.max_chars:
        return None
    if goal.leaf.pattern and not matcher_of(goal.leaf.pattern)(found.raw):
        return None
    return found
