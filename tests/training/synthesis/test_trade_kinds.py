"""Sums on synthetic trade documents are right, and what is absent is absent."""

import random
import re
from copy import deepcopy
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from extractors.training.synthesis.contract import FieldSpec
from extractors.training.synthesis.facts import Facts
from extractors.training.synthesis.kinds import KINDS
from extractors.training.synthesis.sheets import shout

LOCALES = ("en_US", "en_MY", "de_DE", "fr_FR", "pl_PL")
TRADE = (
    "invoice", "receipt", "ad_order", "purchase_order", "delivery_note", "bank_statement", "utility_bill",
)  # fmt: skip


@cache
def made(kind: str) -> tuple[Facts, ...]:
    """Forty documents in five locales (making a locale's names takes longer than making a document)."""
    chances = [random.Random(seed) for seed in range(40)]
    return tuple(KINDS[kind].make(chance, LOCALES[seed % 5]) for seed, chance in enumerate(chances))


def number(text: str) -> Decimal:
    """A number with two decimal places, whatever separates its digits."""
    value = Decimal(re.sub(r"\D", "", text)) / 100
    return -value if text.startswith("-") else value


def total(rows: list[dict[str, Any]], key: str) -> Decimal:
    return sum((number(row[key]) for row in rows), Decimal(0))


def test_invoices_add_up() -> None:
    checked = 0
    for facts in made("invoice"):
        truth = facts.truth
        if truth["tax_total"]:
            assert number(truth["net_total"]) + number(truth["tax_total"]) == number(truth["gross_total"])
        if len(facts.totals) <= 3 and truth["line_items"][0]["line_total"]:  # neither discount nor freight
            assert total(truth["line_items"], "line_total") == number(truth["net_total"])
            checked += 1
    assert checked > 10


def test_orders_and_energy_bills_add_up() -> None:
    for facts in made("purchase_order"):
        assert total(facts.truth["line_items"], "line_total") == number(facts.truth["net_total"])
        if facts.truth["total"]:
            parts = number(facts.truth["net_total"]) + number(facts.truth["tax_total"])
            assert parts == number(facts.truth["total"])
    for facts in made("utility_bill"):
        truth = facts.truth
        assert total(truth["charges"], "amount") == number(truth["net_total"])
        assert number(truth["net_total"]) + number(truth["tax_total"]) == number(truth["total"])
        if truth["reading_current"]:
            read = number(truth["reading_current"]) - number(truth["reading_previous"])
            assert read == number(truth["consumption"])


def test_receipts_add_up() -> None:
    changed = rounded = 0
    for facts in made("receipt"):
        truth = facts.truth
        if truth["cash"]:
            assert number(truth["cash"]) - number(truth["total"]) == number(truth["change"])
            changed += 1
        if truth["rounding"]:
            assert abs(number(truth["rounding"])) <= Decimal("0.02")
            assert number(truth["total"]) * 20 % 1 == 0
            rounded += 1
    assert changed
    assert rounded


def test_advertising_orders_add_up() -> None:
    for facts in made("ad_order"):
        truth = facts.truth
        assert total(truth["lines"], "amount") == number(truth["gross_amount"])
        for line in truth["lines"]:
            assert int(line["spots"]) * number(line["rate"]) == number(line["amount"])
        if truth["total_spots"]:
            assert sum(int(line["spots"]) for line in truth["lines"]) == int(truth["total_spots"])
        if truth["net_amount"]:
            parts = number(truth["net_amount"]) + number(truth["commission"])
            assert parts == number(truth["gross_amount"])


def test_bank_statements_add_up() -> None:
    running = 0
    for facts in made("bank_statement"):
        truth = facts.truth
        balances = [row["balance"] for row in truth["transactions"]]
        if all(balances):
            assert balances[-1] == truth["closing_balance"]
            running += 1
        if truth["total_credits"]:
            change = number(truth["total_credits"]) - number(truth["total_debits"])
            assert number(truth["opening_balance"]) + change == number(truth["closing_balance"])
    assert running


def printed_text(facts: Facts) -> str:
    cells = [cell for table in facts.tables for row in (table.heads, *table.rows) for cell in row]
    entries = [part for entry in (*facts.entries, *facts.totals) for part in (entry.label, entry.value)]
    parties = [
        line for party in (facts.issuer, *facts.parties) for line in (party.heading, party.name, *party.lines)
    ]
    return " ".join((facts.title, *cells, *entries, *parties, *facts.prose, *facts.footer))


@pytest.mark.parametrize("kind", TRADE)
def test_every_field_is_on_some_documents_and_absent_from_others(kind: str) -> None:
    truths = [facts.truth for facts in made(kind)]
    for field in KINDS[kind].fields:
        values = [truth[field.key] for truth in truths]
        assert any(value is not None for value in values), f"{field.key} is never there"
        if field.pixels:
            assert {True, False} <= set(values), field.key
    assert any(value is None for truth in truths for value in truth.values())


def test_an_invoice_without_an_account_or_due_date_prints_none() -> None:
    for facts in made("invoice"):
        if facts.truth["iban"] is None:
            assert "IBAN" not in printed_text(facts)


@pytest.mark.parametrize("kind", TRADE)
def test_fields_have_names_and_descriptions_enough(kind: str) -> None:
    def check(field: FieldSpec) -> None:
        assert len(set(field.names)) >= 4, field.key
        assert len(set(field.descriptions)) >= 3, field.key
        for inner in field.fields:
            check(inner)

    for field in KINDS[kind].fields:
        check(field)


def test_capitals_go_through_everything_that_is_printed_but_not_through_choices() -> None:
    facts = deepcopy(made("invoice")[0])
    shout(facts, KINDS["invoice"])
    assert printed_text(facts) == printed_text(facts).upper()
    assert facts.truth["seller_name"].isupper()
    assert facts.truth["document_type"] in ("invoice", "credit_note")
    assert facts.truth["line_items"][0]["description"] in printed_text(facts)
