"""Queue, accepting many and dashboard in a real browser: filters, tabs, progress, pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from extractors.reading.pool import ReaderPool
from flows.ledger.store import Ledger
from tests.browser.conftest import window
from tests.browser.live import Live, live
from tests.browser.test_accessibility import faults
from tests.browser.test_review_page import enter
from tests.review.history import fill_history
from tests.review.support import receipt_case

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def shop(tmp_path: Path, reader: ReaderPool) -> Iterator[Live]:
    """Nine receipts in the queue."""
    cases = [receipt_case(f"{n}.pdf", f"Shop {n}", f"{10 * n + 5}.00") for n in range(9)]
    with live(tmp_path, cases, reader) as running:
        yield running


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory, reader: ReaderPool) -> Iterator[Live]:
    """A home with eleven weeks behind it, to be looked at only: making one takes seconds."""
    with live(tmp_path_factory.mktemp("past"), [], reader) as running:
        fill_history(running.ledger._engine.url.render_as_string(hide_password=False), documents=120)
        yield running


def test_filters_and_tabs_work_by_keyboard_and_keep_each_other(page: Page, shop: Live) -> None:
    shop.ledger.hold(shop.ids[8], "Grace", seconds=600)
    enter(page, shop)
    page.get_by_text("Age, amount, holder").click()
    page.get_by_label("Amount from").fill("40")
    page.keyboard.press("Enter")
    expect(page.locator(".row-link")).to_have_count(5)
    page.wait_for_load_state("load")  # the page's scripts are modules
    page.get_by_label("Order").select_option("Most worth a look")
    page.wait_for_url("**sort=value**")
    expect(page.locator(".row-link")).to_have_count(5)
    page.get_by_role("link", name="Free").click()
    expect(page.locator(".row-link")).to_have_count(4)
    expect(page.get_by_label("Amount from")).to_have_value("40")
    expect(page.get_by_role("link", name="Free")).to_have_attribute("aria-current", "page")
    page.wait_for_load_state("load")
    page.keyboard.press("j")
    expect(page.locator(".row-link").first).to_be_focused()


def test_many_are_accepted_after_some_were_looked_at(page: Page, shop: Live) -> None:
    enter(page, shop)
    page.get_by_role("link", name="Accept many of these").click()
    page.get_by_role("button", name="Draw them").click()
    page.get_by_role("link", name="Look at the first").click()
    for _ in range(5):
        page.wait_for_selector(".page.loaded")
        page.wait_for_load_state("load")  # a key pressed before the scripts ran is lost
        was = page.url
        page.keyboard.press("a")
        page.wait_for_url(lambda url, was=was: url != was)
    expect(page.get_by_text("5 of 5")).to_be_visible()
    page.get_by_role("button", name="Accept 4 documents").click()
    expect(page.get_by_text("Done: 5 looked at, 4 accepted with them.")).to_be_visible()
    page.get_by_role("link", name="Back to the queue").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("The queue is empty")


def test_a_step_that_fails_says_so_and_can_be_taken_again(page: Page, shop: Live) -> None:
    enter(page, shop)
    page.goto(f"{shop.url}/bulk")
    page.get_by_role("button", name="Draw them").click()
    page.wait_for_url("**/bulk/*")
    bulk_id = page.url.rsplit("/", 1)[1]
    for line in shop.ledger.bulk(bulk_id).lines:
        accept(shop.ledger, line.document_id)
    page.reload()
    page.route("**/accept", lambda route: route.abort())
    page.get_by_role("button", name="Accept 4 documents").click()
    expect(page.get_by_text("The page did not answer.")).to_be_visible()
    page.unroute("**/accept")
    page.get_by_role("button", name="Accept 4 documents").click()
    expect(page.get_by_text("4 accepted with them")).to_be_visible()


def accept(ledger: Ledger, document_id: str) -> None:
    ledger.decide(
        document_id,
        reviewer="Ada",
        action="accept",
        data=None,
        fields=None,
        changes=[],
        comment="",
        expected_version=0,
    )


def test_a_piece_of_the_dashboard_leads_to_its_documents(page: Page, past: Live) -> None:
    enter(page, past)
    page.get_by_role("link", name="Dashboard").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The last 90 days")
    page.get_by_text("As a table").first.click()
    expect(page.get_by_role("columnheader", name="Accepted").first).to_be_visible()
    page.locator("rect.state-accepted").last.click()
    expect(page.locator(".row-link").first).to_be_visible()
    page.get_by_role("link", name="Back to the dashboard").click()
    expect(page.get_by_role("group", name="Documents by outcome")).to_be_visible()
    page.get_by_text("As a table").first.click()
    page.locator(".as-table a").last.press("Enter")  # the way of the keyboard
    expect(page.locator(".row-link").first).to_be_visible()


@pytest.mark.parametrize("width", [1440, 820, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_width_is_read_without_trouble(browser: Browser, past: Live, width: int, scheme: str) -> None:
    context = window(browser, width, color_scheme=scheme)
    page = context.new_page()
    enter(page, past)
    for path in ("/", "/?from=1&whose=mine", "/dashboard", "/bulk", "/documents"):
        page.goto(past.url + path)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, path
        assert faults(page) == [], path
    page.get_by_role("link", name=re.compile("receipt")).first.wait_for()
    context.close()
