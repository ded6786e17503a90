"""The recogniser's second thoughts: where it wavered between letters, the reading that makes a word is taken.

For every column of a line the recogniser gives a probability to each character. Where the best reading is no word
and another that it held possible is one (``Jaian``, ``Jalan``), that one is taken. It needs both: letters are never
changed to what the recogniser did not see. Numbers, codes, known words, punctuation and spaces stay as they are, but
for two things: single characters of names and sums whose form tells (`_TELLING`), and the second word of a company's
form (`_BEHIND`). A digit between letters (``FO0DICIOUS``) is the letter it looks like, known word or not, if that was
seen as well; so is one in initials (``D.1.Y.``), in a company's form (``5/B``) and at the end of a name with a hyphen
(``HAI-0``), and a bracket that closes nowhere behind a name in capitals (``MENTA[``). A letter between a currency and
the rest of a sum is the digit it looks like (``RMI1.90``).
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
_NEARLY_SURE = 0.9
_LIKELY = 0.05
"""And this where the best has more than `_NEARLY_SURE`; as a twin, or none at all, always this."""
_LEXICON_WEIGHT = 0.6
_UNKNOWN = -6.0
_UNKNOWN_LETTER = -0.35
_BEHIND = {"sdn": "bhd", "pte": "ltd", "pty": "ltd", "pvt": "ltd"}
"""Forms of companies of two words: behind the first nearly always stands the second."""
_NEARLY_ALWAYS = -0.3
"""log10 P(word) of that second word."""
_MIN_LENGTH = 3
"""Shorter runs say too little, before and after."""
_MIN_LETTERS = 2
"""A run in which fewer letters were seen is a number or a code."""
_MAX_READINGS = 128
"""Readings of one word that are weighed: the most probable so far, letter by letter."""
_TWINS = {
    "0": "Oo",
    "1": "Il",
    "5": "Ss",
    "8": "B",
    "[": "I",
    "I": "1",
    "l": "1",
    "T": "1",
    "O": "0",
    "o": "0",
}
"""What looks alike: letters for a digit and a bracket, digits for letters."""
_TELLING = (
    re.compile(r"(?<=[A-Z][ .] )(?:[A-Z]\.)+(?P<at>[01])\.(?:[A-Z]\.)+"),
    re.compile(r"(?<![A-Z])[A-Z]{2,} (?P<at>5)/B(?= ?\(\d)"),
    re.compile(r"^[A-Z]{3,}-(?P<at>0)(?= [A-Z]{3})"),
    re.compile(r"(?<!\w)[A-Z]{3,}(?P<at>\[)(?!\S)(?!.*\])"),
    re.compile(r"(?<!\w)N[Oo]\. ?(?P<at>[Tl]),"),
    re.compile(r"(?<!\w)(?:RM|MYR|USD|EUR|GBP|CHF|SGD|AUD|Rs\.?|[$€£]) ?(?P<at>[IlOo])\d*[.,]\d\d(?![\w.,])"),
)
"""What stands in names or in sums only, with the one character that must be a letter or a digit there."""
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
        none = (Seen("", missing, at[0]),) if missing >= _LIKELY else ()
        places.append((seen, *others, *none))
    return places


def _others(
    columns: NDArray[np.floating], characters: Sequence[str], at: Sequence[int], label: int
) -> list[Seen]:
    found: dict[int, Seen] = {}
    for t in at:
        least = _POSSIBLE if columns[t].max() < _NEARLY_SURE else _LIKELY
        for other in np.flatnonzero(columns[t] >= least).tolist():
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
    changed, before = False, ""
    for is_word, run in groupby(places, key=_belongs_to_word):
        first = list(run)
        word = _word(first, lexicon, _BEHIND.get(before)) if is_word else None
        changed |= word is not None
        taken = list(word or (place[0] for place in first))
        before = _text(taken).casefold() if is_word and _text(taken) else before
        line += taken
        wavered += first
    changed |= _by_form(line, wavered)
    return [seen for seen in line if seen.char], changed


def _by_form(line: list[Seen], places: Sequence[Place]) -> bool:
    """Takes single characters of names and sums for the twins that belong there; whether there were any."""
    shown = [at for at, seen in enumerate(line) if seen.char]
    text = _text(line[at] for at in shown)
    changed = False
    for found in (match for form in _TELLING for match in form.finditer(text)):
        at = shown[found.start("at")]
        likely = _twin(places[at], "".join(one for one in _TWINS[line[at].char] if not one.islower()))
        if likely is not None:
            line[at], changed = likely, True
    return changed


def _twin(place: Place, twins: str) -> Seen | None:
    """The likeliest of some characters, if one of them was seen there as well."""
    seen = (one for one in place if one.char and one.char in twins and one.probability >= _LIKELY)
    return max(seen, key=_probability, default=None)


def _belongs_to_word(place: Place) -> bool:
    return not place[0].char or place[0].char.isalnum()


def _word(places: Sequence[Place], lexicon: Lexicon, expected: str | None) -> tuple[Seen, ...] | None:
    """The better reading of one run of letters and digits, if there is one; ``expected`` by what stands before it."""
    if all(len(place) == 1 for place in places):
        return None
    plain = _text(place[0] for place in places)
    letters = sum(char.isalpha() for char in plain)
    if len(plain) < _MIN_LENGTH or letters < _MIN_LETTERS:
        return None
    known = _is_cased(plain) and lexicon.frequency(plain) is not None
    if plain.casefold() == expected or (known and expected is None):
        return None
    unknown = _LEXICON_WEIGHT * (_UNKNOWN + _UNKNOWN_LETTER * len(plain))
    best, score = None, _likelihood([place[0] for place in places], places) + unknown
    for reading in _readings(places):
        text = _text(reading)
        if text == plain or len(text) < _MIN_LENGTH or not text.isalpha() or not _is_cased(text):
            continue
        frequency = _NEARLY_ALWAYS if text.casefold() == expected else lexicon.frequency(text)
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
        twins = _TWINS.get(seen[at].char, "")
        likely = _twin(places[at], "".join(one for one in twins if one.isupper() == upper))
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
