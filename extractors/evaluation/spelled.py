"""Whether the place that a value names bears the value: the words inside its boxes, read in order."""

from __future__ import annotations

from collections.abc import Sequence

from extractors.validation.text import text_key
from schemas.document import ReadDocument, Word

_LEAST_PART = 0.1
"""Of a word's width, or the box's: less is a neighbour that is touched."""
Boxes = Sequence[Sequence[float]]


def is_spelled(raw: str, document: ReadDocument, page_number: int, boxes: Boxes) -> bool:
    """Whether the words in the boxes spell the printed text; case, marks and white space do not count.

    A value may be a part of a word (the amount in ``$12.50``), so the words may say more than it. A value that
    goes on overleaf has boxes on its first page only: there its beginning is enough.

    Args:
        raw: the text as printed.
        document: as it was read.
        page_number: 1-based page of the boxes.
        boxes: ``[x0, y0, x1, y1]`` in points of the upright page.
    """
    page = document.page(page_number)
    wanted = text_key(raw)
    if page is None or not boxes:
        return False
    said = "".join(word.text for word in page.words if _stands_in(word, boxes))
    found = text_key(said)
    if (
        wanted in found or raw in said
    ):  # a sign alone, as that of a currency, is lost among letters and digits
        return bool(said)
    goes_on = page_number < document.page_count
    return goes_on and bool(found) and wanted.startswith(found)


def _stands_in(word: Word, boxes: Boxes) -> bool:
    """Whether a word, or as much of it as a value may be a part of, is in a box."""
    return any(_meets(word, *box) for box in boxes)


def _meets(word: Word, x0: float, y0: float, x1: float, y1: float) -> bool:
    own = word.box
    shared = min(own.x1, x1) - max(own.x0, x0)
    level = y0 <= (own.y0 + own.y1) / 2 <= y1 or own.y0 <= (y0 + y1) / 2 <= own.y1
    return level and shared > _LEAST_PART * min(own.x1 - own.x0, x1 - x0)
