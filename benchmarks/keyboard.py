"""A reviewer without a mouse: how many keys and seconds a document takes, in a real browser.

    python -m benchmarks.keyboard --documents 60

Of three receipts, each with one field in doubt, one is right, one has another candidate that is right, one must be
typed. The reviewer presses keys only, and each only when the page is ready for it; thinking takes no time. What is
measured is the page: keys that it wants, and the seconds from one document on the screen to the next.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.table import Table

from extractors.options import ReadOptions
from extractors.reading.pool import ReaderPool
from flows.ledger.records import DocumentState
from schemas.extraction import Candidate
from tests.browser.conftest import FLAGS, chromium, window
from tests.browser.live import live
from tests.review.support import Case, receipt_case

KINDS = ("right", "another candidate", "typed")


@dataclass
class Measured:
    """Keys and seconds of each document, by what it needed."""

    keys: dict[str, list[int]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    seconds: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    wrong: int = 0


def case(number: int) -> Case:
    """One receipt; its company is in doubt."""
    made = receipt_case(f"receipt-{number:03}.pdf", f"Shop {number}")
    if KINDS[number % 3] == "another candidate":
        company = made.fields[0]
        other = Candidate(raw=f"Shop {number}", page=company.page, boxes=company.boxes)
        made.data["company"] = "Shop"
        made.fields[0] = company.model_copy(update={"raw": "Shop", "value": "Shop", "others": [other]})
    if KINDS[number % 3] == "typed":
        made.data["company"] = "Snop"
        made.fields[0] = made.fields[0].model_copy(update={"raw": "Snop", "value": "Snop"})
    return made


class Hands:
    """Presses keys, and counts them."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def press(self, key: str) -> None:
        """One key, or a chord, which counts as one."""
        self.page.keyboard.press(key)
        self.count += 1

    def type(self, text: str) -> None:
        """A key for each character."""
        self.page.keyboard.type(text)
        self.count += len(text)


def clear(page: Page, kind: str, number: int) -> int:
    """Decides the document on the screen; the keys it took."""
    hands = Hands(page)
    if kind == "another candidate":
        hands.press("1")
    elif kind == "typed":
        hands.press("e")
        hands.press("Control+a")
        hands.type(f"Shop {number}")
        hands.press("Escape")
    hands.press("a")
    return hands.count


def measure(documents: int, browser: Browser) -> Measured:
    """Clears a queue of receipts from its first to its last."""
    found = Measured()
    cases = [case(number) for number in range(documents)]
    with (
        tempfile.TemporaryDirectory() as folder,
        ReaderPool(ReadOptions(), workers=2) as reader,
        live(Path(folder), cases, reader) as site,
    ):
        page = window(browser).new_page()
        page.goto(site.url)
        page.locator("#name:focus").wait_for()  # a browser gives the focus after the page is loaded
        page.keyboard.type("Ada")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site.url}/")
        page.wait_for_load_state("load")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        _wait(page)
        for number, document_id in enumerate(site.ids):
            kind, began, was = KINDS[number % 3], time.perf_counter(), page.url
            assert document_id in was, f"{was} is not the next document"
            found.keys[kind].append(clear(page, kind, number))
            page.wait_for_url(lambda url, was=was: url != was)  # type: ignore[misc]
            if number + 1 < documents:
                _wait(page)
            found.seconds[kind].append(time.perf_counter() - began)
        for number, document_id in enumerate(site.ids):
            record = site.ledger.document(document_id)
            data = record.decisions[-1].data or {} if record.decisions else {}
            right = record.state is DocumentState.REVIEWED and data.get("company") == f"Shop {number}"
            found.wrong += not right
        page.context.close()
    return found


def _wait(page: Page) -> None:
    """Until the next document can be worked on: its field in doubt has the focus."""
    page.locator('[data-field="company"]:focus, [data-field="company"] :focus').wait_for()
    page.wait_for_selector(".page.loaded")


def table_of(found: Measured) -> Table:
    """What was measured, by kind."""
    table = Table("needed", "documents", "keys", "seconds: median", "95%", "most")
    for kind in KINDS:
        times, keys = sorted(found.seconds[kind]), found.keys[kind]
        if times:
            late = times[min(len(times) - 1, round(0.95 * len(times)))]
            table.add_row(
                kind, str(len(times)), f"{statistics.mean(keys):.1f}", f"{statistics.median(times):.2f}",
                f"{late:.2f}", f"{times[-1]:.2f}",
            )  # fmt: skip
    return table


def main(documents: Annotated[int, typer.Option(min=3, help="Receipts to clear.")] = 60) -> None:
    """Clears receipts by keyboard alone, and tells keys and seconds."""
    with sync_playwright() as playwright:
        found = measure(documents, playwright.chromium.launch(executable_path=chromium(), args=FLAGS))
    Console().print(table_of(found))
    print(f"{documents} documents, {found.wrong} not as they should be")
    raise typer.Exit(1 if found.wrong else 0)


if __name__ == "__main__":
    typer.run(main)
