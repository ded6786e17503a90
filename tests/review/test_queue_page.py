"""The queue page: tabs, filters, orders, the burn-down, and blind samples among the others."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from flows.ledger import desk as ledger_desk
from flows.ledger.trust import Sampling
from flows.review import kept as kept_module
from flows.review.kept import Kept
from flows.review.queueing import Filter
from schemas.outcome import ReviewReason
from tests.review.history import fill_history, ledger_with_clock
from tests.review.support import Desk, desk, invoice_case, parsed, receipt_case
from tests.review.test_pages import names


def tabs(html: str) -> dict[str, str]:
    found = re.findall(
        r'<a href="[^"]*"(?: aria-current="page")?>([^<]+) <span class="tab-count">([^<]+)<', html
    )
    return dict(found)


def options(html: str, name: str) -> list[str]:
    found = re.search(rf'<select id="{name}".*?</select>', html, re.DOTALL)
    assert found
    return re.findall(r"<option[^>]*>([^<]*)<", found[0])


def test_tabs_show_whose_documents_wait(signed_in: Desk) -> None:
    mine, hers, free = signed_in.add(*(receipt_case(f"{n}.pdf", f"Shop {n}") for n in range(3)))
    signed_in.ledger.hold(mine, "Ada", seconds=60)
    signed_in.ledger.hold(hers, "Grace <b>", seconds=60)
    page = signed_in.client.get("/").text
    assert tabs(page) == {"All": "3", "Mine": "1", "Free": "1", "Second look": "0"}
    assert re.findall(r'href="([^"]+)">Start with the first', page) == [f"/documents/{mine}"]
    signed_in.ledger.hold(mine, "Grace <b>", seconds=60, over=True)
    taken = signed_in.client.get("/").text
    assert re.findall(r'href="([^"]+)">Start with the first', taken) == [f"/documents/{free}"]
    signed_in.ledger.hold(mine, "Ada", seconds=60, over=True)
    assert "Grace &lt;b&gt; has it" in page and "Grace <b>" not in page and ">yours<" in page
    assert names(signed_in.client.get("/?whose=mine").text) == ["0.pdf"]
    assert names(signed_in.client.get("/?whose=free").text) == ["2.pdf"]
    assert names(signed_in.client.get("/", params={"held": "Grace <b>"}).text) == ["1.pdf"]
    assert "No document waits for a second look" in signed_in.client.get("/?whose=second").text
    assert options(page, "held") == ["Anybody or nobody", "Grace &lt;b&gt; (1)"]


def test_amount_source_age_and_order_are_kept_in_every_link(signed_in: Desk) -> None:
    dear, _ = signed_in.add(receipt_case("dear.pdf", "A", "1500.00"), receipt_case("cheap.pdf", "B", "3.00"))
    page = signed_in.client.get("/?from=1.000,5&source=file:///in&sort=value").text
    assert names(page) == ["dear.pdf", "cheap.pdf"], "an amount of two separators is none"
    page = signed_in.client.get("/?from=1000,50&source=file:///in/&sort=value").text
    assert names(page) == ["dear.pdf"] and "an hour</span>" in page
    (link,) = re.findall(r'class="row-link" href="([^"]+)"', page)
    assert unescape(link) == f"/documents/{dear}?source=file%3A%2F%2F%2Fin&from=1000.50&sort=value"
    assert options(page, "source") == ["All", "/in (2)"] and "1,500.00" in page
    assert names(signed_in.client.get("/?older=1h").text) == []
    assert names(signed_in.client.get("/?older=yesterday&from=x&sort=&whose=").text) == [
        "dear.pdf",
        "cheap.pdf",
    ]


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("1 200", 1200.0),
        ("12,50", 12.5),
        ("1,200.50", 1200.5),
        ("-3", -3.0),
        ("nan", None),
        ("", None),
        ("1e999", None),
    ],
)
def test_amounts_as_people_type_them(typed: str, amount: float | None) -> None:
    assert Filter.of({"from": typed}).amount_from == amount


def test_a_filter_comes_back_from_its_address() -> None:
    query = {
        "q": "a&b",
        "schema": "receipt",
        "source": "s3://b/ü",
        "reason": "model_unsure",
        "older": "3d",
        "from": "2.50",
        "to": "10",
        "held": "Ada",
        "bulk": "ab12",
        "whose": "second",
        "sort": "value",
    }
    assert Filter.of(query).query() == query
    assert Filter.of(dict.fromkeys(query, "\x00'\"<>")).query().keys() <= {"q", "schema", "source", "held"}


def test_the_burn_down_is_a_picture_and_a_table(signed_in: Desk) -> None:
    [document_id, _] = signed_in.add(receipt_case("a.pdf", "A"), receipt_case("b.pdf", "B"))
    signed_in.decide(document_id, signed_in.form(document_id))
    page = signed_in.client.get("/").text
    assert "Came: 2. Decided: 1. Waiting now: 1." in page
    (picture,) = [a for t, a in parsed(page).tags if t == "svg" and a.get("role") == "img"]
    assert picture["aria-labelledby"] == "burn-title burn-desc"
    today = re.findall(r'<tr><th scope="row">[^<]+</th>(.*?)</tr>', page)[-1]
    assert re.findall(r">(\d+)<", today) == ["2", "1", "1"]


def test_a_count_that_has_an_end_says_so(signed_in: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("flows.ledger.waiting", "flows.review.queue_view", "flows.review.queueing"):
        monkeypatch.setattr(f"{module}.COUNT_CAP", 2)
    monkeypatch.setattr(ledger_desk, "COUNT_CAP", 2)
    signed_in.add(*(receipt_case(f"{n}.pdf", f"Shop {n}") for n in range(4)))
    page = signed_in.client.get("/").text
    assert "2+ documents wait for review" in page and "1 to 4 of 2+" in page
    assert tabs(page)["All"] == "2+" == tabs(page)["Free"]


def test_figures_of_a_long_queue_are_kept_a_while() -> None:
    made: list[int] = []
    at = [0.0]

    def make() -> int:
        made.append(len(made))
        return made[-1]

    long = Kept(make, lambda value: 30.0, lambda: at[0])
    assert [long(), long()] == [0, 0]
    at[0] = 30
    assert long() == 1 and made == [0, 1]
    short = Kept(make, lambda value: 0.0, lambda: at[0])
    assert [short(), short()] == [2, 3]


def test_the_counts_of_a_long_queue_are_not_asked_for_each_page(
    signed_in: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "COUNT_CAP", 1)
    signed_in.add(*(receipt_case(f"{n}.pdf", f"Shop {n}") for n in range(3)))
    app: Any = signed_in.client.app
    asked: list[int] = []
    real = app.state.desk.extras._make
    monkeypatch.setattr(app.state.desk.extras, "_make", lambda: (asked.append(1), real())[1])
    for _ in range(3):
        assert "receipt (3)" in signed_in.client.get("/").text
    assert asked == [1]


def test_blind_samples_are_told_apart_neither_in_the_queue_nor_on_their_page(signed_in: Desk) -> None:
    lender = receipt_case("a.pdf", "Shop A")
    [waits] = signed_in.add(lender)
    blind = receipt_case("b.pdf", "Shop B")
    blind.fields = [f.model_copy(update={"reasons": [], "messages": []}) for f in blind.fields]
    [sample] = signed_in.add_accepted(blind, Sampling(accepted=1))
    page = signed_in.client.get("/").text
    rows = re.findall(r"<tr.*?</tr>", page[page.index("queue-table") :], re.DOTALL)[1:]

    def neutral(html: str) -> str:
        for known, word in ((waits, "ID"), (sample, "ID"), ("b.pdf", "a.pdf"), ("Shop B", "Shop A")):
            html = html.replace(known, word)
        html = re.sub(
            r'(datetime|title)="20[^"]*"|(name="token" value|data-token)="[^"]*"|[0-9a-f]{64}', "", html
        )
        return re.sub(r"<time.*?</time>|\d{1,2} \w{3} 20\d\d, \d\d:\d\d UTC", "", html)

    assert neutral(rows[0]) == neutral(rows[1])
    for address in (waits, sample):
        signed_in.ledger.let_go(address, "Ada")
    first, second = (neutral(signed_in.client.get(f"/documents/{one}").text) for one in (waits, sample))
    assert first == second
    assert names(signed_in.client.get(f"/?reason={ReviewReason.MODEL_UNSURE}").text) == ["a.pdf", "b.pdf"]
    answers = [signed_in.client.get(f"/api/v1/documents/{one}").json() for one in (waits, sample)]
    for answer in answers:
        for name in ("document_id", "sha256", "uri", "queued_at", "hold"):
            del answer[name]
    assert answers[0] == json.loads(json.dumps(answers[1]).replace("Shop B", "Shop A"))


def test_what_is_decided_on_a_blind_sample_is_what_was_extracted(signed_in: Desk) -> None:
    blind = receipt_case("b.pdf", "Shop")
    blind.fields = [f.model_copy(update={"reasons": [], "messages": []}) for f in blind.fields]
    [sample] = signed_in.add_accepted(blind, Sampling(accepted=1))
    form = signed_in.form(sample)
    form["v.total"] = ["9.90"]
    assert signed_in.decide(sample, form).status_code == 303
    [decision] = signed_in.ledger.document(sample).decisions
    assert [change.path for change in decision.changes] == ["total"]
    assert all(not field.reasons for field in decision.fields)


def test_a_page_of_a_past_has_all_that_a_filter_could_be(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        fill_history(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}", documents=60, days=20)
        made.sign_in()
        page = made.client.get("/").text
        assert len(options(page, "source")) >= 3 and "Second look" in page
        with ledger_with_clock(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}", datetime.now(UTC)) as (
            ledger,
            _,
        ):
            assert ledger.verify_trail().faults == []


def test_the_document_page_leads_back_to_its_filter(signed_in: Desk) -> None:
    [document_id] = signed_in.add(invoice_case("i.pdf"))
    page = signed_in.client.get(f"/documents/{document_id}?sort=value&source=file:///in").text
    assert 'href="/?source=file%3A%2F%2F%2Fin&amp;sort=value"' in page
