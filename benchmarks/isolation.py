"""What it costs to read documents in processes that can be killed, against reading them in this one.

    python -m benchmarks.isolation --rounds 7

Every sample document is read both ways, in turns, without OCR (which is the same work in either); the first round
warms up and is not counted. *In process* is the same code without child, pipe, limits and protections. The table
gives medians and quartiles of the ratio, per document and over all.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from extractors.options import ReadOptions
from extractors.reading import ReaderPool, document_ref
from extractors.reading.document_reading import make_request
from extractors.reading.lines import reading_order
from extractors.reading.source import open_source, page_numbers, read_page
from schemas.document import DocumentRef
from schemas.errors import DocumentError

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
OPTIONS = ReadOptions(ocr=False, max_seconds=600)


@dataclass
class Timed:
    """Seconds of each round, for one document."""

    alone: list[float] = field(default_factory=list)
    isolated: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        return [there / here for here, there in zip(self.alone, self.isolated, strict=True)]


def in_process(ref: DocumentRef, path: Path) -> int:
    """Reads a document here, unprotected; gives its number of words."""
    request = make_request(ref.media_type, OPTIONS, ())
    with open_source(request, path.read_bytes(), lambda step: None) as opened:
        numbers = page_numbers(request, opened.page_count)
        return sum(len(reading_order(read_page(opened, n, lambda step: None).words)) for n in numbers)


def seconds(step: Callable[[], object]) -> float:
    """How long it takes. Garbage is collected before, as a child does after each document."""
    gc.collect()
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def measure(rounds: int) -> dict[str, Timed]:
    """Both ways over all samples that have a text layer."""
    timed: dict[str, Timed] = {}
    with ReaderPool(OPTIONS) as pool:
        files = []
        for path in sorted(SAMPLES.glob("*/*.pdf")):
            ref = document_ref(path, path.name)
            try:
                pool.read(ref, path)
                in_process(ref, path)
            except DocumentError:
                continue  # scans and broken samples
            files.append((ref, path))
        for _ in range(rounds):
            for ref, path in files:
                one = timed.setdefault(f"{path.parent.name}/{path.name}", Timed())
                one.alone.append(seconds(lambda ref=ref, path=path: in_process(ref, path)))  # type: ignore[misc]
                one.isolated.append(seconds(lambda ref=ref, path=path: pool.read(ref, path)))  # type: ignore[misc]
    return timed


def started() -> list[float]:
    """Seconds that a text child takes from nothing to its first document, a few times."""
    path = sorted(SAMPLES.glob("invoice/*.pdf"))[-1]
    taken = []
    for _ in range(5):
        with ReaderPool(OPTIONS) as pool:
            first = seconds(lambda: pool.read(document_ref(path, path.name), path))
            taken.append(first - seconds(lambda: pool.read(document_ref(path, path.name), path)))
    return taken


def spread(values: list[float], digits: int = 2) -> str:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    timed = measure(parser.parse_args().rounds)
    table = Table("document", "in process, ms", "isolated, ms", "ratio")
    for name, one in timed.items():
        here, there = ([1000 * s for s in both] for both in (one.alone, one.isolated))
        table.add_row(name, spread(here, 0), spread(there, 0), spread(one.ratios))
    table.add_section()
    added = [1000 * (b - a) for one in timed.values() for a, b in zip(one.alone, one.isolated, strict=True)]
    table.add_row(
        "all", "", f"+{spread(added, 0)}", spread([r for one in timed.values() for r in one.ratios])
    )
    console = Console(width=120)
    console.print(table)
    console.print(f"Starting a child, once per 200 documents or after a failure: {spread(started())} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
