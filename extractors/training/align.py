"""Where a labelled value stands on the page: the text that the model should copy.

Labels are typed values or transcriptions; the page has a printed form, and for scans the recogniser's reading of it.
The target is always text of the page, so that training and decoding agree on what may be written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from rapidfuzz import fuzz

from extractors.grammar.spans import Place, SpanIndex
from extractors.grounding.evidence import Evidence
from extractors.validation.currencies import parse_currency
from extractors.validation.dates import parse_date
from extractors.validation.numbers import NumberStyle, parse_number
from extractors.validation.problems import UntypableError
from extractors.validation.text import text_key
from schemas.tree import Kind, Leaf

MIN_SIMILARITY = 84.0
"""How alike (0..100) a misread text must be to its label to be taken for it."""
_DATE_LABEL = re.compile(r"\d{4}-\d\d?-\d\d?|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d\d)")
_NUMBER_LABEL = re.compile(r"-?\d[\d.,]*[.,]\d{1,4}")
_STYLES = (NumberStyle("."), NumberStyle(","))


def target_of(
    value: Any, leaf: Leaf, index: SpanIndex, path: str = "", *, after: int | None = None, loose: bool = True
) -> str | None:
    """The page's text for a labelled value, or ``None`` when the window does not have it.

    A typed label may be printed in several ways (``1``, ``1,00``): what is meant is the one at the place that is
    labelled best, or for a row of a list the next one behind ``after``.

    Args:
        value: the label.
        leaf: of the schema.
        index: of the window.
        path: of the leaf, whose name labels are compared with.
        after: number of a word in reading order; ``None``: the value is of no row.
        loose: take a text that is only much like the label, as a recogniser may have read it.
    """
    at = _Wanted(leaf, index, path, after)
    match leaf.kind:
        case Kind.DECIMAL | Kind.INTEGER:
            return at.best(index.numbers, lambda text: _decimal(value) in _numbers(text))
        case Kind.DATE:
            wanted = _dates(str(value))
            return at.best(index.dates, lambda text: bool(wanted & _dates(text)))
        case Kind.CURRENCY:
            return at.best(index.currencies, lambda text: _currency(text) == _currency(str(value)))
        case _:
            return _text(str(value), at, loose)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which leaf a text is looked for, and where: see `target_of`."""

    leaf: Leaf
    index: SpanIndex
    path: str
    after: int | None

    def best(self, candidates: Mapping[str, Sequence[Place]], fits: Callable[[str], bool]) -> str | None:
        """Of the texts that fit the one at the best place; of equally good ones the first on the page."""
        fitting = {text: places for text, places in candidates.items() if fits(text)}
        if len(fitting) < 2:
            return next(iter(fitting), None)
        order = self.index.order
        if (after := self.after) is not None:
            return min(fitting, key=lambda t: min((order(p)[0] < after, order(p)) for p in fitting[t]))
        evidence = Evidence(self.index, {})

        def rank(text: str) -> tuple[float, int]:
            scored = [(-evidence.score(self.path, self.leaf, p), order(p)[0]) for p in fitting[text]]
            return min(scored)

        return min(fitting, key=rank)


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return next(iter(sorted(_numbers(str(value)))), None)


def _numbers(text: str) -> set[Decimal]:
    found = set()
    for style in _STYLES:
        try:
            found.add(parse_number(text, style))
        except UntypableError:
            continue
    return found


def _dates(text: str) -> set[str]:
    found = set()
    for day_first in (True, False):
        try:
            found.add(parse_date(text, day_first).isoformat())
        except UntypableError:
            continue
    return found


def _currency(text: str) -> str | None:
    try:
        return parse_currency(text)
    except UntypableError:
        return None


def _text(value: str, at: _Wanted, loose: bool) -> str | None:
    index, max_chars = at.index, at.leaf.max_chars
    exact = " ".join(value.split())
    if len(exact) <= max_chars and index.places(exact, Kind.TEXT):
        return exact
    key = text_key(exact)
    if not key:
        return None
    for chunks in index.chunks:
        found = _by_key(key, chunks)
        if found and len(found) <= max_chars:
            return found
    if (typed := _typed(exact, at)) is not None:
        return typed
    best: tuple[float, str] = (0.0, "")
    if loose and len(key) >= 5:
        for chunks in index.chunks:
            best = max(best, _fuzzy(exact, chunks))
    return best[1] if best[0] >= MIN_SIMILARITY and len(best[1]) <= max_chars else None


def _typed(value: str, at: _Wanted) -> str | None:
    """The page's date or number that a label means which is typed where the schema has a text."""
    if _DATE_LABEL.fullmatch(value):
        wanted = _dates(value)
        return at.best(at.index.dates, lambda text: bool(wanted & _dates(text)))
    if _NUMBER_LABEL.fullmatch(value):
        return at.best(at.index.numbers, lambda text: bool(_numbers(value) & _numbers(text)))
    return None


def _by_key(key: str, chunks: list[str]) -> str | None:
    """The run of chunks whose letters and digits are those of the key; closing punctuation is not taken along."""
    keys = [text_key(c) if re.search(r"\w", c) else "" for c in chunks]
    joined = "".join(keys)
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    at = 0
    for i, k in enumerate(keys):
        if k:
            starts[at] = i
            at += len(k)
            ends[at] = i
    position = joined.find(key)
    while position >= 0:
        first, last = starts.get(position), ends.get(position + len(key))
        if first is not None and last is not None:
            return "".join(chunks[first : last + 1]).strip()
        position = joined.find(key, position + 1)
    return None


def _fuzzy(value: str, chunks: list[str]) -> tuple[float, str]:
    """The run of chunks most like the value, with its similarity."""
    text = "".join(chunks)
    if len(text) < 3:
        return 0.0, ""
    hit = fuzz.partial_ratio_alignment(value.casefold(), text.casefold(), score_cutoff=MIN_SIMILARITY)
    # casefold may change lengths (ß); then offsets would lie and the exact search is all there is
    if hit is None or len(text.casefold()) != len(text):
        return 0.0, ""
    start, end = _word_edges(text, hit.dest_start, hit.dest_end)
    return _trimmed(value, text[start:end].strip())


def _trimmed(value: str, found: str) -> tuple[float, str]:
    """The found run without words at its ends that make it less like the value."""
    score = fuzz.ratio(value.casefold(), found.casefold())
    while " " in found:
        shorter = [found.split(" ", 1)[1].strip(), found.rsplit(" ", 1)[0].strip()]
        best = max(shorter, key=lambda part: fuzz.ratio(value.casefold(), part.casefold()))
        if (better := fuzz.ratio(value.casefold(), best.casefold())) <= score:
            break
        score, found = better, best
    return score, found


def _word_edges(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return start, end
