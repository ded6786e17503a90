"""What a recogniser makes of printed words: a model of its errors, fitted on what it really read.

`misreadings.json` holds rates and counts of single characters, no text of any document; `fit_misreadings.py` makes it
and says of what. Ten thousand pages are misread in minutes, where recognising them would take a night.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median

from pydantic import BaseModel, ConfigDict

from extractors.prompting.window import CELL_GAP
from extractors.reading.geometry import Frame2D, clip_box
from extractors.reading.lines import group_lines
from schemas.document import Box, Word

TABLE = Path(__file__).with_name("misreadings.json")
_SHORT = 2
"""Letters and digits of a piece of print that is lost more easily than others."""


class CharErrors(BaseModel):
    """What became of one character: counts. ``read_as`` has other characters, ``""`` for nothing."""

    model_config = ConfigDict(frozen=True)

    seen: int
    read_as: dict[str, int]


class Misreadings(BaseModel):
    """The fitted table. Rates are per chance: per space, per pair of neighbouring characters, per piece of print.

    Attributes:
        origin: what it was fitted on.
        characters: by upper-case character; letters of both cases are confused alike.
        inserted: per character, one that is not there is read before it.
        insertions: which, by count.
        glued: per space between words; ``glued_mark`` beside a punctuation mark.
        split: per pair of characters within a word; ``split_mark`` beside a punctuation mark.
        lost: per piece of print (a table cell, a line); ``lost_short`` for those of one or two characters.
        jitter: standard deviation of the edges of boxes in heights of print: left and right of words (how unevenly
            words are set is in it), top and bottom of lines.
        severity: quantiles over documents of their error rate in shares of the mean one, from best to worst.
        confidence_right: quantiles of a recogniser's confidence in words of which it read every character rightly.
        confidence_wrong: and in others.
    """

    model_config = ConfigDict(frozen=True)

    origin: str
    characters: dict[str, CharErrors]
    inserted: float
    insertions: dict[str, int]
    glued: float
    glued_mark: float
    split: float
    split_mark: float
    lost: float
    lost_short: float
    jitter: tuple[float, float]
    severity: tuple[float, ...]
    confidence_right: tuple[float, ...]
    confidence_wrong: tuple[float, ...]

    def error_rate(self) -> float:
        """Wrong or missing characters as a share of all, over the whole fit."""
        seen = sum(one.seen for one in self.characters.values())
        return sum(sum(one.read_as.values()) for one in self.characters.values()) / max(seen, 1)


@cache
def load_misreadings() -> Misreadings:
    """The table that ships."""
    return Misreadings.model_validate_json(TABLE.read_text(encoding="utf-8"))


def quantile(values: Sequence[float], share: float) -> float:
    """Between sorted values, linearly; ``share`` is 0 for the first and 1 for the last."""
    at = min(max(share, 0.0), 1.0) * (len(values) - 1)
    low = min(int(at), len(values) - 2) if len(values) > 1 else 0
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)


class Misreader:
    """Reads the words of a page as a recogniser might.

    Args:
        table: fitted rates.
        chance: what is drawn.
        wear: how bad the document is among its like: 0 the best, 1 the worst, 0.5 the usual one.
    """

    def __init__(self, table: Misreadings, chance: random.Random, wear: float) -> None:
        self._table, self._chance = table, chance
        self.severity = quantile(table.severity, wear)
        self._insertions = list(table.insertions), list(accumulate(table.insertions.values()))

    def page(self, words: Sequence[Word], frame: Frame2D) -> tuple[Word, ...]:
        """The words of a page, misread: in reading order, none empty, all boxes on the page."""
        found: list[Word] = []
        for piece in pieces(words):
            found += self._piece(piece, frame)
        return tuple(found)

    def _rate(self, rate: float) -> bool:
        return self._chance.random() < rate * self.severity

    def _piece(self, piece: Sequence[Word], frame: Frame2D) -> list[Word]:
        table = self._table
        short = sum(len(word.text) for word in piece) <= _SHORT
        if self._rate(table.lost_short if short else table.lost):
            return []
        read: list[tuple[str, Box, bool]] = []
        for word in piece:
            text, right = self._text(word.text)
            if not text:
                continue
            if read and self._rate(table.glued_mark if _beside_mark(read[-1][0], text) else table.glued):
                before, box, fine = read.pop()
                read.append((before + text, _around(box, word.box), fine and right))
            else:
                read.append((text, word.box, right))
        out: list[Word] = []
        top, bottom = self._line(piece)
        for text, box, right in read:
            box = Box(box.x0, box.y0 + top, box.x1, max(box.y1 + bottom, box.y0 + top))
            parts = self._split(text)
            for part, place in zip(parts, shares(parts, box), strict=True):
                sure = quantile(
                    table.confidence_right if right else table.confidence_wrong,
                    self._chance.random(),
                )
                out.append(Word(part, clip_box(self._jittered(place), frame), round(sure, 4)))
        return out

    def _text(self, text: str) -> tuple[str, bool]:
        """A word as it is read, and whether that is right."""
        read = []
        for char in text:
            if self._rate(self._table.inserted) and self._insertions[0]:
                names, weights = self._insertions
                read.append(self._chance.choices(names, cum_weights=weights)[0])
            read.append(self._char(char))
        found = "".join(read)
        return found, found == text

    def _char(self, char: str) -> str:
        known = self._table.characters.get(char.upper())
        if known is None or not known.read_as:
            return char
        if not self._rate(sum(known.read_as.values()) / known.seen):
            return char
        other = self._chance.choices(list(known.read_as), list(known.read_as.values()))[0]
        return other.lower() if char.islower() else other

    def _split(self, text: str) -> list[str]:
        parts = [text[:1]]
        for left, right in pairwise(text):
            if self._rate(self._table.split_mark if _beside_mark(left, right) else self._table.split):
                parts.append("")
            parts[-1] += right
        return parts

    def _line(self, piece: Sequence[Word]) -> tuple[float, float]:
        """How far top and foot of a line are moved: its words are found as one piece, so they move together."""
        sigma = self._table.jitter[1] * median(word.box.y1 - word.box.y0 for word in piece)
        return self._chance.gauss(0, sigma), self._chance.gauss(0, sigma)

    def _jittered(self, box: Box) -> Box:
        sigma = self._table.jitter[0] * (box.y1 - box.y0)
        return Box(
            box.x0 + self._chance.gauss(0, sigma), box.y0, box.x1 + self._chance.gauss(0, sigma), box.y1
        )


def pieces(words: Sequence[Word]) -> list[list[Word]]:
    """Words that a recogniser sees as one piece of print: neighbours on a line, as far as the next wide gap."""
    lines = group_lines(words)
    if not lines:
        return []
    gap = CELL_GAP * max(median(word.box.y1 - word.box.y0 for word in words), 1.0)
    found: list[list[Word]] = []
    for line in lines:
        found.append([line[0]])
        for left, right in pairwise(line):
            if right.box.x0 - left.box.x1 > gap:
                found.append([])
            found[-1].append(right)
    return found


def shares(parts: Sequence[str], box: Box) -> list[Box]:
    """The box of each part of a word, by the number of its characters."""
    total = max(sum(map(len, parts)), 1)
    edges = [box.x0 + (box.x1 - box.x0) * at / total for at in accumulate(map(len, parts), initial=0)]
    return [Box(left, box.y0, right, box.y1) for left, right in pairwise(edges)]


def is_mark(char: str) -> bool:
    """Whether a character is neither a letter nor a digit."""
    return not char.isalnum()


def _beside_mark(left: str, right: str) -> bool:
    return is_mark(left[-1]) or is_mark(right[0])


def _around(one: Box, other: Box) -> Box:
    return Box(min(one.x0, other.x0), min(one.y0, other.y0), max(one.x1, other.x1), max(one.y1, other.y1))
