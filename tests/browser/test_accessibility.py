"""What axe-core says of every view, light and dark: nothing serious."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser

from flows.ledger.trust import Role
from tests.browser.conftest import window
from tests.browser.live import Live
from tests.review.support import CHEAP

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
PASSWORD = "correct horse battery"


def faults(page: object) -> list[str]:
    """The serious and critical findings, each with the first element it is about."""
    page.evaluate(AXE)  # type: ignore[attr-defined]
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")  # type: ignore[attr-defined]
    return [
        f"{v['id']}: {v['help']} ({v['nodes'][0]['html'][:160]}; {v['nodes'][0].get('failureSummary', '')[:200]})"
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_has_a_serious_fault(browser: Browser, site: Live, scheme: str) -> None:
    for name, role in (("ada", Role.ADMIN), ("bob", Role.REVIEWER)):
        site.ledger.add_account(name, role, actor="console", password_hash=CHEAP.hash(PASSWORD, name))
    site.ledger.hold(site.ids[2], "bob", seconds=600)
    context = window(browser, color_scheme=scheme)
    page = context.new_page()
    told: dict[str, list[str]] = {}
    page.goto(site.url)
    told["sign in"] = faults(page)
    page.fill("#name", "ada")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")
    views = {
        "queue": "/",
        "nothing found": "/?q=nothing-like-it",
        "invoice": f"/documents/{site.ids[0]}",
        "receipt": f"/documents/{site.ids[1]}",
        "held": f"/documents/{site.ids[2]}",
        "filters": "/?from=1&sort=value&whose=free",
        "dashboard": "/dashboard",
        "list": "/documents?outcome=review",
        "accept many": "/bulk",
        "people": "/people",
        "account": "/account",
        "trail": "/trail?check=1",
        "no such page": "/nothing",
    }
    for name, path in views.items():
        page.goto(f"{site.url}{path}")
        if path.startswith("/documents/"):
            page.wait_for_selector(".page.loaded")
        told[name] = faults(page)
    page.goto(f"{site.url}/documents/{site.ids[1]}")
    page.wait_for_selector(".page.loaded")
    page.keyboard.press("?")
    told["help"] = faults(page)
    context.close()
    assert {name: found for name, found in told.items() if found} == {}
