"""Signatures and the words that ask for them: is there one, and whose is it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from extractors.backends.base import Span
from extractors.backends.scripted.marked_answer import Marked, span_of
from extractors.backends.scripted.meanings import meanings_of
from extractors.backends.scripted.sheet import Line
from schemas.document import Box, Mark, Word

ABSENT = 0.8
"""Certainty of a no where nothing was found on pages that were looked at."""
_BY_ITSELF = 0.75
"""Where words ask for a signature, strokes far from them are one from this certainty on, else other writing."""
_ELSEWHERE = 0.65
"""Certainty of a no where only such writing was found."""
_ROW_POINTS = 24.0
"""Words that ask for signatures side by side stand at heights that differ so much at most."""
_NEAR_POINTS = 95.0
"""A signature stands so near to the words that ask for it."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Words that ask for a signature."""

    page: int
    box: Box
    text: str
    words: tuple[Word, ...]


def slots_of(lines: Sequence[Line]) -> list[Slot]:
    """Short runs of print that ask for a signature: a cell that says so and little else."""
    found = []
    for line in lines:
        for start, end in line.cells:
            tokens = line.tokens[start:end]
            text = " ".join(token.text for token in tokens)
            if len(tokens) > 6 or "signature" not in meanings_of(text) or "data" in meanings_of(text):
                continue
            words = tuple(token.word for token in tokens)
            found.append(Slot(line.page, _around(words), text, words))
    return found


def signed(
    which: int, of: int, found: Sequence[tuple[int, Mark]], slots: Sequence[Slot], *, sought: bool
) -> Marked | None:
    """Whether a field that asks for a signature has one.

    Args:
        which: place of the field among those that ask for a signature.
        of: their number.
        found: signatures with their pages.
        slots: words that ask for them.
        sought: whether all pages were looked at.
    """
    slots = _in_rows(slots)
    if of > 1 and (found or slots):
        if len(slots) < of:
            nobody = sought and not found
            return Marked("false", ABSENT, None) if nobody else None
        mine = slots[-of:][which]
        own = _signature_at(mine, found, slots)
        if own is not None:
            return Marked("true", min(own[1].score, 0.9), span_of(*own))
        return Marked("false", ABSENT, Span(tuple((mine.page, w) for w in mine.words))) if sought else None
    if found:
        asked_for = [one for slot in slots if (one := _signature_at(slot, found, slots)) is not None]
        number, mark = max(asked_for or found, key=lambda pair: pair[1].score)
        if asked_for or not slots or mark.score >= _BY_ITSELF:
            return Marked("true", mark.score, span_of(number, mark))
    if not sought:
        return None
    place = Span(tuple((slots[-1].page, word) for word in slots[-1].words)) if slots else None
    return Marked("false", ABSENT if not found else _ELSEWHERE, place)


def _in_rows(slots: Sequence[Slot]) -> list[Slot]:
    """Slots in reading order; those of one row stand beside one another, on a page askew not at one height."""
    rows: list[list[Slot]] = []
    for slot in sorted(slots, key=lambda one: (one.page, one.box.y0)):
        row = rows[-1] if rows else []
        if (
            row
            and row[-1].page == slot.page
            and slot.box.y0 - row[0].box.y0 <= _ROW_POINTS
            and all(slot.box.x0 >= one.box.x1 or slot.box.x1 <= one.box.x0 for one in row)
        ):
            row.append(slot)
        else:
            rows.append([slot])
    return [slot for row in rows for slot in sorted(row, key=lambda one: one.box.x0)]


def _signature_at(
    slot: Slot, signatures: Sequence[tuple[int, Mark]], slots: Sequence[Slot]
) -> tuple[int, Mark] | None:
    """The signature that belongs to a slot: the nearest one, to which no other slot is nearer."""
    best = None
    for number, mark in signatures:
        if number != slot.page:
            continue
        far = _distance(slot.box, mark.box)
        if far <= _NEAR_POINTS and all(
            other is slot or other.page != slot.page or _distance(other.box, mark.box) >= far for other in slots
        ) and (best is None or far < best[0]):  # fmt: skip
            best = (far, (number, mark))
    return best[1] if best is not None else None


def _distance(one: Box, other: Box) -> float:
    across = max(one.x0 - other.x1, other.x0 - one.x1, 0.0)
    down = max(one.y0 - other.y1, other.y0 - one.y1, 0.0)
    return 2 * across + down


def _around(words: Sequence[Word]) -> Box:
    boxes = [word.box for word in words]
    return Box(
        min(b.x0 for b in boxes), min(b.y0 for b in boxes), max(b.x1 for b in boxes), max(b.y1 for b in boxes)
    )
