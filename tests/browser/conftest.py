from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from extractors.options import ReadOptions
from extractors.reading.pool import ReaderPool
from tests.browser.live import Live, live
from tests.review.support import invoice_case, receipt_case

PATIENCE_MS = 60_000
"""Only a busy machine needs it."""
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """The browser to drive; without one these tests fail, since skipped ones prove nothing."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.fail(
            "There is no Chromium: install the package chromium, or leave these out with -m 'not browser'."
        )
    return found


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    started = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
    yield started
    started.close()


def window(browser: Browser, width: int = 1440, **options: Any) -> BrowserContext:
    """A window of 1440 by 900 whose pages are waited for with patience.

    It asks for no motion: on a busy machine the pages would still be scrolling when the pointer goes to a word.
    """
    size = {"width": width, "height": 900}
    made: BrowserContext = browser.new_context(viewport=size, reduced_motion="reduce", **options)  # type: ignore[arg-type]
    made.set_default_timeout(PATIENCE_MS)
    return made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window with one page; what its scripts complain about fails the test."""
    context = window(browser)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None
    )
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def reader() -> Iterator[ReaderPool]:
    with ReaderPool(ReadOptions()) as pool:
        yield pool


@pytest.fixture
def site(tmp_path: Path, reader: ReaderPool) -> Iterator[Live]:
    """Three documents in the queue, page images drawn by the real reader."""
    cases = [
        invoice_case(),
        receipt_case("receipt.pdf", '<img src=x onerror="document.title=1"> & "Sons"'),
        invoice_case("invoice-0043.pdf", "RE-2026-0043"),
    ]
    with live(tmp_path, cases, reader) as running:
        yield running
