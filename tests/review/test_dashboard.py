"""The dashboard: figures, pictures with their tables, links to the documents, and what to do when there is nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from extractors.confidence.certify import binomial_tail
from flows.ledger.figures import BudgetSaid
from flows.ledger.trust import SampleFigures
from flows.review.bounds import exact_share
from flows.review.charts import steps
from flows.review.dashboard import measure
from tests.review.history import fill_history
from tests.review.support import Desk, desk, parsed, receipt_case
from tests.review.test_pages import names


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A page over eleven weeks of documents."""
    folder = tmp_path_factory.mktemp("past")
    with desk(folder) as made:
        fill_history(f"sqlite:///{folder / 'home' / 'ledger.db'}", documents=150)
        made.sign_in()
        yield made


def test_a_new_home_says_what_to_do(signed_in: Desk) -> None:
    assert "parquetry run" in signed_in.client.get("/dashboard").text
    signed_in.add(receipt_case("a.pdf", "Shop"))
    page = signed_in.client.get("/dashboard").text
    assert "review.audit_share = 0.02" in page and "No look was timed yet" in page
    assert "Nobody has decided" in page and "No field was corrected" in page


def test_every_picture_says_what_it_shows_and_has_its_table(past: Desk) -> None:
    page = past.client.get("/dashboard").text
    pictures = re.findall(r'<svg[^>]*role="(?:img|group)" aria-labelledby="([\w-]+) ([\w-]+)"', page)
    assert len(pictures) == 2
    for title, description in pictures:
        assert re.search(rf'<title id="{title}">[^<]+</title>\s*<desc id="{description}">[^<]+</desc>', page)
    assert page.count('<details class="as-table">') == 2
    hidden = [a for t, a in parsed(page).tags if t == "svg" and "role" not in a]
    assert hidden and all(a.get("aria-hidden") == "true" for a in hidden), "the figures stand beside them"
    assert "style=" not in page and "<script" not in page.replace('<script type="module"', "")


def test_the_table_of_a_picture_has_its_figures(past: Desk) -> None:
    page = past.client.get("/dashboard").text
    head, body = re.findall(r"<thead>(.*?)</thead>\s*<tbody>(.*?)</tbody>", page, re.DOTALL)[0]
    assert re.findall(r">([A-Z]\w+)<", head)[:4] == ["Week", "Accepted", "Reviewed", "Waiting"]
    cells = [
        re.findall(r'class="number">(?:<a href="[^"]+">)?([\d,]+)<', row)
        for row in re.findall(r"<tr>.*?</tr>", body)
    ]
    assert sum(int(cell) for row in cells for cell in row) == 150


def test_a_piece_of_a_picture_leads_to_its_documents(past: Desk) -> None:
    page = past.client.get("/dashboard").text
    pieces = re.findall(r'<a href="([^"]+)" tabindex="-1"><rect[^>]*><title>[^:<]+: (\d+) (\w+)<', page)
    assert pieces
    for href, count, _ in pieces[-3:]:
        listed = past.client.get(unescape(href)).text
        assert len(names(listed)) == int(count)


def test_every_link_of_the_dashboard_leads_somewhere(past: Desk) -> None:
    page = past.client.get("/dashboard").text
    for href in sorted(set(re.findall(r'href="(/(?:documents|\?)[^"]*)"', page))):
        answer = past.client.get(unescape(href))
        assert answer.status_code == 200, href
        if "corrected=" in href or "reason=" in href:
            assert names(answer.text), href


def test_what_waits_is_listed_as_waiting_though_it_was_accepted(past: Desk) -> None:
    waiting = {item.uri.rsplit("/", 1)[1] for item in past.ledger.queue(limit=999)}
    accepted = past.client.get("/documents?outcome=accepted").text
    assert not waiting & set(names(accepted)) and names(accepted)
    assert set(names(past.client.get("/documents?outcome=review").text)) == waiting


def test_addresses_that_make_no_sense_list_all(past: Desk) -> None:
    page = past.client.get("/documents?outcome=lost&reason=bad&first=tomorrow&sample=x").text
    assert len(names(page)) == 150


def test_a_list_has_an_end_and_says_so(past: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.review.dashboard.LISTED", 10)
    page = past.client.get("/documents").text
    assert len(names(page)) == 10 and "10+ documents" in page and "the first 10 are shown" in page


@pytest.mark.parametrize(("hits", "trials"), [(0, 59), (3, 100), (1, 1), (40, 40), (700, 4000)])
def test_the_interval_is_the_exact_one(hits: int, trials: int) -> None:
    """By its definition: at each end the other tail has just what is left of the level."""
    share = exact_share(hits, trials)
    assert share.low <= hits / trials <= share.high
    if hits < trials:
        assert binomial_tail(hits, trials, share.high) == pytest.approx(0.025, abs=1e-6)
    if hits:
        assert 1 - binomial_tail(hits - 1, trials, share.low) == pytest.approx(0.025, abs=1e-6)


def test_known_intervals() -> None:
    share = exact_share(3, 100)  # as R's binom.test(3, 100) has it
    assert (share.low, share.high) == pytest.approx((0.006229972, 0.08517605), abs=1e-6)
    assert (exact_share(0, 0).low, exact_share(0, 0).high) == (0, 1)


def found(**more: int) -> SampleFigures:
    figures = {"drawn": 100, "decided": 100, "documents_wrong": 0, "fields": 400, "fields_wrong": 0} | more
    return SampleFigures(schema_name="bill", kind="blind", **figures)


@pytest.mark.parametrize(
    ("figures", "budget", "verdict"),
    [
        (found(), 0.05, "within the budget"),
        (found(documents_wrong=20, fields_wrong=20), 0.05, "over the budget"),
        (found(documents_wrong=3, fields_wrong=3), 0.05, "too few looks to tell"),
        (found(decided=0, fields=0), 0.05, "not looked at yet"),
        (found(), None, "no budget is set"),
    ],
)
def test_the_verdict_holds_the_interval_against_the_budget(
    figures: SampleFigures, budget: float | None, verdict: str
) -> None:
    said = BudgetSaid(error=budget, confidence=0.95, unit="documents") if budget else None
    assert measure(figures, said).verdict == verdict


def test_a_budget_of_values_is_held_against_fields() -> None:
    said = BudgetSaid(error=0.05, confidence=0.95, unit="values")
    one = measure(found(documents_wrong=20, fields_wrong=2), said)
    assert one.verdict == "within the budget" and one.field_bar.budget and one.document_bar.budget is None


@pytest.mark.parametrize(
    ("most", "last"), [(0, 1), (1, 1), (3, 3), (7, 8), (62, 80), (999, 1000), (12_345, 15_000)]
)
def test_scales_end_at_round_numbers(most: float, last: float) -> None:
    scale = steps(most)
    assert scale[-1] == last and len(scale) <= 6 and all(value == int(value) for value in scale)


def test_names_from_outside_are_escaped(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.sign_in()
        made.add(receipt_case("<b>&.pdf", "Shop"))
        assert "<b>&" not in made.client.get("/documents").text
        assert "<script>" not in made.client.get("/documents?schema=<script>&source=<script>").text
