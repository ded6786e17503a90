"""What a reviewer pointed at: a claim of the browser, held against the words that really stand there.

A claim is a page with the boxes of words. It is never believed: the words are
looked up again, and only when each box is one of theirs and their text can be read as the value does the value get
their place. Anything else counts as typed by hand and has no place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from extractors.backends.base import Span
from extractors.validation.checks import place_of
from flows.ledger.records import DocumentRecord
from flows.review.evidence import same_place
from flows.review.readings import PageWords, Readings
from schemas.document import Word
from schemas.errors import DocumentError
from schemas.extraction import ExtractedField
from schemas.tree import Leaf

MAX_CLAIM_CHARS = 40_000
_Box = tuple[float, float, float, float]


class Claim(BaseModel):
    """Where a value was taken from: the boxes of its words, and the region they were read in, if one was drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    page: int = Field(ge=1, le=100_000)
    boxes: list[_Box] = Field(min_length=1, max_length=400)
    region: _Box | None = None

    @classmethod
    def of(cls, text: str) -> Claim | None:
        """The claim that a browser sent; ``None`` when it is none."""
        if not text or len(text) > MAX_CLAIM_CHARS:
            return None
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None


@dataclass(frozen=True, slots=True)
class Place:
    """Words that stand on a page: their text and their boxes, one per printed line."""

    raw: str
    page: int
    boxes: list[list[float]]


@dataclass(frozen=True, slots=True)
class Places:
    """Looks claims up, in the pages of one document."""

    record: DocumentRecord
    readings: Readings

    def find(self, text: str, value: Any, leaf: Leaf, known: ExtractedField | None) -> Place | None:
        """The place of a value that was pointed at, if it really stands there.

        Args:
            text: the claim as it was sent.
            value: typed.
            leaf: of the schema.
            known: what is stored of the field; its candidates have places that need no second look.
        """
        claim = Claim.of(text)
        if claim is None or value is None:
            return None
        found = _of_candidates(claim, known) or self._of_words(claim)
        if found is None:
            return None
        printed = ExtractedField(path="", raw=found.raw, value=found.raw, page=found.page, boxes=found.boxes)
        return found if same_place(printed, leaf, value) else None

    def _of_words(self, claim: Claim) -> Place | None:
        try:
            page = self._page(claim)
        except (FileNotFoundError, DocumentError):
            return None
        words = _words_at(claim.boxes, page.words)
        if words is None:
            return None
        number, boxes = place_of(Span(tuple((claim.page, word) for word in words)))
        return Place(" ".join(word.text for word in words), number or claim.page, boxes)

    def _page(self, claim: Claim) -> PageWords:
        if claim.region is not None:
            return self.readings.region(self.record, claim.page, claim.region)
        return self.readings.page(self.record, claim.page)


def _of_candidates(claim: Claim, known: ExtractedField | None) -> Place | None:
    """The stored candidate that a claim names, if it is one."""
    claimed = [list(box) for box in claim.boxes]
    for other in known.others if known is not None else ():
        if other.page == claim.page and other.boxes == claimed:
            return Place(other.raw, other.page, other.boxes)
    return None


def _words_at(boxes: Sequence[_Box], words: Sequence[Word]) -> list[Word] | None:
    """The words whose boxes these are, in reading order; ``None`` when one of them is no word's.

    Boxes are compared to the digit: the browser has them from here.
    """
    at = {tuple(word.box.as_list()): index for index, word in enumerate(words)}
    found = {at.get(box) for box in boxes}
    indices = sorted(index for index in found if index is not None)
    return [words[index] for index in indices] if len(indices) == len(boxes) else None
