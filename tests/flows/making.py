"""Small documents and parts that tests of the flows share."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from flows.ledger.records import PageCounts
from flows.report import Memory, ReportedDocument, RunReport, StageFigures

INVOICE = """Example Studio Ltd
Invoice INV-{number}
Invoice date: 2026-03-{day:02d}
Due date: 2026-04-{day:02d}
Net total: 100.00
VAT: 19.00
Total: {total} EUR"""


def write_invoice(path: Path, number: int, total: str = "119.00") -> Path:
    """A one-page invoice with a text layer; 119.00 is the right total, others are a doubt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas = Canvas(str(path), pagesize=A4, invariant=1)
    for row, line in enumerate(INVOICE.format(number=number, day=1 + number % 28, total=total).split("\n")):
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


def report_of(
    *,
    outcomes: dict[str, int] | None = None,
    uri: str = "file:///in/a.pdf",
    detail: str = "",
    error: str = "",
    state: str = "completed",
    warnings: list[str] | None = None,
    nothing: bool = False,
) -> RunReport:
    """The report of a run: five inputs, two of them unreadable."""
    counts = {"accepted": 3, "unreadable": 2} if outcomes is None else outcomes
    bad = ReportedDocument(
        uri=uri, outcome="unreadable", reasons=["encrypted"], detail=detail, seconds=9.0, pages=0
    )
    good = ReportedDocument(uri=uri, outcome="accepted", reasons=[], detail="", seconds=1.0, pages=2)
    at = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    return RunReport(
        run_id="run-1",
        source="/in",
        schema_name="invoice",
        model="scripted",
        state=state,
        error=error,
        started_at=at,
        finished_at=at,
        parameters={},
        inputs=sum(counts.values()),
        outcomes=counts,
        members=0,
        member_outcomes={},
        processed=sum(counts.values()),
        pages=PageCounts() if nothing else PageCounts(total=6, text_layer=4, ocr=1, skipped=1),
        reasons={} if nothing else {"encrypted": 2},
        stages=[StageFigures(name="extract", about="", seconds=25.0, documents=0 if nothing else 5, pages=0)],
        memory=Memory(parent=200_000_000, children=100_000_000),
        landed_rows=3,
        landed_files=["lake/invoice/a.parquet"],
        warnings=warnings or [],
        queue=0,
        seconds=30.0,
        slowest=[] if nothing else [bad, good],
        failed=[] if nothing else [bad],
    )
