"""The recogniser's second thoughts: where it wavered between letters, the reading that makes a word is taken.

For every column of a line the recogniser gives a probability to each character. Where the best reading is no word
and another that it held possible is one (``Jaian``, ``Jalan``), that one is taken. It needs both: letters are never
changed to what the recogniser did not see, and numbers, codes, known words, punctuation and spaces never at all.
A digit between letters (``FO0DICIOUS``) is the letter it looks like, known word or not, if that was seen as well; so is
one in initials (``D.1.Y.``), in a company's form (``5/B``) and at the end of a name with a hyphen (``HAI-0``), and a
bracket that closes nowhere behind a name in capitals (``MENTA[``).
What was changed keeps the low probability of the letters that were chosen, so that the word says it is unsure.

The rule is a noisy channel: log10 P(letters | picture) + `_LEXICON_WEIGHT` * log10 P(word), with
`_UNKNOWN` + `_UNKNOWN_LETTER` * letters in place of the frequency of a word that nobody knows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from extractors.reading.lexicon import Lexicon

BLANK = 0
"""The class of a column in which no character begins (CTC)."""
_SURE = 0.95
_POSSIBLE = 0.02
"""A character is an alternative where it has at least this probability."""
_LIKELY = 0.05
"""A letter is one in place of its twin where it has at least this probability: no word speaks for it."""
_LEXICON_WEIGHT = 0.6
_UNKNOWN = -6.0
_UNKNOWN_LETTER = -0.35
_MIN_LENGTH = 3
"""Shorter runs say too little, before and after."""
_MIN_LETTERS = 2
"""A run in which fewer letters were seen is a number or a code."""
_MAX_READINGS = 128
"""Readings of one word that are weighed: the most probable so far, letter by letter."""
_TWINS = {"0": "Oo", "1": "Il", "5": "Ss", "8": "B", "[": "I"}
"""Digits, and the letters that look like them; a bracket, too."""
_OF_NAMES = (
    re.compile(r"(?<![\w.])(?:[A-Z]\.)+(?P<at>[01])\.(?:[A-Z]\.)+"),
    re.compile(r"[A-Z]{2,} (?P<at>5)/B(?= ?(?:\(|$))"),
    re.compile(r"(?<![\w-])[A-Z]{3,}-(?P<at>0)(?![\w.,-])"),
    re.compile(r"(?<!\w)[A-Z]{3,}(?P<at>\[)(?!\S)(?!.*\])"),
)
"""What stands in names only, with the one character that is a letter there."""
_LETTERS_AROUND = 4
"""A digit among at least four times as many letters is a letter, if the recogniser held that possible."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What may stand at one place of a line: a character, or nothing (``""``), its probability, the column it is in."""

    char: str
    probability: float
    column: int


Place = tuple[Seen, ...]
"""What may stand at one place, what the recogniser takes for right first."""


def places_of(columns: NDArray[np.floating], characters: Sequence[str]) -> list[Place]:
    """What may stand at each place of a line, from left to right; empty when the recogniser is sure of all of it.

    Args:
        columns: probabilities, of shape (columns, characters); class 0 is CTC's blank.
        characters: of each class.
    """
    best = columns.argmax(axis=1)
    top = columns.max(axis=1)
    if bool((top >= _SURE).all()):
        return []
    places = []
    for label, run in groupby(range(len(best)), key=best.__getitem__):
        at = list(run)
        peak = max(at, key=top.__getitem__)
        others = _others(columns, characters, [t for t in at if top[t] < _SURE], int(label))
        if label == BLANK:
            if others:
                places.append((Seen("", float(top[peak]), peak), *others))
            continue
        # RapidOCR takes the first column of a run for where the character is, and its probability there.
        seen = Seen(characters[label], float(top[at[0]]), at[0])
        missing = float(np.prod(columns[at, BLANK]))
        none = (Seen("", missing, at[0]),) if missing >= _POSSIBLE else ()
        places.append((seen, *others, *none))
    return places


def _others(
    columns: NDArray[np.floating], characters: Sequence[str], at: Sequence[int], label: int
) -> list[Seen]:
    found: dict[int, Seen] = {}
    for t in at:
        for other in np.flatnonzero(columns[t] >= _POSSIBLE).tolist():
            share = float(columns[t, other])
            if other not in (BLANK, label) and (other not in found or share > found[other].probability):
                found[other] = Seen(characters[other], share, t)
    return list(found.values())


