"""Rules between fields: exact sums, orders and products, with absent values passed over."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.validation.rules import confirmed, fields_of, violations
from schemas.hints import OrderRule, ProductRule, RequireOneRule, Rule, SumRule

LINES = SumRule(items="lines[].total", equals="net")
PARTS = SumRule(items=["net", "tax"], equals="gross")
ORDER = OrderRule(fields=["begin", "end"])
PRODUCT = ProductRule(items="lines", factors=["quantity", "price"], equals="total")
ONE = RequireOneRule(fields=["phone", "mail"], message="No way to reach them.")


@pytest.mark.parametrize(
    ("rule", "values", "broken"),
    [
        (LINES, {"lines.0.total": "0.1", "lines.1.total": "0.2", "net": "0.3"}, False),
        (LINES, {"lines.0.total": "1", "lines.1.total": None, "net": "1"}, False),
        (LINES, {"lines.0.total": "1.00", "net": "1.02"}, False),
        (LINES, {"lines.0.total": "1.00", "net": "1.03"}, True),
        (LINES, {"lines.0.total": "1.00", "net": None}, False),
        (LINES, {"net": "5"}, False),
        (LINES, {"lines.0.total": None, "net": "5"}, False),
        (LINES, {"lines.0.total": "-5", "net": "-5"}, False),
        (PARTS, {"net": "1", "tax": "0.19", "gross": "1.19"}, False),
        (PARTS, {"net": "1", "tax": None, "gross": "1.19"}, False),
        (PARTS, {"net": "1", "tax": "0.19", "gross": "1.90"}, True),
        (PARTS, {"net": 1, "tax": 0.19, "gross": 1.19}, False),
        (PARTS, {"net": "text", "tax": "1", "gross": "3"}, False),
        (ORDER, {"begin": "2020-01-31", "end": "2020-02-01"}, False),
        (ORDER, {"begin": "2020-02-01", "end": "2020-01-31"}, True),
        (ORDER, {"begin": "2020-02-01", "end": "2020-02-01"}, False),
        (ORDER, {"begin": None, "end": "2020-01-31"}, False),
        (ORDER, {"begin": "9", "end": "10"}, False),
        (PRODUCT, {"lines.0.quantity": "3", "lines.0.price": "0.10", "lines.0.total": "0.30"}, False),
        (PRODUCT, {"lines.0.quantity": "3", "lines.0.price": "0.10", "lines.0.total": "0.40"}, True),
        (PRODUCT, {"lines.0.quantity": None, "lines.0.price": "0.10", "lines.0.total": "0.40"}, False),
        (ONE, {"phone": None, "mail": "a@b"}, False),
        (ONE, {"phone": None, "mail": None}, True),
    ],
)
def test_rules(rule: Rule, values: dict[str, Any], broken: bool) -> None:
    assert bool(violations([rule], values)) is broken


def test_only_the_broken_item_is_named() -> None:
    values = {
        "lines.0.quantity": "1",
        "lines.0.price": "2",
        "lines.0.total": "2",
        "lines.1.quantity": "2",
        "lines.1.price": "2",
        "lines.1.total": "5",
    }
    (violation,) = violations([PRODUCT], values)
    assert violation.paths == ("lines.1.total",)
    assert violation.message == "2 × 2 = 4, but lines.1.total is 5."


def test_the_schemas_own_words_come_first() -> None:
    (violation,) = violations([ONE], {})
    assert violation.message == "No way to reach them: none of phone, mail was found."


@settings(deadline=None)
@given(st.lists(st.decimals(-1000, 1000, places=2), min_size=1, max_size=60))
def test_sums_are_exact(parts: list[Decimal]) -> None:
    values: dict[str, Any] = {f"lines.{i}.total": str(part) for i, part in enumerate(parts)}
    exact = SumRule(items="lines.total", equals="net", tolerance=Decimal(0))
    assert violations([exact], values | {"net": str(sum(parts))}) == []
    assert violations([exact], values | {"net": str(sum(parts) + Decimal("0.01"))})


def test_sums_and_products_bear_out_the_numbers_that_they_hold_together() -> None:
    sums = {"lines.0.total": "1", "lines.1.total": "2", "net": "3", "other": "3"}
    assert confirmed([LINES], sums) == {"lines.0.total", "lines.1.total", "net"}
    assert confirmed([LINES], sums | {"net": "4"}) == set()
    assert confirmed([LINES], {"net": "3"}) == set()
    assert confirmed([ORDER, ONE], {"begin": "2020-01-01", "end": "2020-01-02", "phone": "1"}) == set()
    rows = {
        "lines.0.quantity": "2",
        "lines.0.price": "3",
        "lines.0.total": "6",
        "lines.1.quantity": "2",
        "lines.1.price": "3",
        "lines.1.total": "7",
        "lines.2.quantity": None,
        "lines.2.price": "3",
        "lines.2.total": "6",
    }
    assert confirmed([PRODUCT], rows) == {"lines.0.quantity", "lines.0.price", "lines.0.total"}


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        (LINES, ["lines[].total", "net"]),
        (PARTS, ["net", "tax", "gross"]),
        (ORDER, ["begin", "end"]),
        (PRODUCT, ["lines.quantity", "lines.price", "lines.total"]),
        (ONE, ["phone", "mail"]),
    ],
)
def test_a_rule_tells_the_fields_that_it_speaks_of(rule: Rule, fields: list[str]) -> None:
    assert fields_of(rule) == fields
