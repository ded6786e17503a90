"""Whether the place that a value names bears the value: the words inside its boxes, read in order."""

from __future__ import annotations

from collections.abc import Sequence

from extractors.validation.text import text_key
from schemas.document import ReadDocument, Word

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
    found = text_key("".join(word.text for word in page.words if _stands_in(word, boxes)))
    if wanted in found:
        return bool(found)
    goes_on = page_number < document.page_count
    return goes_on and bool(found) and wanted.startswith(found)


def _stands_in(word: Word, boxes: Boxes) -> bool:
    x, y = (word.box.x0 + word.box.x1) / 2, (word.box.y0 + word.box.y1) / 2
    return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in boxes)
