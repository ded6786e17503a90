"""Small documents and parts that tests of the flows share."""

from __future__ import annotations

from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

INVOICE = """Example Studio Ltd
Invoice INV-{number}
Invoice date: 2026-03-{day:02d}
Due date: 2026-04-{day:02d}
Net total: 100.00
VAT: 19.00
Total: 119.00 EUR"""


def write_invoice(path: Path, number: int) -> Path:
    """A one-page invoice with a text layer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    for row, line in enumerate(INVOICE.format(number=number, day=1 + number % 28).split("\n")):
        canvas.drawString(72, 770 - 20 * row, line)
    canvas.save()
    return path


def write_folder(folder: Path) -> int:
    """Three invoices, a copy of one, a broken file, an empty file and a text file; gives their number."""
    for number in range(3):
        write_invoice(folder / f"invoice-{number}.pdf", number)
    (folder / "copy.pdf").write_bytes((folder / "invoice-0.pdf").read_bytes())
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\n" + b"\x00garbage" * 50)
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "notes.txt").write_text("not a document", encoding="utf-8")
    return 7
