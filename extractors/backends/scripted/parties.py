"""Parties of a contract in its opening words: ``between Oak Ltd, 1 Mill Lane, Elmstead (the "Provider"), and ...``."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from extractors.backends.scripted.concepts import concepts_of, parts_of
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.letterhead import LETTER, names_street
from extractors.backends.scripted.scene import ID, Match, Scene, fits
from extractors.backends.scripted.sheet import Piece, join
from extractors.validation.text import text_key
from schemas.tree import Kind

_LINES = 80
_TOLD = 0.9
_BY_REST = 0.7
_OPEN, _CLOSE = "“„\"«‘'‚”", "”“\"»’'"
_TERM = re.compile(
    rf"\((?:[^(){_OPEN}]{{0,40}}\s)?[{_OPEN}]\s*(?P<term>[^(){_OPEN}{_CLOSE}]{{2,40}}?)\s*[{_CLOSE}]\s*\)"
)
_BETWEEN = re.compile(
    r"\b(?:between|zwischen|entre|tra|fra|tussen|pomiędzy|między|by and among)\b[:,]?\s+", re.IGNORECASE
)
_AND = re.compile(r"^\W*(?:(?:and|und|et|en|y|e|ed|i|a|oraz)\b)?\W*(?:\(?\d\)\s*)?", re.IGNORECASE)
_ARTICLES = frozenset(["the", "le", "la", "les", "el", "il", "lo", "der", "die", "das", "de", "het", "den"])
_HOUSE = re.compile(r"\d+\s?[A-Za-z]?")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Party:
    """A party by the word that stands for it, with its name and its address as printed."""

    term: str
    name: Piece
    address: Piece | None


def fill_parties(goals: Sequence[Goal], chosen: dict[str, Match], scene: Scene) -> set[str]:
    """Names and addresses that a contract gives with the word for a party; the last two left belong together.

    Returns:
        The paths of what was so found.
    """
    parties = list(parties_of(scene))
    asked = [goal for goal in goals if goal.kind is Kind.TEXT and not goal.means(*ID)]
    named = {}
    for party in parties:
        for goal in asked:
            if not goal.means("address") and _is_for(goal, party.term):
                named[goal.path] = (party, _TOLD)
    rest = [party for party in parties if all(party is not one for one, _ in named.values())]
    left = [goal for goal in asked if goal.path not in named and _asks_for_name(goal)]
    if len(rest) == len(left) == 1 and len(parties) > 1:
        named[left[0].path] = (rest[0], _BY_REST)
    told = set()
    for goal in asked:
        known = named.get(goal.path) or named.get(_whose(goal, named))
        if known is None:
            continue
        party, score = known
        found = party.address if goal.means("address") else party.name
        if found is not None and (value := fits(goal, found)) is not None:
            chosen[goal.path] = Match(goal, value, score)
            told.add(goal.path)
    return told


def _asks_for_name(goal: Goal) -> bool:
    return not goal.means("address") and ("name" in goal.hints or goal.means("name", "seller", "buyer"))


def _whose(goal: Goal, named: dict[str, tuple[Party, float]]) -> str:
    """The path of the name that an address belongs to: ``provider_address`` to ``provider``."""
    if not goal.means("address"):
        return ""
    words = {unit.word for unit in goal.units if "address" not in unit.concepts}
    return next((path for path in named if words and words <= set(map(text_key, parts_of(path)))), "")


def _is_for(goal: Goal, term: str) -> bool:
    """Whether the word for a party names a field."""
    words = [word for word in parts_of(term) if word.casefold() not in _ARTICLES]
    keys = {text_key(word) for word in words}
    concepts = frozenset[str]().union(*map(concepts_of, words)) - {"description"}
    return any(unit.word in keys or unit.concepts & concepts for unit in goal.units)


def parties_of(scene: Scene) -> Iterator[Party]:
    """The parties that the opening of a document defines."""
    tokens = [(line, i) for line in scene.lines[:_LINES] for i in range(len(line.tokens))]
    text, starts = "", []
    for line, i in tokens:
        starts.append(len(text))
        text += line.tokens[i].text + " "

    def cut(begin: int, end: int) -> Piece | None:
        inside = tokens[bisect_left(starts, begin) : bisect_left(starts, end)]
        parts = [
            (line, group[0][1], group[-1][1] + 1)
            for line, group in ((line, list(group)) for line, group in groupby(inside, lambda one: one[0]))
        ]
        if not parts:
            return None
        whole = join(parts)
        raw = whole.raw.strip(" ,;:")
        return Piece(raw, whole.words, whole.line, whole.start, whole.end) if LETTER.search(raw) else None

    before, told = 0, False
    for found in _TERM.finditer(text):
        opening = [between.end() for between in _BETWEEN.finditer(text, before, found.start())]
        begin = opening[-1] if opening else before
        begin += len(_AND.match(text[begin : found.start()])[0])  # type: ignore[index]
        known = (bool(opening) or told) and 0 < found.start() - begin <= _LONGEST
        before, told = found.end(), False
        if not known or not (text[begin].isupper() or text[begin].isdigit()):
            continue
        name_end = begin + len(_name(text[begin : found.start()]))
        name = cut(begin, name_end)
        if name is not None:
            told = True
            yield Party(found["term"], name, cut(name_end, found.start()))


def _name(text: str) -> str:
    """The name at the beginning of a text, up to its first part with a number or street: the address."""
    parts = text.split(",")
    for i, part in enumerate(parts[1:], start=1):
        if any(map(str.isdigit, part)) or names_street(part):
            street_before = i > 1 and bool(_HOUSE.fullmatch(part.strip()))  # "Via Roma, 91"
            return ",".join(parts[: i - street_before]) + ","
    return text
