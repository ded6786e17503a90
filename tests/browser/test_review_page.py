"""A reviewer at work in a real browser: everything by keyboard, boxes where the words are."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Dialog, Page, expect

from flows.ledger.records import DocumentState
from tests.browser.live import Live
from tests.review.support import PAGE_SIZE, invoice_case

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def enter(page: Page, site: Live) -> None:
    page.goto(site.url)
    page.get_by_label("Your name").fill("Ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("documents wait"))
    page.wait_for_load_state("load")  # the page's scripts are modules: a key pressed before they ran is lost


def open_document(page: Page, site: Live, index: int = 0) -> None:
    enter(page, site)
    page.goto(f"{site.url}/documents/{site.ids[index]}")
    page.wait_for_selector(".page.loaded")


def field(page: Page, path: str) -> str:
    return f'[data-field="{path}"]'


def box_on_screen(page: Page, path: str) -> dict[str, float]:
    found = page.locator(f'rect[data-box="{path}"]').bounding_box()
    assert found is not None
    return dict(found)


def expected_on_screen(page: Page, path: str) -> tuple[float, float, float, float]:
    """Where the words of a field must be on the screen: the box in points, scaled by the image alone."""
    known = next(f for f in invoice_case().fields if f.path == path)
    image = page.locator(f"#page-{known.page} img").bounding_box()
    assert image is not None
    scale = image["width"] / PAGE_SIZE[0]
    x0, y0, x1, y1 = known.boxes[0]
    return image["x"] + x0 * scale, image["y"] + y0 * scale, image["x"] + x1 * scale, image["y"] + y1 * scale


def assert_in_place(page: Page, path: str) -> None:
    rect = box_on_screen(page, path)
    x0, y0, x1, y1 = expected_on_screen(page, path)
    around = 4.0 * page.locator(".page img").first.evaluate("image => image.width") / PAGE_SIZE[0]
    assert x0 - around <= rect["x"] <= x0 + 1 and y0 - around <= rect["y"] <= y0 + 1
    assert (
        x1 - 1 <= rect["x"] + rect["width"] <= x1 + around
        and y1 - 1 <= rect["y"] + rect["height"] <= y1 + around
    )


def test_a_value_is_corrected_by_keyboard_alone(page: Page, site: Live) -> None:
    enter(page, site)
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="invoice-0042.pdf")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_selector(".page.loaded")
    expect(page.locator(field(page, "document_number"))).to_be_focused()  # the first that is in doubt
    page.keyboard.press("j")
    expect(page.locator(field(page, "issue_date"))).to_be_focused()
    page.keyboard.press("1")  # the first of the two readings that are offered
    expect(page.get_by_label("Issue date", exact=True)).to_have_value("2026-04-03")
    for _ in range(2):
        page.keyboard.press("j")
    page.keyboard.press("e")
    page.keyboard.type("Holz und Söhne GmbH")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Seller address", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Save corrections")).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_role("status")).to_contain_text("Corrections saved.")
    expect(page).to_have_url(re.compile(f"/documents/{site.ids[1]}"))

    record = site.ledger.document(site.ids[0])
    [decision] = record.decisions
    assert (record.state, decision.reviewer, decision.action) == (DocumentState.REVIEWED, "Ada", "correct")
    assert {c.path: c.after for c in decision.changes} == {
        "issue_date": "2026-04-03",
        "seller_name": "Holz und Söhne GmbH",
    }


def test_boxes_lie_over_their_words_at_every_zoom(page: Page, site: Live) -> None:
    open_document(page, site)
    for path in ("seller_name", "line_items.1.unit_price", "gross_total"):
        assert_in_place(page, path)
    for key in ("+", "+", "0", "-", "-", "-"):
        page.keyboard.press(key)
        assert_in_place(page, "gross_total")
    assert_in_place(page, "iban")
    dark = page.locator("#page-1 img").evaluate(
        """(image, box) => {
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            const k = image.naturalWidth / 595;
            const [x, y, x1, y1] = box.map(v => Math.round(v * k));
            const pixels = context.getImageData(x, y, x1 - x, y1 - y).data;
            let dark = 0;
            for (let i = 0; i < pixels.length; i += 4) if (pixels[i] < 128) dark += 1;
            return dark;
        }""",
        next(f for f in invoice_case().fields if f.path == "gross_total").boxes[0],
    )
    assert dark > 40, "there is print under the box"


def test_a_field_shows_its_box_and_a_box_its_field(page: Page, site: Live) -> None:
    open_document(page, site)
    page.get_by_label("IBAN", exact=True).focus()
    current = page.locator("rect.current")
    expect(current).to_have_attribute("data-box", "iban")
    expect(current).to_be_in_viewport()  # on the second page, which was scrolled to
    expect(page.locator('[data-goto="2"]')).to_have_attribute("aria-current", "true")
    page.locator('[data-goto="1"]').click()
    page.locator('rect[data-box="line_items.0.quantity"]').click(
        modifiers=["Alt"]
    )  # without Alt it fills the field
    expect(page.locator('[name="v.line_items.0.quantity"]')).to_be_focused()
    expect(page.locator(field(page, "line_items.0.quantity"))).to_be_in_viewport()


def test_rows_are_added_and_deleted(page: Page, site: Live) -> None:
    open_document(page, site)
    page.get_by_label("Issue date", exact=True).fill("2026-04-03")
    page.get_by_role("button", name="Delete this row of Line items").nth(1).click()
    page.get_by_role("button", name="Add a row").click()
    for text in ("Cork, special", "6", "8.40", "50.40"):
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    expect(page.locator("[data-count]")).to_have_text("3")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("Corrections saved.")
    [decision] = site.ledger.document(site.ids[0]).decisions
    assert decision.data is not None
    assert [row["description"] for row in decision.data["line_items"]] == [
        "Oak parquet herringbone 22 mm",
        "Skirting board walnut, 2.4 m",
        "Cork, special",
    ]
    assert decision.data["line_items"][2]["line_total"] == "50.40"


def test_a_wrong_value_comes_back_with_the_cursor_on_it(page: Page, site: Live) -> None:
    open_document(page, site)
    date = page.get_by_label("Issue date", exact=True)
    date.fill("31.02.2026")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was stored")
    expect(date).to_be_focused()
    expect(date).to_have_value("31.02.2026")
    assert site.ledger.document(site.ids[0]).decisions == []


def test_rows_added_before_and_after_an_error_are_all_stored(page: Page, site: Live) -> None:
    open_document(page, site)
    page.get_by_role("button", name="Add a row").click()
    page.keyboard.type("Before")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was stored")  # the date is still ambiguous
    page.get_by_label("Issue date", exact=True).fill("2026-04-03")
    page.get_by_role("button", name="Add a row").click()
    page.keyboard.type("After")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("Corrections saved.")
    [decision] = site.ledger.document(site.ids[0]).decisions
    assert decision.data is not None
    assert [row["description"] for row in decision.data["line_items"]][3:] == ["Before", "After"]


def test_rejecting_and_skipping_by_keyboard(page: Page, site: Live) -> None:
    open_document(page, site)
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(site.ids[1]))
    page.wait_for_selector(".page.loaded")  # keys are the page's own only once its script runs
    page.keyboard.press("r")
    expect(page.locator("#why")).to_be_focused()
    page.keyboard.type("Not a document of this kind")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(site.ids[2]))
    record = site.ledger.document(site.ids[1])
    assert (record.state, record.decisions[0].comment) == (
        DocumentState.REJECTED,
        "Not a document of this kind",
    )


def test_help_opens_and_closes(page: Page, site: Live) -> None:
    open_document(page, site)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("a")  # commands rest while the help is open
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    assert site.ledger.document(site.ids[0]).decisions == []


def test_markup_in_a_document_stays_text(page: Page, site: Live) -> None:
    open_document(page, site, 1)
    expect(page.get_by_label("Company")).to_have_value('<img src=x onerror="document.title=1"> & "Sons"')
    assert page.locator("img[src=x]").count() == 0
    expect(page).to_have_title("receipt.pdf · parquetry")


def test_unsaved_changes_are_not_lost_by_leaving(page: Page, site: Live) -> None:
    open_document(page, site)
    page.get_by_label("Seller name", exact=True).fill("Another")
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", answer)
    page.keyboard.press("Escape")
    with page.expect_event("dialog"):
        page.keyboard.press("q")
    assert asked == ["beforeunload"]
    expect(page.get_by_label("Seller name", exact=True)).to_have_value("Another")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(page: Page, site: Live, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    open_document(page, site)
    weak = page.evaluate(CONTRAST)
    assert weak == []
    page.goto(site.url)
    assert page.evaluate(CONTRAST) == []


# Every visible text against what lies behind it, by the formula of WCAG 2.1 (relative luminance); AA: 4.5.
CONTRAST = """() => {
    const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
    const light = (rgb) => {
        const linear = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = rgb.map(v => linear(v / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let e = element; e; e = e.parentElement) {
            const [r, g, b, a = 1] = parse(getComputedStyle(e).backgroundColor);
            if (a > 0) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const weak = [];
    for (const element of document.querySelectorAll('body *')) {
        const says = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim());
        if (!says && !element.matches('input, select')) continue;
        if (element.closest('.visually-hidden, template, dialog, svg, option, datalist')) continue;
        const style = getComputedStyle(element);
        if (!element.getClientRects().length || style.visibility === 'hidden') continue;
        const [a, b] = [light(parse(style.color).slice(0, 3)), light(ground(element))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) weak.push(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
    }
    return weak;
}"""
