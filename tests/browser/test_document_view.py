"""The document view in a real browser: pointing at the page, rows, undo, checks, pages of any number and size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from extractors.reading.pool import ReaderPool
from schemas.extraction import Candidate, ExtractedField
from schemas.outcome import ReviewReason
from schemas.registry import load_schema
from tests.browser.live import Live, live
from tests.browser.test_review_page import CONTRAST, open_document
from tests.review.support import PAGE_SIZE, Case, Sheet, invoice_case, receipt_case

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def field(path: str) -> str:
    return f'[data-field="{path}"]'


def value_of(path: str) -> str:
    return f'[name="v.{path}"]'


def boxes_of(path: str) -> list[list[float]]:
    return next(f for f in invoice_case().fields if f.path == path).boxes


class Hand:
    """The pointer, in points of a page that is not turned."""

    def __init__(self, page: Page, number: int = 1) -> None:
        self.page, self.number = page, number

    def at(self, x: float, y: float) -> tuple[float, float]:
        frame = self.page.locator(f"#page-{self.number} .sheet").bounding_box()
        assert frame is not None
        scale = frame["width"] / PAGE_SIZE[0]
        return frame["x"] + x * scale, frame["y"] + y * scale

    def on(self, path: str, share: float = 0.5) -> tuple[float, float]:
        x0, y0, x1, y1 = boxes_of(path)[0]
        return self.at(x0 + share * (x1 - x0), (y0 + y1) / 2)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=6)
        self.page.mouse.up()

    def rest_on(self, path: str) -> None:
        """Rests on a word until the words of the page are known."""
        self.page.mouse.move(*self.on(path))
        expect(self.page.locator(".pointing .word")).to_have_count(1)


def test_a_click_on_a_word_fills_the_field_in_focus_and_its_place_is_stored(page: Page, site: Live) -> None:
    open_document(page, site)
    page.get_by_label("Issue date", exact=True).fill("2026-04-03")
    page.get_by_label("Order reference", exact=True).focus()
    page.mouse.click(*Hand(page).on("document_number"))
    expect(page.locator(value_of("order_reference"))).to_have_value("RE-2026-0042")
    expect(page.locator(value_of("order_reference"))).to_be_focused()  # one goes on typing
    taken = page.locator('rect[data-box="order_reference"]')
    expect(taken).to_have_class("taken current")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("Corrections saved.")
    stored = {f.path: f for f in site.ledger.document(site.ids[0]).decisions[0].fields}
    made = stored["order_reference"]
    assert (made.raw, made.page) == ("RE-2026-0042", 1)
    x0, y0, x1, y1 = boxes_of("document_number")[0]
    assert made.boxes[0] == pytest.approx([x0, y0, x1, y1], abs=2.5), (
        "a little air aside, the box of the word"
    )


def test_a_run_of_words_is_taken_by_dragging_or_with_shift(page: Page, site: Live) -> None:
    open_document(page, site)
    hand = Hand(page)
    page.locator(field("buyer_address")).focus()
    hand.rest_on("seller_address")
    hand.drag(hand.on("seller_address", 0.01), hand.on("seller_address", 0.99))
    address = page.locator(value_of("buyer_address"))
    expect(address).to_have_value("Sägewerkstraße 7, 79098 Freiburg im Breisgau")
    page.mouse.click(*hand.on("seller_address", 0.1))
    expect(address).to_have_value("Sägewerkstraße")
    page.keyboard.down("Shift")
    page.mouse.click(*hand.on("seller_address", 0.5))
    page.keyboard.up("Shift")
    expect(address).to_have_value("Sägewerkstraße 7, 79098")


def test_a_box_reads_what_stands_in_it_also_on_a_turned_page(page: Page, site: Live) -> None:
    open_document(page, site)
    page.locator(field("amount_due")).focus()
    x0, y0, x1, y1 = boxes_of("gross_total")[0]
    hand = Hand(page)
    page.keyboard.press("b")
    hand.drag(hand.at(x0 - 6, y0 - 4), hand.at(x1 + 6, y1 + 4))
    expect(page.locator(value_of("amount_due"))).to_have_value("912.14")

    page.keyboard.press("t")
    page.locator(field("tax_rate")).focus()
    box = page.locator('rect[data-box="tax_total"]').bounding_box()
    assert box is not None and box["height"] > box["width"], "boxes turn with the page"
    page.keyboard.press("b")
    hand.drag((box["x"] - 3, box["y"] - 3), (box["x"] + box["width"] + 3, box["y"] + box["height"] + 3))
    expect(page.locator(value_of("tax_rate"))).to_have_value("145.64")


def test_a_box_goes_to_its_field_with_alt(page: Page, site: Live) -> None:
    open_document(page, site)
    page.locator(field("buyer_name")).focus()
    page.keyboard.down("Alt")
    page.mouse.click(*Hand(page).on("net_total"))
    page.keyboard.up("Alt")
    expect(page.locator(value_of("net_total"))).to_be_focused()
    expect(page.locator(value_of("buyer_name"))).to_have_value("Mosaik Interiors Ltd")


def test_undo_and_redo_go_through_typing_pointing_and_rows(page: Page, site: Live) -> None:
    open_document(page, site)
    name = page.get_by_label("Seller name", exact=True)
    name.focus()
    page.keyboard.press("End")
    page.keyboard.type(" KG")
    page.keyboard.press("Escape")
    page.locator(field("order_reference")).focus()
    page.mouse.click(*Hand(page).on("document_number"))
    expect(page.locator(value_of("order_reference"))).to_have_value("RE-2026-0042")
    page.locator(field("line_items.1.quantity")).focus()
    page.keyboard.press("Alt+Delete")
    expect(page.locator("[data-count]")).to_have_text("2")
    expect(page.locator('rect[data-box="line_items.1.quantity"]')).to_be_hidden()
    expect(page.locator(".change-count")).to_contain_text("3 changes")

    page.keyboard.press("Control+z")
    expect(page.locator("[data-count]")).to_have_text("3")
    expect(page.locator(field("line_items.1.quantity"))).to_be_focused()
    expect(page.locator('rect[data-box="line_items.1.quantity"]')).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.locator(value_of("order_reference"))).to_have_value("")
    expect(page.locator('rect[data-box="order_reference"]')).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(name).to_have_value("Holz & Söhne GmbH")
    expect(page.locator(".change-count")).to_have_text("")
    for _ in range(3):
        page.keyboard.press("Control+y")
    expect(name).to_have_value("Holz & Söhne GmbH KG")
    expect(page.locator(value_of("order_reference"))).to_have_value("RE-2026-0042")
    expect(page.locator('rect[data-box="order_reference"]')).to_have_count(1)
    expect(page.locator("[data-count]")).to_have_text("2")


def descriptions(page: Page) -> list[str]:
    found: list[str] = page.locator('[name$=".description"]').evaluate_all("all => all.map(i => i.value)")
    return found


def test_rows_are_moved_by_keys_and_buttons_and_cells_walked_through(page: Page, site: Live) -> None:
    open_document(page, site)
    page.get_by_label("Issue date", exact=True).fill("2026-04-03")
    first, second, third = descriptions(page)
    page.locator(field("line_items.2.quantity")).focus()
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")  # there is no further up
    assert descriptions(page) == [third, first, second]
    expect(page.locator(field("line_items.2.quantity"))).to_be_focused()
    page.get_by_role("button", name="Move this row of Line items up").nth(2).click()
    assert descriptions(page) == [third, second, first]

    page.locator(field("line_items.2.quantity")).focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(field("line_items.1.quantity"))).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator(field("line_items.1.unit_price"))).to_be_focused()
    page.keyboard.press("e")
    page.keyboard.press("ArrowUp")
    expect(page.locator(value_of("line_items.2.unit_price"))).to_be_focused()

    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("Corrections saved.")
    decision = site.ledger.document(site.ids[0]).decisions[0]
    assert decision.data is not None
    assert [row["description"] for row in decision.data["line_items"]] == [third, second, first]
    stored = {f.path: f for f in decision.fields}
    assert stored["line_items.0.quantity"].boxes == boxes_of("line_items.2.quantity")


def test_a_value_is_checked_while_it_is_typed_and_nothing_moves(page: Page, site: Live) -> None:
    open_document(page, site)
    checks = page.locator("[data-checks-text]")
    expect(checks).to_have_text("1 value cannot be read yet.")  # the ambiguous date
    page.keyboard.press("c")
    expect(page.locator(field("issue_date"))).to_be_focused()
    page.keyboard.press("1")
    expect(checks).to_have_text("The figures agree with one another.")
    expect(page.locator(f"{field('issue_date')} [data-reads]")).to_have_text("= 3 April 2026")
    tall = page.locator(field("issue_date")).bounding_box()
    net = page.get_by_label("Net total", exact=True)
    net.fill("1.234")
    expect(page.locator(f"{field('net_total')} [data-reads]")).to_contain_text("1.234 as 1.2340 or as 1234")
    expect(net).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".candidates button").first).to_be_visible()  # both readings, a keystroke away
    page.keyboard.press("Alt+1")
    expect(net).to_have_attribute("aria-invalid", "false")
    expect(checks).to_contain_text("The line totals do not sum to the net total")
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(checks).to_have_text("The figures agree with one another.")
    again = page.locator(field("issue_date")).bounding_box()
    assert tall is not None and again is not None and tall["height"] == again["height"]


@pytest.fixture
def long_site(tmp_path: Path, reader: ReaderPool) -> Iterator[Live]:
    """A document of 300 pages whose first doubt stands on page 217, and one with candidates."""
    sheet = Sheet()
    for number in range(1, 301):
        sheet.write(50, 60, f"Page {number}", 14)
        if number == 217:
            place = sheet.write(50, 780, "Grand Company Ltd")
        if number < 300:
            sheet.turn()
    found = [
        ExtractedField(
            path="company", raw="Grand Company Ltd", value="Grand Company Ltd", page=place[0], boxes=[place[1]],
            reasons=[ReviewReason.MODEL_UNSURE],
        ),
        *(ExtractedField(path=path) for path in ("date", "address", "total")),
    ]  # fmt: skip
    data = {"company": "Grand Company Ltd", "date": None, "address": None, "total": None}
    several = receipt_case("several.pdf", "Shop")
    others = [
        Candidate(raw="25/12/2025", page=1, boxes=[several.fields[1].boxes[0]]),
        Candidate(raw="8.80", page=1, boxes=[several.fields[3].boxes[0]]),
    ]
    several.fields[0] = several.fields[0].model_copy(update={"others": others})
    cases = [Case("long.pdf", load_schema("receipt"), sheet.pdf(), data, found, pages=300), several]
    with live(tmp_path, cases, reader) as running:
        yield running


def test_a_long_document_opens_at_its_first_doubt_and_draws_near_pages_only(
    page: Page, long_site: Live
) -> None:
    drawn: set[int] = set()
    page.on("request", lambda r: drawn.update(int(n) for n in re.findall(r"/pages/(\d+)\.png", r.url)))
    open_document(page, long_site)
    expect(page.locator('rect[data-box="company"]')).to_be_in_viewport()
    expect(page.locator("[data-shown-page]")).to_have_text("217")
    expect(page.locator('[data-goto="217"]')).to_be_in_viewport()
    expect(page.locator('[data-goto="217"] img[src]')).to_be_visible()
    assert drawn and all(abs(number - 217) < 20 for number in drawn)
    page.keyboard.press("]")
    expect(page.locator("[data-shown-page]")).to_have_text("218")


def test_pages_are_drawn_sharp_when_one_looks_closer(page: Page, site: Live) -> None:
    open_document(page, site)
    image = page.locator("#page-1 img")
    for _ in range(6):
        page.keyboard.press("+")
    expect(image).to_have_attribute("src", re.compile("dpi=(240|360|480)"))
    page.wait_for_function(
        "i => i.naturalWidth >= 0.9 * i.width * devicePixelRatio", arg=image.element_handle()
    )
    expect(page.locator("rect.current")).to_be_in_viewport(ratio=1)
    page.keyboard.press("f")
    frame, pane = page.locator("#page-1").bounding_box(), page.locator(".pages").bounding_box()
    assert frame is not None and pane is not None and frame["height"] <= pane["height"]
    shown = page.locator("[data-zoom-now]").inner_text()
    page.mouse.move(pane["x"] + 200, pane["y"] + 200)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    expect(page.locator("[data-zoom-now]")).not_to_have_text(shown)
    now = page.locator("#page-1").bounding_box()
    assert now is not None and now["width"] > frame["width"]


def test_another_candidate_is_a_keystroke_away_and_brings_its_place(page: Page, long_site: Live) -> None:
    open_document(page, long_site, 1)
    expect(page.locator(field("company"))).to_be_focused()
    offered = page.locator(".candidates button")
    expect(offered).to_have_count(2)
    offered.nth(1).hover()
    expect(page.locator(".pointing .ghost")).to_have_count(1)
    page.keyboard.press("1")
    expect(page.locator(value_of("company"))).to_have_value("25/12/2025")
    expect(page.locator('rect[data-box="company"]')).to_have_class("taken current")
    page.keyboard.press("a")
    expect(page.get_by_role("status")).to_contain_text("Corrections saved.")
    stored = {f.path: f for f in long_site.ledger.document(long_site.ids[1]).decisions[0].fields}
    assert (stored["company"].raw, stored["company"].page) == ("25/12/2025", 1)
    assert stored["company"].boxes == stored["date"].boxes


def test_looked_at_goes_to_the_next_doubt_and_then_to_the_button(page: Page, site: Live) -> None:
    open_document(page, site)
    expect(page.locator(field("document_number"))).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator(field("issue_date"))).to_be_focused()
    expect(page.locator("[data-seen]")).to_have_text("1 of 2 looked at")
    page.keyboard.press("2")
    expect(page.locator(value_of("issue_date"))).to_have_value("2026-03-04")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Save corrections")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("k")
    page.keyboard.press("Delete")
    expect(page.locator(".now")).to_contain_text("not on the document")


def test_a_network_that_is_away_loses_nothing(page: Page, site: Live) -> None:
    open_document(page, site)
    page.get_by_label("Issue date", exact=True).fill("2026-04-03")
    page.get_by_label("Seller name", exact=True).fill("Another")

    def cut(route: Route) -> None:
        route.abort()

    page.route("**/decision*", cut)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("Your values are still here")
    expect(page.get_by_label("Seller name", exact=True)).to_have_value("Another")
    assert site.ledger.document(site.ids[0]).decisions == []
    page.unroute("**/decision*", cut)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("Corrections saved.")
    assert len(site.ledger.document(site.ids[0]).decisions) == 1


def test_a_session_that_ended_loses_nothing(page: Page, site: Live) -> None:
    open_document(page, site)
    page.get_by_label("Issue date", exact=True).fill("2026-04-03")
    page.context.clear_cookies()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was stored.")
    expect(page.get_by_label("Issue date", exact=True)).to_have_value("2026-04-03")
    assert site.ledger.document(site.ids[0]).decisions == []


def test_pointing_at_a_file_that_is_gone_says_so(page: Page, site: Live, tmp_path: Path) -> None:
    open_document(page, site)
    for kept in (tmp_path / "home" / "documents").iterdir():
        kept.unlink()
    page.locator(field("order_reference")).focus()
    page.mouse.click(*Hand(page).on("document_number"))
    expect(page.locator(".toast")).to_contain_text("not kept here any more")
    expect(page.locator(value_of("order_reference"))).to_have_value("")


def test_words_of_a_document_stay_text_when_they_are_taken(page: Page, site: Live) -> None:
    open_document(page, site, 1)
    page.locator(field("address")).focus()
    x0, y0, x1, y1 = (
        receipt_case("receipt.pdf", '<img src=x onerror="document.title=1"> & "Sons"').fields[0].boxes[0]
    )
    hand = Hand(page)
    page.keyboard.press("b")
    hand.drag(hand.at(x0 - 5, y0 - 5), hand.at(x1 + 5, y1 + 5))
    expect(page.locator(value_of("address"))).to_have_value(re.compile("<img src=x"))
    expect(page.locator(".toast")).to_contain_text("<img src=x")
    assert page.locator("img[src=x]").count() == 0
    expect(page).to_have_title("receipt.pdf · parquetry")


def test_a_contradiction_is_told_and_can_be_overruled(page: Page, site: Live) -> None:
    open_document(page, site)
    page.keyboard.press("Space")
    page.keyboard.press("1")
    page.get_by_label("Net total", exact=True).fill("700.00")
    expect(page.locator("[data-checks-text]")).to_contain_text("(and 1 more)")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("The fields contradict each other")
    expect(page.locator("[data-seen]")).to_have_text("2 of 2 looked at")  # also of the form that came back
    page.get_by_role("button", name="Save all the same").click()
    expect(page.get_by_role("status")).to_contain_text("Corrections saved.")
    assert site.ledger.document(site.ids[0]).decisions[0].data["net_total"] == "700.00"  # type: ignore[index]


def test_whatever_can_be_used_has_a_name(page: Page, site: Live) -> None:
    open_document(page, site)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, a[href], input:not([type=hidden]), select, textarea')]
            .filter(e => !e.closest('template'))
            .filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim()))
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_what_is_typed_into_the_note_is_not_lost_by_leaving(page: Page, site: Live) -> None:
    open_document(page, site)
    page.get_by_label("Note for the record").fill("the stamp covers it")
    page.keyboard.press("Escape")
    page.on("dialog", lambda dialog: dialog.dismiss())
    with page.expect_event("dialog"):
        page.keyboard.press("q")
    expect(page.get_by_label("Note for the record")).to_have_value("the stamp covers it")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_told_can_be_read_in_both_schemes(page: Page, site: Live, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    open_document(page, site)
    page.keyboard.press("d")
    expect(page.locator(".candidates button")).to_have_count(2)
    page.get_by_label("Net total", exact=True).fill("7O0")
    expect(page.locator(".now-text.error")).to_be_visible()
    page.get_by_label("Net total", exact=True).fill("700")
    expect(page.locator(".checks .bad")).to_contain_text("sum")
    page.keyboard.press("Escape")
    page.keyboard.press("Space")
    assert page.evaluate(CONTRAST) == []


def test_what_is_wrong_is_told_without_losing_what_was_done_before(page: Page, site: Live) -> None:
    open_document(page, site)
    page.get_by_label("Seller name", exact=True).fill("Another")
    page.evaluate("window.same = true")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("Issue date")
    expect(page.get_by_label("Issue date", exact=True)).to_be_focused()
    assert page.evaluate("window.same") is True, "the page was not loaded anew"
    page.keyboard.press("Control+z")
    expect(page.get_by_label("Seller name", exact=True)).to_have_value("Holz & Söhne GmbH")


def test_saving_twice_overrules_nothing_that_was_not_read(page: Page, site: Live) -> None:
    open_document(page, site)
    page.get_by_label("Issue date", exact=True).fill("2026-04-03")
    page.get_by_label("Net total", exact=True).fill("700.00")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/decision*", hold)
    page.keyboard.press("Control+Enter")
    while not held:
        page.wait_for_timeout(20)
    page.keyboard.press("Control+Enter")  # impatient
    held.pop().continue_()
    page.unroute("**/decision*", hold)
    overrule = page.get_by_role("button", name="Save all the same")
    expect(overrule).to_be_visible()
    page.get_by_label("Net total", exact=True).fill("701.00")
    expect(overrule).to_be_hidden()  # other contradictions are told anew
    page.get_by_label("Net total", exact=True).fill("766.50")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("Corrections saved.")
    assert [c.path for c in site.ledger.document(site.ids[0]).decisions[0].changes] == ["issue_date"]
