"""Small real PDFs, many in a second, each with a number and a total of its own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path

from reportlab.lib.pagesizes import A6
from reportlab.pdfgen.canvas import Canvas

SCHEMA_NAME = "bill"
_SCHEMA = {
    "title": SCHEMA_NAME,
    "description": "A bill.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "bill_number": {"type": ["string", "null"], "description": "Number of the bill."},
        "issue_date": {"type": ["string", "null"], "format": "date", "description": "Date of the bill."},
        "total": {"type": ["number", "null"], "description": "Total amount."},
    },
    "required": ["bill_number", "issue_date", "total"],
}
_NUMBER, _TOTAL = "B-99999999", "987654.32"


def write_schema(folder: Path) -> Path:
    """The schema of the documents as a file."""
    path = folder / f"{SCHEMA_NAME}.json"
    path.write_text(json.dumps(_SCHEMA), encoding="utf-8")
    return path


def number_of(index: int) -> str:
    """The bill number printed on a document."""
    return f"B-{index:08d}"


def total_of(index: int) -> Decimal:
    """The total printed on a document."""
    return Decimal(100_000 + index * 7 % 800_000) + Decimal(index % 100) / 100


def write_documents(folder: Path, indexes: Iterable[int]) -> int:
    """Writes documents, each appearing whole; gives their number."""
    aside = folder.parent / f".{folder.name}-new"
    for made in (folder, aside):
        made.mkdir(parents=True, exist_ok=True)
    count = 0
    for index in indexes:
        name = f"{number_of(index)}.pdf"
        (aside / name).write_bytes(document(index))
        (aside / name).replace(folder / name)
        count += 1
    return count


def document(index: int) -> bytes:
    """One PDF of a page with a text layer."""
    data = _template().replace(_NUMBER.encode(), number_of(index).encode())
    return data.replace(_TOTAL.encode(), f"{total_of(index):9.2f}".encode())


@cache
def _template() -> bytes:
    """Uncompressed, so that number and total can be put in place without drawing it anew."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A6, pageCompression=0, invariant=1)
    lines = (f"Bill number: {_NUMBER}", "Issue date: 2026-03-14", f"Total: {_TOTAL}")
    for row, line in enumerate(lines):
        canvas.drawString(36, 360 - 24 * row, line)
    canvas.save()
    data = out.getvalue()
    assert data.count(_NUMBER.encode()) == 1 and data.count(_TOTAL.encode()) == 1
    return data
