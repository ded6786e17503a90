"""Fields that running text answers: *takes effect on 11 October 2019*, *shall pay a fee of 750.00*, *30 days' notice*.

Contracts and letters have no labels; what a date or a sum is, the words of its sentence before it say, and the heading
over the paragraph. Each value of a sentence goes to the field that most of these words speak for, words nearby more.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.likeness import Asked, are_common, asked_of, explains, rarity_of
from extractors.backends.scripted.scene import ID, Match, Scene, fits
from extractors.backends.scripted.sheet import Line, Piece, join, numbers_item
from extractors.validation.text import text_key
from schemas.tree import NUMERIC, Kind

_PROSE_WORDS = 6
_HEADING_WORDS = 6
_SENTENCE = 60
"""Tokens of a sentence at most."""
_NEAR, _BEHIND = 8, 4
_FAR_SHARE, _BEHIND_SHARE, _HEADING_SHARE = 0.5, 0.6, 0.5
_LEAST = 1.0
_SURE, _WEAK = 1.6, 0.6
"""What must speak for a value to go before one with a score below that."""
_SCORE, _SLOPE, _MOST = 0.4, 0.08, 0.7
_ENDS = re.compile(r"[^\W\d_]{3,}[)”\"’']?[.;]$|\d[.;]$|[.;]$")
_SECTION = re.compile(
    r"(?:§|article|section|clause|artikel|article|articolo|artículo|art\.)\W?$", re.IGNORECASE
)
_COUNT_WORDS = """
one two three four five six seven eight nine ten twelve thirty sixty ninety ein eine einem einer einen zwei drei vier
fünf sechs sieben acht neun zehn zwölf dreißig sechzig neunzig un une deux trois quatre cinq six sept huit neuf dix
douze trente soixante uno una due tre quattro cinque sei dodici trenta sessanta dos tres cuatro seis doce treinta een
één twee drie vier vijf zes twaalf dertig zestig jeden dwa trzy sześć trzydzieści
"""
_COUNTS = frozenset(text_key(word) for word in _COUNT_WORDS.split())
_FIGURE = re.compile(r"\(?\d{1,3}\)?")
_BETWEEN_WORDS = frozenset(
    ["calendar", "business", "working", "full", "consecutive", "volle", "vollen", "mois", "clear"]
)
_LENGTHS = re.compile(
    r"(?:days?|weeks?|months?|years?|tag(?:en?)?|wochen?|monat(?:en?)?|jahre?n?|jours?|semaines?|mois|ans?|années?|giorn[oi]"
    r"|settiman[ae]|mes[ei]|ann[oi]|d[ií]as?|semanas?|mes(?:es)?|años?|dag(?:en)?|we(?:ek|ken)|maand(?:en)?|ja(?:ar|ren)"
    r"|dni|dzień|tygodni\w*|miesi[ąę]c\w*|lat[a]?|rok\w*)['’]?[.,;]?",
    re.IGNORECASE,
)
_LASTING = frozenset(
    ["period", "term", "notice", "duration", "deadline", "warranty", "frist", "laufzeit", "duree", "preavis"]
)
_LEGAL = frozenset(
    ["law", "laws", "jurisdiction", "courts", "recht", "gerichtsstand", "droit", "legge", "ley", "tribunaux"]
)
_LAW = re.compile(
    r"\b(?i:laws? of|courts? of|recht(?:s)? (?:der|des|von)|gerichtsstand ist|gerichte in|tribunaux d[eu]"
    r"|droit (?:de|du)|leggi d(?:i|el|ella)|foro di|leyes de|tribunales de"
    r"|rechtbank(?:en)? (?:van|te)|sąd(?:y|em)? w)\s+"
    r"(?i:(?:the|la|le|der|des|het)\s+)?(?:(?:State|Commonwealth|Province|Republic|Kingdom)\s+of\s+)?"
    r"(?P<place>[A-ZÀ-ÖØ-Þ][\w.’'-]*(?:\s(?:(?:and|of|the|am|an|der|de|la|le)\s)?[A-ZÀ-ÖØ-Þ][\w.’'-]*){0,3})"
)

Place = tuple[Line, int]


@dataclass(frozen=True, slots=True)
class Sentence:
    """The tokens of a sentence, over its lines, and the words of the heading over its paragraph."""

    tokens: tuple[Place, ...]
    heading: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """What a sentence says of a field: by position how much, and by which of its words; the same of the heading."""

    words: tuple[tuple[int, float, str], ...]
    heading: tuple[tuple[float, str], ...]


def fill_from_prose(goals: Sequence[Goal], chosen: dict[str, Match], scene: Scene) -> None:
    """Gives fields the values that sentences tell, where nothing better was found.

    Args:
        goals: all fields that are copied from the page and stand in no list.
        chosen: what was found, by path; added to.
        scene: the document.
    """
    asked = [asked_of(goal) for goal in goals]
    open_ = [one for one in asked if one.goal.path not in chosen or chosen[one.goal.path].score < _WEAK]
    wanted = [one for one in open_ if _can_be_told(one)]
    if not wanted:
        return
    rarity = rarity_of(asked)
    taken = {
        (m.piece.line, m.piece.start)
        for path, m in chosen.items()
        if all(path != one.goal.path for one in open_)
    }
    found = []
    for sentence in sentences_of(scene):
        for one in wanted:
            told = None
            for piece, first, last in _values(one, sentence, scene):
                told = told or _told(one, sentence, rarity)
                speaks = _speaks_for(told, first, last)
                if speaks >= (_least(one) if one.goal.path in chosen else _LEAST):
                    found.append((speaks, one.goal, piece))
    found.sort(key=lambda one: (-one[0], one[1].order, one[2].line, one[2].start))
    given = set[str]()
    for speaks, goal, piece in found:
        if goal.path not in given and (piece.line, piece.start) not in taken:
            taken.add((piece.line, piece.start))
            given.add(goal.path)
            chosen[goal.path] = Match(goal, piece, min(_SCORE + _SLOPE * speaks, _MOST))


def _least(one: Asked) -> float:
    """What must speak for a value to go before one that was found; nothing puts words in the place of words."""
    return math.inf if one.goal.kind is Kind.TEXT else _SURE


def _can_be_told(one: Asked) -> bool:
    goal = one.goal
    if goal.kind in (Kind.DATE, *NUMERIC):
        return not goal.means("quantity", "percent")
    return goal.kind is Kind.TEXT and not goal.means("name", "address", *ID) and (_lasts(one) or _is_law(one))


def _lasts(one: Asked) -> bool:
    return bool(_LASTING & {*one.name}) or one.goal.means("period", "terms")


def _is_law(one: Asked) -> bool:
    return bool(_LEGAL & {*one.name})


def sentences_of(scene: Scene) -> Iterator[Sentence]:
    """The sentences of running text: lines of words in a single cell, paragraph by paragraph."""
    heading: tuple[str, ...] = ()
    tokens: list[Place] = []
    last: Line | None = None
    for line in scene.lines:
        if len(line.cells) > 1 or (last is not None and last.page != line.page):
            yield from _closed(tokens, heading)
            tokens, last = [], None
            continue
        title = _heading(line)
        if title is not None:
            yield from _closed(tokens, heading)
            tokens, heading, last = [], title, line
            continue
        if len(line.tokens) < _PROSE_WORDS and not tokens:
            continue
        for i, token in enumerate(line.tokens):
            tokens.append((line, i))
            if (_ENDS.search(token.text) and _next_begins(line, i)) or len(tokens) >= _SENTENCE:
                yield from _closed(tokens, heading)
                tokens = []
        last = line
    yield from _closed(tokens, heading)


def _closed(tokens: Sequence[Place], heading: tuple[str, ...]) -> Iterator[Sentence]:
    if len(tokens) >= _PROSE_WORDS:
        yield Sentence(tuple(tokens), heading)


def _next_begins(line: Line, i: int) -> bool:
    """Whether what follows a full stop begins a sentence; at the end of a line it may."""
    return i + 1 == len(line.tokens) or line.tokens[i + 1].text[:1].isupper()


def _heading(line: Line) -> tuple[str, ...] | None:
    """The words of the heading of a section: a number or the sign of one, and few words."""
    first = line.tokens[0].text
    numbered = (
        numbers_item(first) or _SECTION.fullmatch(first) or first[:1] == "§" or first.rstrip(".").isdigit()
    )
    if (
        not numbered
        or not 1 < len(line.tokens) <= _HEADING_WORDS
        or line.text.rstrip().endswith((".", ",", ";"))
    ):
        return None
    return tuple(key for token in line.tokens[1:] if (key := text_key(token.text)) and not key.isdigit())


def _values(one: Asked, sentence: Sentence, scene: Scene) -> Iterator[tuple[Piece, int, int]]:
    """The values in a sentence that a field may have, with where they begin and end in it."""
    goal = one.goal
    if goal.kind is Kind.TEXT:
        yield from _lengths(goal, sentence) if _lasts(one) else _places_of_law(goal, sentence)
        return
    at = {(line.index, i): position for position, (line, i) in enumerate(sentence.tokens)}
    for index in sorted({line.index for line, _ in sentence.tokens}):
        for candidate in scene.values(scene.lines[index], goal.kind):
            first = at.get((index, candidate.piece.start))
            if first is None or (goal.kind in NUMERIC and (candidate.strength < 1.0 or candidate.percent)):
                continue
            found = fits(goal, candidate.piece)
            if found is not None:
                yield found, first, first + candidate.piece.end - candidate.piece.start


def _lengths(goal: Goal, sentence: Sentence) -> Iterator[tuple[Piece, int, int]]:
    """Lengths of time as worded: ``thirty (30) days'``, ``sechs Wochen``."""
    texts = [line.tokens[i].text for line, i in sentence.tokens]
    for end, text in enumerate(texts):
        if not _LENGTHS.fullmatch(text):
            continue
        start = end
        while (
            start
            and end - start < 4
            and (
                text_key(texts[start - 1]) in _COUNTS
                or _FIGURE.fullmatch(texts[start - 1])
                or (start == end and text_key(texts[start - 1]) in _BETWEEN_WORDS)
            )
        ):
            start -= 1
        counted = any(t[:1].isdigit() or t[:1] == "(" or text_key(t) in _COUNTS for t in texts[start:end])
        found = _cut(goal, sentence, start, end + 1) if counted else None
        if found is not None:
            yield found, start, end + 1