def respelled(places: Iterable[Place], lexicon: Lexicon) -> tuple[list[Seen], bool]:
    """The characters of a line after second thoughts, and whether any is another than before.

    Args:
        places: of `places_of`.
        lexicon: which words exist.
    """
    line: list[Seen] = []
    wavered: list[Place] = []
    changed = False
    for is_word, run in groupby(places, key=_belongs_to_word):
        first = list(run)
        word = _word(first, lexicon) if is_word else None
        changed |= word is not None
        line += word or (place[0] for place in first)
        wavered += first
    changed |= _letters_of_names(line, wavered)
    return [seen for seen in line if seen.char], changed


def _letters_of_names(line: list[Seen], places: Sequence[Place]) -> bool:
    """Takes characters that only a name can have there for the letters that they look like; whether there were any."""
    shown = [at for at, seen in enumerate(line) if seen.char]
    text = _text(line[at] for at in shown)
    changed = False
    for found in (match for form in _OF_NAMES for match in form.finditer(text)):
        at = shown[found.start("at")]
        likely = _twin(places[at], line[at].char, upper=True)
        if likely is not None:
            line[at], changed = likely, True
    return changed


def _twin(place: Place, char: str, *, upper: bool) -> Seen | None:
    """The letter that a character looks like, if it was seen there as well."""
    twins = [one for one in _TWINS.get(char, "") if one.isupper() == upper]
    seen = (one for one in place if one.char in twins and one.probability >= _LIKELY)
    return max(seen, key=_probability, default=None)


def _belongs_to_word(place: Place) -> bool:
    return not place[0].char or place[0].char.isalnum()


def _word(places: Sequence[Place], lexicon: Lexicon) -> tuple[Seen, ...] | None:
    """The better reading of one run of letters and digits, if there is one."""
    if all(len(place) == 1 for place in places):
        return None
    plain = _text(place[0] for place in places)
    letters = sum(char.isalpha() for char in plain)
    if len(plain) < _MIN_LENGTH or letters < _MIN_LETTERS:
        return None
    if _is_cased(plain) and lexicon.frequency(plain) is not None:
        return None
    unknown = _LEXICON_WEIGHT * (_UNKNOWN + _UNKNOWN_LETTER * len(plain))
    best, score = None, _likelihood([place[0] for place in places], places) + unknown
    for reading in _readings(places):
        text = _text(reading)
        if text == plain or len(text) < _MIN_LENGTH or not text.isalpha() or not _is_cased(text):
            continue
        frequency = lexicon.frequency(text)
        if frequency is None:
            continue
        total = _likelihood(reading, places) + _LEXICON_WEIGHT * frequency
        if total > score:
            best, score = reading, total
    return best or _letters_throughout(places)


def _letters_throughout(places: Sequence[Place]) -> tuple[Seen, ...] | None:
    """The run with its few digits, each between letters, taken for the letters that they look like."""
    seen = [place[0] for place in places]
    shown = [at for at, one in enumerate(seen) if one.char]
    digits = [at for at in shown if not seen[at].char.isalpha()]
    if not digits or digits[0] == shown[0] or digits[-1] == shown[-1]:
        return None
    if len(shown) - len(digits) < _LETTERS_AROUND * len(digits):
        return None
    upper = sum(seen[at].char.isupper() for at in shown) > 1
    for at in digits:
        likely = _twin(places[at], seen[at].char, upper=upper)
        if likely is None:
            return None
        seen[at] = likely
    return tuple(seen)


def _probability(seen: Seen) -> float:
    return seen.probability


def _readings(places: Sequence[Place]) -> Iterator[tuple[Seen, ...]]:
    """The combinations of what may stand at each place, the most probable of them."""
    found: list[tuple[float, tuple[Seen, ...]]] = [(1.0, ())]
    for place in places:
        found = [(p * seen.probability, (*before, seen)) for p, before in found for seen in place]
        if len(found) > _MAX_READINGS:
            found = sorted(found, key=lambda reading: -reading[0])[:_MAX_READINGS]
    yield from (reading for _, reading in found)


def _likelihood(reading: Sequence[Seen], places: Sequence[Place]) -> float:
    """log10 of a reading's probability among all that may stand there."""
    return sum(
        math.log10(seen.probability / sum(other.probability for other in place))
        for seen, place in zip(reading, places, strict=True)
        if len(place) > 1
    )


def _text(line: Iterable[Seen]) -> str:
    return "".join(seen.char for seen in line)


def _is_cased(text: str) -> bool:
    """Whether a word is written as words are: ``JIn`` and ``BAkery`` are not."""
    return text.islower() or text.isupper() or text.istitle()
