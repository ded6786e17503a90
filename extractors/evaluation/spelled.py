"""Whether the place that a value names bears the value: the words inside its boxes, read in order."""

from __future__ import annotations

from collections.abc import Sequence

from extractors.validation.text import text_key
from schemas.document import ReadDocument, Word

_LEAST_PART = 0.1
"""Of a word's width, or the box's: less is a neighbour that is touched."""
_SLACK = 2
"""Letters are not equally wide: so many more may be in a box on either side."""
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
    said = "".join(_said_in(word, boxes) for word in page.words)
    found = text_key(said)
    if (
        wanted in found or raw in said
    ):  # a sign alone, as that of a currency, is lost among letters and digits
        return bool(said)
    goes_on = page_number < document.page_count
    return goes_on and bool(found) and wanted.startswith(found)


def _said_in(word: Word, boxes: Boxes) -> str:
    """What a word says in the boxes: all of it where its middle is in one, else the letters that one may cover."""
    own = word.box
    x, y = (own.x0 + own.x1) / 2, (own.y0 + own.y1) / 2
    level = [(x0, x1) for x0, y0, x1, y1 in boxes if y0 <= y <= y1 or own.y0 <= (y0 + y1) / 2 <= own.y1]
    if any(x0 <= x <= x1 for x0, x1 in level):
        return word.text
    width = max(own.x1 - own.x0, 1e-6)
    for x0, x1 in level:
        if min(own.x1, x1) - max(own.x0, x0) > _LEAST_PART * min(width, x1 - x0):
            first, last = (round((edge - own.x0) / width * len(word.text)) for edge in (x0, x1))
            return word.text[max(first - _SLACK, 0) : max(last + _SLACK, 0)]
    return ""
