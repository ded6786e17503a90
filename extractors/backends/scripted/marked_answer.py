"""An answer by marks, and what stands for a mark among the words of its place."""

from __future__ import annotations

from dataclasses import dataclass

from extractors.backends.base import Span
from schemas.document import Mark, Word

SIGNS = {
    "checkbox": "☒",
    "signature": "(signature)",
    "stamp": "(stamp)",
    "ring": "(ring)",
    "strike": "(line)",
}
"""What stands for a mark among the words of a place."""


@dataclass(frozen=True, slots=True)
class Marked:
    """An answer by marks: the text, how certain it is (0..1), and its place."""

    raw: str | None
    score: float
    span: Span | None


def span_of(number: int, mark: Mark) -> Span:
    """The place of a mark: a word that is none."""
    sign = "☐" if mark.kind == "checkbox" and not mark.ticked else SIGNS[mark.kind]
    return Span(((number, Word(sign, mark.box)),))