def _places_of_law(goal: Goal, sentence: Sentence) -> Iterator[tuple[Piece, int, int]]:
    """Whose law holds, and where its courts are: ``the laws of the State of New York``."""
    texts = [line.tokens[i].text for line, i in sentence.tokens]
    for found in _LAW.finditer(" ".join(texts)):
        start = len(" ".join(texts)[: found.start("place")].split())
        end = start
        while end < start + len(found["place"].split()) and (end == start or texts[end - 1][-1] not in ".,;"):
            end += 1
        if (piece := _cut(goal, sentence, start, end)) is not None:
            yield piece, start, end


def _cut(goal: Goal, sentence: Sentence, start: int, end: int) -> Piece | None:
    """Tokens of a sentence as a value, without the mark behind it."""
    runs: list[tuple[Line, int, int]] = []
    for line, i in sentence.tokens[start:end]:
        if runs and runs[-1][0] is line:
            runs[-1] = (line, runs[-1][1], i + 1)
        else:
            runs.append((line, i, i + 1))
    whole = join(runs)
    raw = whole.raw.rstrip(" .,;:")
    return fits(goal, Piece(raw, whole.words, whole.line, whole.start, whole.end))


def _told(one: Asked, sentence: Sentence, rarity: Mapping[str, float]) -> _Told:
    """What each word of a sentence and of its heading says of a field."""

    def said(word: str) -> tuple[float, str]:
        share, by = explains(word, one) if len(word) > 1 else (0.0, "")
        return (0.0, "") if not share or are_common([by]) else (share * rarity.get(by, 0.0), by)

    words = (said(text_key(line.tokens[i].text)) for line, i in sentence.tokens)
    return _Told(
        tuple((position, *one) for position, one in enumerate(words) if one[0]),
        tuple(one for one in map(said, sentence.heading) if one[0]),
    )


def _speaks_for(told: _Told, first: int, last: int) -> float:
    """How much the words around a value speak for a field: each of the field's own counts once, where it says most."""
    said = {by: _HEADING_SHARE * tells for tells, by in told.heading}
    for position, tells, by in told.words:
        if first <= position < last:
            continue
        if position < first:
            share = 1.0 if first - position <= _NEAR else _FAR_SHARE
        else:
            share = _BEHIND_SHARE if position < last + _BEHIND else 0.0
        said[by] = max(said.get(by, 0.0), share * tells)
    return sum(said.values())
