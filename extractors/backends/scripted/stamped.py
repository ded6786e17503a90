"""What stamps say of a field: is there one that says so, and which of the choices does it say."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from extractors.backends.scripted.asking import Asked, asked_of
from extractors.backends.scripted.concepts import parts_of
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.marked_answer import Marked, span_of
from extractors.backends.scripted.meanings import STAMPED, meanings_of, stamp_meanings, stamp_says
from schemas.document import Mark, Page, Word

Stamps = Sequence[tuple[int, Mark, str]]
"""With the page of each and what it says."""
_NO_STAMP = 0.7
"""Certainty of a no where no stamp was found: more are missed than signatures, faint, straight and without a frame."""
_LARGER = 1.4
"""The letters of a stamp are so many times as high as those of the page."""
_TALLER, _WIDER = 1.2, 1.6
"""Or so many times as high, and so many times as wide."""
_PRINTED = 0.85
"""Certainty of a stamp that was read as print."""


def stamped(asked: Asked, stamps: Stamps, *, sought: bool) -> Marked | None:
    wanted = asked.name & STAMPED or asked.about & STAMPED
    if not stamps:
        return Marked("false", _NO_STAMP, None) if sought else None
    number, mark, _ = max(stamps, key=lambda stamp: stamp[1].score)
    if not wanted:
        return Marked("true", mark.score, span_of(number, mark))
    read = [(n, m, stamp_meanings(text)) for n, m, text in stamps]
    for number, mark, says in read:
        if says & wanted:
            return Marked("true", mark.score, span_of(number, mark))
    if all(says for _, _, says in read):  # every stamp says something else
        number, mark, _ = read[0]
        return Marked("false", min(mark.score, 0.9), span_of(number, mark))
    return None


def read_as_print(page: Page) -> list[tuple[int, Mark, str]]:
    """Stamps that a recogniser read as words among words: in capitals, larger than the print, and saying so alone."""
    if not page.marks_sought or not page.words:
        return []
    usual = median([word.box.y1 - word.box.y0 for word in page.words])
    wide = median([_per_letter(word) for word in page.words])
    found = []
    for word in page.words:
        if word.confidence is None or not word.text.isupper() or not stamp_says(word.text):
            continue
        times = (word.box.y1 - word.box.y0) / usual
        if times < _LARGER and (times < _TALLER or _per_letter(word) < _WIDER * wide):
            continue
        found.append((page.number, Mark("stamp", word.box, _PRINTED, text=word.text), word.text))
    return found


def _per_letter(word: Word) -> float:
    return (word.box.x1 - word.box.x0) / max(len(word.text), 1)


def stamp_choice(goal: Goal, stamps: Stamps) -> Marked | None:
    """The choice that a stamp says, where the field asks for a stamp."""
    asked = asked_of(goal)
    if "stamp" not in asked.name | asked.about:
        return None
    said = {choice: meanings_of(" ".join(parts_of(choice))) & STAMPED for choice in goal.leaf.choices}
    for number, mark, text in stamps:
        says = stamp_meanings(text)
        mine = [choice for choice, means in said.items() if means & says]
        if len(mine) == 1:
            return Marked(mine[0], mark.score, span_of(number, mark))
    return None
