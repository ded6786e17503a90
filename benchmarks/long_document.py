"""How long a page of a document of 300 pages is waited for.

    python -m benchmarks.long_document --pages 300

A PDF of text and lines, its pages drawn by the real reading child and asked for over HTTP in a random order, each for
the first time; then its view as a whole.
"""

from __future__ import annotations

import io
import random
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer
from reportlab.pdfgen.canvas import Canvas
from rich.console import Console
from rich.table import Table

from extractors.options import ReadOptions
from extractors.reading.pool import ReaderPool
from tests.browser.live import live
from tests.review.support import PAGE_SIZE, Case, receipt_case


@dataclass
class Measured:
    """Seconds; of pages drawn for the first time, all but the very first."""

    first: float
    pages: list[float]
    again: list[float]
    view: list[float]


def long_case(pages: int) -> Case:
    """A document of so many pages of print."""
    out = io.BytesIO()
    canvas = Canvas(out, PAGE_SIZE)
    for page in range(pages):
        for line in range(55):
            text = " ".join(f"word{page}-{line}-{i}" for i in range(8))
            canvas.drawString(50, PAGE_SIZE[1] - 50 - 13 * line, text)
        canvas.rect(40, 40, PAGE_SIZE[0] - 80, PAGE_SIZE[1] - 80)
        canvas.showPage()
    canvas.save()
    made = receipt_case("long.pdf", "Shop")
    made.content, made.pages = out.getvalue(), pages
    return made


def measure(pages: int, asked: int, seed: int = 1) -> Measured:
    """Asks for pages one after another, as somebody does who leafs through."""
    order = random.Random(seed).sample(range(1, pages + 1), min(asked, pages))
    with (
        tempfile.TemporaryDirectory() as folder,
        ReaderPool(ReadOptions(max_pages=max(pages, 50)), workers=2) as reader,
        live(Path(folder), [long_case(pages)], reader) as site,
        httpx.Client(base_url=site.url, follow_redirects=True, timeout=60) as client,
    ):
        page = client.get("/who").text
        token = page.split('name="token" value="')[1].split('"')[0]
        client.post("/who", data={"token": token, "name": "Ada", "next": "/"})
        base = f"/documents/{site.ids[0]}"
        first, *others = [_seconds(client, f"{base}/pages/{n}.png") for n in order]
        again = [_seconds(client, f"{base}/pages/{n}.png") for n in order]
        view = [_seconds(client, base) for _ in range(10)]
    return Measured(first, others, again, view)


def _seconds(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    answer = client.get(path)
    answer.raise_for_status()
    assert answer.content
    return time.perf_counter() - began


def main(
    pages: Annotated[int, typer.Option(min=2, help="Pages of the document.")] = 300,
    asked: Annotated[int, typer.Option(min=2, help="Pages that are looked at.")] = 100,
) -> None:
    """Measures, and shows the table."""
    found = measure(pages, asked)
    table = Table("what", "asked", "median ms", "95% ms", "most ms")
    for name, times in (
        ("a page, drawn for the first time", sorted(found.pages)),
        ("the same pages again", sorted(found.again)),
        ("the view of the document", sorted(found.view)),
    ):
        late = times[min(len(times) - 1, round(0.95 * len(times)))]
        row = (statistics.median(times), late, times[-1])
        table.add_row(name, str(len(times)), *(f"{1000 * t:.0f}" for t in row))
    Console().print(table)
    print(f"{pages} pages; the very first one took {1000 * found.first:.0f} ms")


if __name__ == "__main__":
    typer.run(main)
