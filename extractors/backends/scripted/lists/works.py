"""Works that are cited or listed: authors, year, title and where it appeared, from the order and marks of a reference.

Two orders are read: the year behind the authors (*Rossi, I. (2023). Title. Press.*), and sentences for authors, title
and the rest (*A. Gu and T. Dao. Title. In Venue, 2023.*). Anything else keeps its fields empty but for the year.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from extractors.backends.scripted.concepts import parts_of
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.lists.authors import names_in
from extractors.backends.scripted.lists.blocks import Entry
from extractors.backends.scripted.lists.inner import Inner, fill_authors
from extractors.backends.scripted.lists.splitting import behind_marker
from extractors.backends.scripted.scene import fits
from extractors.backends.scripted.sheet import Line, Piece, Token, join
from extractors.backends.scripted.tables import Row
from extractors.validation.text import text_key
from schemas.tree import Kind

_FIELDS = {
    "year": "year date jahr annee anno ano jaar rok published",
    "title": "title name titel titre titolo titulo tytul",
    "authors": "authors author autoren autor auteurs auteur autori autore autores auteur autorzy writers",
    "venue": "venue journal publisher verlag zeitschrift revue editeur editore rivista editorial revista uitgever "
    "wydawca publication source book conference press",
}
_FIELD_OF = {text_key(word): field for field, words in _FIELDS.items() for word in words.split()}
_BEHIND_AUTHORS = re.compile(
    r"^(?P<authors>[^()\d]{4,200}?)\s*(?:\((?:eds?|Hrsg|dir|a cura di)\.?\)\.?\s*)?"
    r"\((?P<year>(?:19|20)\d{2})[a-z]?\)[.,:]?\s+(?P<rest>.+)$"
)
_QUOTED = re.compile(r"^[\"“„«](?P<title>[^\"”“»]{4,250}?)[.,?!]?[\"”»]\.?,?\s*(?P<venue>.*)$")
_STARRED = re.compile(r"^\*(?P<title>[^*]{4,250}?)\*\.?,?\s*(?P<venue>.*)$")
_SENTENCE = re.compile(
    r"(?:(?<=\w\w)|(?<=[)”\"]))(?<!\bSt)(?<!\bDr)(?<!\bJr)(?<!\beds)(?<!\bEds)(?<!\bvol)(?<!\bpp)(?<!\bNo)(?<!\bvs)[.?!]\s+(?=[^\W_]|\*)"
)
_DATED = re.compile(r",\s(?:[^\W\d_]+\s)?(?:19|20)\d{2}\b")
_YEAR = re.compile(r"(?<![\w./:-])((?:19|20)\d{2})[a-z]?(?=[.,;)]|$)")
_NAMES = re.compile(r"^[^\W\d_].*(?:,| and | und | et | & |\.)", re.DOTALL)
_VENUE_END = re.compile(
    r"[,;]|\.\s|\.$|\s\(|\s\d{1,3}\(|\s\d+[:,]|\s(?=[^\W\d_]+:\s?\d)|\s(?:vol|pages?|pp|S)\b"
)
_EDITORS = re.compile(r"In:? [^()]{0,200}?(?:\b[Ee]ditors?\b|\(?\b[Ee]ds?\b\.?\)?),? ")
_NO_VENUE = re.compile(r"(?:pages?|pp|vol|ISBN|doi|URL|https?|\d)\b", re.IGNORECASE)
_MOST_LINES = 15
_LEAST_SHARE = 0.6
_SCORE, _YEAR_SCORE = 0.65, 0.85


@dataclass(frozen=True)
class _Text:
    """An entry as one text, with the token that each character is of."""

    text: str
    tokens: tuple[tuple[Line, int], ...]
    starts: tuple[int, ...]

    def piece(self, start: int, end: int) -> Piece | None:
        """The words from one character to another, without marks at their ends."""
        raw = self.text[start:end]
        left = len(raw) - len(raw.lstrip(' .,;:*"“”„'))
        raw = raw.strip(' ,;:*"“”„')
        start += left
        if not any(map(str.isalnum, raw)):
            return None
        end = start + len(raw)
        first, last = bisect_right(self.starts, start) - 1, bisect_right(self.starts, end - 1) - 1
        whole = join([(line, i, i + 1) for line, i in self.tokens[first : last + 1]])
        return replace(whole, raw=raw)


def fields_of_works(goals: Sequence[Goal]) -> dict[str, Goal]:
    """By ``year``, ``title``, ``authors`` and ``venue`` the fields that ask for them."""
    found: dict[str, Goal] = {}
    for goal in goals:
        for part in reversed(parts_of(goal.path)):
            field = _FIELD_OF.get(text_key(part))
            if field is not None:
                found.setdefault(field, goal)
                break
    return found


def works_of(entries: Sequence[Entry], goals: Sequence[Goal], lists: Sequence[Inner] = ()) -> list[Row]:
    """A row for each work; none where most entries are written in no order that is known."""
    fields = fields_of_works(goals)
    if "title" not in fields or not ({"authors", "year"} & fields.keys() or lists):
        return []
    rows = []
    for entry in entries:
        text = _text(entry)
        row = _row(text, fields)
        authors = _places(text.text).get("authors")
        if authors is not None and row and lists:
            at = authors[0]
            spans = names_in(text.text[slice(*authors)])
            names = [text.piece(at + start, at + end) for start, end in spans]
            fill_authors(row, [name for name in names if name is not None], lists)
        rows.append(row)
    known = sum(len(row) > 1 for row in rows)
    return [row for row in rows if row] if known >= _LEAST_SHARE * len(rows) else []


def _row(text: _Text, fields: dict[str, Goal]) -> Row:
    row: Row = {}
    for field, (start, end) in _places(text.text).items():
        goal = fields.get(field)
        found = text.piece(start, end) if goal is not None else None
        if goal is None or found is None or fits(goal, found) is None:
            continue
        if goal.leaf.kind not in (Kind.TEXT, Kind.INTEGER):
            continue
        row[goal.path] = (found, _YEAR_SCORE if field == "year" else _SCORE)
    return row


def _places(text: str) -> dict[str, tuple[int, int]]:
    """Where the parts of a reference stand in its text."""
    found: dict[str, tuple[int, int]] = {}
    behind = _BEHIND_AUTHORS.match(text)
    if behind is not None:
        found["authors"], found["year"] = behind.span("authors"), behind.span("year")
        _title(text, behind.start("rest"), found)
        return found
    years = list(_YEAR.finditer(text))
    if years:
        found["year"] = years[-1].span(1)
    stop = _SENTENCE.search(text)
    if (
        stop is not None
        and _NAMES.match(text[: stop.end()])
        and not any(map(str.isdigit, text[: stop.start()]))
    ):
        found["authors"] = (0, stop.start())
        _title(text, stop.end(), found)
    return found


def _title(text: str, at: int, found: dict[str, tuple[int, int]]) -> None:
    """Adds title and venue, which begin at a character: in quotation marks or stars, else the next sentence."""
    rest = text[at:]
    marked = _QUOTED.match(rest) or _STARRED.match(rest)
    if marked is not None:
        found["title"] = (at + marked.start("title"), at + marked.end("title"))
        begin = at + marked.start("venue")
    else:
        stops = [stop for stop in (_SENTENCE.search(rest), _DATED.search(rest)) if stop is not None]
        if not stops:
            return
        stop = min(stops, key=lambda one: one.start())
        found["title"] = (at, at + stop.start())
        begin = at + stop.end()
    begin += len(text[begin:]) - len(text[begin:].lstrip("* "))
    editors = _EDITORS.match(text, begin)
    if editors is not None:
        begin = editors.end()
    elif text.startswith("In ", begin):
        begin += 3
    if _NO_VENUE.match(text, begin):
        return
    end = _VENUE_END.search(text, begin)
    stop_at = end.start() if end is not None else len(text)
    if stop_at > begin + 2:
        found["venue"] = (begin, stop_at)


def _text(entry: Entry) -> _Text:
    text, starts, tokens = "", list[int](), list[tuple[Line, int]]()
    for number, line in enumerate(entry.lines[:_MOST_LINES]):
        first = behind_marker(line)[1] if entry.marked and not number else 0
        for i in range(first, len(line.tokens)):
            token: Token = line.tokens[i]
            starts.append(len(text))
            tokens.append((line, i))
            text += token.text + " "
    return _Text(text.rstrip(), tuple(tokens), tuple(starts))
