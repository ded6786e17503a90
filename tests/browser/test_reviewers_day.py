"""The whole day of a reviewer in real browsers, from signing in to the rows in the Parquet files."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from extractors.reading.pool import ReaderPool
from flows.ledger.records import DocumentState, SecondLook
from flows.ledger.trust import Role
from flows.review_options import ReviewOptions
from tests.browser.conftest import PATIENCE_MS, window
from tests.browser.live import Live, live
from tests.browser.test_document_view import Hand, boxes_of, field
from tests.review.support import CHEAP, invoice_case, receipt_case

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PASSWORD = "correct horse battery"
PEOPLE = {"ada": Role.REVIEWER, "bob": Role.REVIEWER, "eve": Role.SENIOR, "amy": Role.AUDITOR}


@pytest.fixture
def office(tmp_path: Path, reader: ReaderPool) -> Iterator[tuple[Live, Path]]:
    """Two invoices over the amount from which two must look, and two receipts below it."""
    cases = [
        invoice_case(),
        receipt_case("receipt-a.pdf", "Shop A"),
        receipt_case("receipt-b.pdf", "Shop B", "9.90"),
    ]
    lake = tmp_path / "lake"
    with live(tmp_path, cases, reader, lake=lake, options=ReviewOptions(second_look_amount=500)) as site:
        for name, role in PEOPLE.items():
            site.ledger.add_account(name, role, actor="console", password_hash=CHEAP.hash(PASSWORD, name))
        yield site, lake


class Desk:
    """One person at one browser."""

    def __init__(self, browser: Browser, site: Live, name: str) -> None:
        self.context: BrowserContext = window(browser)
        self.site = site
        self.page: Page = self.context.new_page()
        self.page.goto(site.url)
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{site.url}/")

    def open(self, index: int) -> None:
        self.page.goto(f"{self.site.url}/documents/{self.site.ids[index]}")
        self.page.wait_for_selector(".page.loaded")
        self.page.wait_for_load_state("load")

    def save(self) -> None:
        """Saves, and overrules what the print itself contradicts."""
        was = self.page.url
        self.page.locator("[data-accept]").click()
        again = self.page.get_by_role("button", name="Save all the same")
        wait_until(lambda: self.page.url != was or again.is_visible(), "nothing was saved, nothing refused")
        if self.page.url == was:
            again.click()
            self.page.wait_for_url(lambda url: url != was)


def wait_until(ready: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE_MS / 1000
    while not ready():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def rows_of(lake: Path, schema: str) -> list[dict[str, object]]:
    """All versions that have landed, once landing has had its time."""
    wait_until(lambda: [*(lake / schema).glob("**/*.parquet")], f"no file of {schema} landed")
    found: list[dict[str, object]] = (
        ds.dataset(sorted((lake / schema).glob("**/*.parquet"))).to_table().to_pylist()
    )
    return found


def test_a_day(browser: Browser, office: tuple[Live, Path]) -> None:
    site, lake = office
    began = dt.datetime.now(dt.UTC)
    ada, bob = Desk(browser, site, "ada"), Desk(browser, site, "bob")

    # Ada opens the invoice: it is hers, and Bob sees that.
    ada.open(0)
    expect(ada.page.locator("[data-hold]")).to_have_count(1)
    wait_until(lambda: site.ledger.holder(site.ids[0]), "nobody holds it")
    bob.open(0)
    expect(bob.page.get_by_text("ada is working on this document")).to_be_visible()
    expect(bob.page.locator("[data-accept]")).to_have_count(0)

    # She corrects a date by its candidate, reads a box again, edits a row, and undoes one change too many.
    page = ada.page
    page.locator(field("issue_date")).get_by_role("button", name="3 April 2026").click()
    expect(page.get_by_label("Issue date", exact=True)).to_have_value("2026-04-03")
    page.get_by_label("Document number", exact=True).fill("wrong")
    [x0, y0, x1, y1] = boxes_of("document_number")[0]
    hand = Hand(page)
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    hand.drag(hand.at(x0 - 6, y0 - 4), hand.at(x1 + 6, y1 + 4))
    expect(page.get_by_label("Document number", exact=True)).to_have_value("RE-2026-0042")
    quantity = page.locator(field("line_items.1.quantity")).locator("input")
    quantity.fill("13")
    quantity.press("Tab")
    page.get_by_label("Seller name", exact=True).fill("Nobody")
    page.get_by_label("Seller name", exact=True).press("Control+z")
    expect(page.get_by_label("Seller name", exact=True)).not_to_have_value("Nobody")
    ada.save()
    record = site.ledger.document(site.ids[0])
    assert (record.state, record.second_look) == (DocumentState.REVIEW, SecondLook.AMOUNT)
    assert not (lake / "invoice").exists()

    # The second pair of eyes agrees: now it lands.
    ada.open(0)
    expect(ada.page.get_by_text("You have looked at it")).to_be_visible()
    bob.open(0)
    expect(bob.page.get_by_label("Issue date", exact=True)).to_have_value("2026-04-03")
    bob.save()
    bob.page.goto(site.url)  # saving led him to the next one, which is his until he leaves it
    [invoice] = rows_of(lake, "invoice")
    assert (invoice["issue_date"], invoice["landed_by"]) == (dt.date(2026, 4, 3), "bob")
    assert invoice["line_items"][1]["quantity"] == 13  # type: ignore[index]
    assert began <= invoice["valid_from"] <= dt.datetime.now(dt.UTC)  # type: ignore[operator]

    # Two at the same receipt: Eve takes it over while Ada has it open; Ada's save is refused, not stored.
    eve = Desk(browser, site, "eve")
    ada.open(1)
    wait_until(lambda: site.ledger.holder(site.ids[1]), "nobody holds it")
    ada.page.get_by_label("Company").fill("Shop Z")
    eve.open(1)
    eve.page.get_by_role("button", name="Take it over").click()
    eve.page.locator("[data-accept]").wait_for()  # of the page that comes; the one before has pages, too
    eve.page.wait_for_selector(".page.loaded")
    eve.page.get_by_label("Company").fill("Shop A Ltd")
    eve.save()
    eve.page.goto(site.url)
    ada.page.locator("[data-accept]").click()
    expect(ada.page.get_by_text("Someone was faster")).to_be_visible()
    expect(ada.page.get_by_text("Shop Z")).to_be_visible()
    [receipt] = rows_of(lake, "receipt")
    assert (receipt["company"], receipt["landed_by"]) == ("Shop A Ltd", "eve")

    # The last one is rejected with a reason; the queue is empty; the auditor sees it all, whole.
    bob.open(2)
    bob.page.keyboard.press("r")
    bob.page.get_by_label("Why must it not land?").fill("Copy of another document")
    bob.page.keyboard.press("Enter")
    bob.page.wait_for_url(lambda url: "done=reject" in url)
    assert site.ledger.document(site.ids[2]).state is DocumentState.REJECTED and site.ledger.queue_size() == 0
    amy = Desk(browser, site, "amy")
    amy.page.goto(f"{site.url}/trail?check=1")
    expect(amy.page.get_by_text("all whole")).to_be_visible()
    for told in ("taken over", "Copy of another document", "Shop A Ltd"):
        expect(amy.page.get_by_text(told).first).to_be_visible()
    for desk in (ada, bob, eve, amy):
        desk.context.close()
