"""Takes the pictures of the review page in docs/screens: every view, light and dark, from made-up documents.

Run it after a change of how the page looks, with the development environment: ``python scripts/screenshots.py``.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from extractors.options import ReadOptions  # noqa: E402
from extractors.reading.pool import ReaderPool  # noqa: E402
from flows.ledger.trust import Role  # noqa: E402
from tests.browser.conftest import FLAGS, chromium  # noqa: E402
from tests.browser.live import Live, live, serve  # noqa: E402
from tests.review.history import fill_history  # noqa: E402
from tests.review.support import CHEAP, invoice_case, receipt_case  # noqa: E402

OUT = ROOT / "docs" / "screens"
SIZE = (1440, 900)
PASSWORD = "correct horse battery"
PEOPLE = {"ada": Role.ADMIN, "bob": Role.REVIEWER, "eve": Role.SENIOR}


def main() -> int:
    """Writes all pictures."""
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.png"):
        old.unlink()
    with (
        tempfile.TemporaryDirectory() as folder,
        ReaderPool(ReadOptions(), workers=2) as reader,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        for scheme in ("light", "dark"):
            home = Path(folder) / scheme
            cases = [invoice_case(), receipt_case("receipt.pdf", "Shop & Sons")]
            with live(home, cases, reader) as site:
                for name, role in PEOPLE.items():
                    kept = CHEAP.hash(PASSWORD, name)
                    site.ledger.add_account(name, role, actor="console", password_hash=kept)
                _documents(browser, site, scheme)
            url = f"sqlite:///{home / 'past.db'}"
            fill_history(url)
            with serve(url, home / "past", reader) as address:
                _desk(browser, address, scheme)
    return 0


def _documents(browser: Browser, site: Live, scheme: str) -> None:
    """Sign-in, a document in its states, people, the trail."""
    page = _page(browser, scheme)
    page.goto(site.url)
    _take(page, "sign-in", scheme)
    _sign_in(page, site.url, "ada")
    _open(page, site, 0)
    _take(page, "document", scheme)
    page.keyboard.press("?")
    _take(page, "keys", scheme)
    page.keyboard.press("Escape")
    page.locator(".items").first.scroll_into_view_if_needed()
    _take(page, "rows", scheme)
    other = _page(browser, scheme)
    other.goto(site.url)
    _sign_in(other, site.url, "eve")
    _open(other, site, 1)
    for _ in range(100):
        if site.ledger.holder(site.ids[1]) is not None:
            break
        other.wait_for_timeout(50)
    _open(page, site, 1)
    _take(page, "held", scheme)
    other.get_by_label("Company").fill("Shop and Sons Ltd")
    other.keyboard.press("Control+Enter")
    other.wait_for_url(lambda url: "done=" in url)
    _open(page, site, 1)
    _take(page, "decided", scheme)
    for name, path in (("people", "/people"), ("trail", "/trail?check=1"), ("account", "/account")):
        page.goto(site.url + path)
        _take(page, name, scheme)
    page.context.close()
    other.context.close()


def _desk(browser: Browser, address: str, scheme: str) -> None:
    """Queue, accepting many, dashboard."""
    page = _page(browser, scheme)
    page.goto(f"{address}/who")
    page.get_by_label("Your name").fill("Ada")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/")
    for name, path in (("queue", "/?sort=value&whose=free"), ("dashboard", "/dashboard"), ("bulk", "/bulk")):
        page.goto(address + path)
        _take(page, name, scheme)
    page.context.close()


def _page(browser: Browser, scheme: str) -> Page:
    viewport = {"width": SIZE[0], "height": SIZE[1]}
    return browser.new_context(viewport=viewport, color_scheme=scheme).new_page()  # type: ignore[arg-type]


def _sign_in(page: Page, url: str, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")


def _open(page: Page, site: Live, index: int) -> None:
    page.goto(f"{site.url}/documents/{site.ids[index]}")
    page.wait_for_selector(".page.loaded")


def _take(page: Page, name: str, scheme: str) -> None:
    page.wait_for_timeout(700)  # pictures of pages fade in, live checks answer
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    # 64 colours are enough for a page, and a third of the bytes.
    picture.quantize(64, dither=Image.Dither.NONE).save(OUT / f"{name}-{scheme}.png", optimize=True)
    print(OUT / f"{name}-{scheme}.png")


if __name__ == "__main__":
    sys.exit(main())
