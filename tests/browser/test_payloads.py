"""Documents that mean harm: whatever stands in their names, values and messages is text, in every view."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from extractors.reading.pool import ReaderPool
from tests.browser.conftest import window
from tests.browser.live import live
from tests.review.support import Case, receipt_case

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAYLOADS = [
    "<script>window.pwned=1</script>",
    "\"><img src=x onerror='window.pwned=1'>",
    "'-window.pwned=1-'",
    "</textarea></title></style></script><svg onload=window.pwned=1>",
    "javascript:window.pwned=1//",
    "{{constructor.constructor('window.pwned=1')()}} ${window.pwned=1} {% raw %}",
    '=HYPERLINK("http://evil.example","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\u202egpj.exe\u202c \u200b\u2066x\u2069 \ufeff",
    "\x01\x02\x1b[31mred\x07 \x7f",
    "'; DROP TABLE documents; --",
    "..\\..\\etc\\passwd %2e%2e%2f \x00 C:\\con",
    "<!--<script> ]]> &lt;b&gt; &#x3C;",
    "a\u2028b\u2029c",
]


def hostile(number: int, payload: str) -> Case:
    name = f"{number} {payload}".replace("/", "∕").replace("\x00", "␀")[:120] + ".pdf"
    case = receipt_case(name, f"Shop {number}", messages=[payload])
    case.data |= {"company": payload, "address": payload}
    case.fields = [
        f.model_copy(update={"raw": payload, "value": payload, "messages": [payload]})
        if f.path in ("company", "address")
        else f
        for f in case.fields
    ]
    return case


def look(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_load_state("load")


def test_nothing_of_a_document_is_ever_run(browser: Browser, tmp_path: Path, reader: ReaderPool) -> None:
    cases = [hostile(number, payload) for number, payload in enumerate(PAYLOADS)]
    context = window(browser)
    page = context.new_page()
    trouble: list[str] = []
    page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda r: trouble.append(r.url) if "evil.example" in r.url else None)
    page.on("console", lambda said: trouble.append(said.text) if "Content Security" in said.text else None)
    with live(tmp_path, cases, reader) as site:
        page.goto(site.url)
        page.get_by_label("Your name").fill("<script>window.pwned=1</script>")
        page.keyboard.press("Enter")
        page.wait_for_url("**/")
        addresses = [site.url, *(f"{site.url}/documents/{d}" for d in site.ids)]
        for payload, document_id in zip(PAYLOADS, site.ids, strict=True):
            look(page, f"{site.url}/documents/{document_id}")
            page.get_by_label("Note for the record").fill(payload[:200])
            page.get_by_label("Total").fill(payload[:200])
            page.keyboard.press("Control+Enter")
            expect(page.get_by_role("alert")).to_contain_text("Nothing was stored")
            page.get_by_label("Total").fill("12.50")
            page.keyboard.press("Control+Enter")
            page.wait_for_url(lambda url, was=document_id: f"was={was}" in url)
        addresses += [
            f"{site.url}/trail?check=1",
            f"{site.url}/dashboard",
            f"{site.url}/documents?schema={PAYLOADS[1]}&source={PAYLOADS[0]}",
            f"{site.url}/bulk?q={PAYLOADS[1]}",
            f"{site.url}/?q={PAYLOADS[1]}",
            f"{site.url}/documents/{site.ids[0]}?edit=1",
        ]
        for address in addresses:
            look(page, address)
            assert page.evaluate("window.pwned") is None, address
        assert all(site.ledger.document(d).decisions for d in site.ids)
        assert site.ledger.verify_trail().faults == []
    context.close()
    assert trouble == []
