"""Texts to typed values per leaf: currencies, choices, yes and no, and never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.validation.currencies import currencies_seen
from extractors.validation.values import DocumentStyle, document_style, parse_leaf
from schemas.outcome import ReviewReason
from schemas.tree import Kind, Leaf


def _leaf(kind: Kind, **more: object) -> Leaf:
    return Leaf(kind, True, "", "string", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("EUR", "EUR"),
        ("€", "EUR"),
        ("eur", "EUR"),
        ("RM", "MYR"),
        ("US Dollar", "USD"),
        ("US$", "USD"),
        ("£", "GBP"),
        ("12,50 €", "EUR"),
        ("RM 12.50", "MYR"),
        ("Fr.", "CHF"),
        ("zł", "PLN"),
        ("CAD $", "CAD"),
        ("₹", "INR"),
    ],
)
def test_currencies(text: str, code: str) -> None:
    assert parse_leaf(text, _leaf(Kind.CURRENCY)).value == code


@pytest.mark.parametrize("text", ["$", "kr", "¥", "hello", "EUR USD", "XXX", "12.50"])
def test_a_sign_of_many_currencies_is_not_guessed(text: str) -> None:
    parsed = parse_leaf(text, _leaf(Kind.CURRENCY))
    assert parsed.value is None
    assert parsed.reasons == (ReviewReason.INVALID_VALUE,)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Total (CAD) $5", "CAD"),
        ("Prices in USD", "USD"),
        ("Austin, TX 78701 Total $5", "USD"),
        ("A$ 12", "AUD"),
    ],
)
def test_the_document_says_whose_dollar_it_is(words: str, code: str) -> None:
    style = DocumentStyle(currencies=currencies_seen(words.split()))
    assert parse_leaf("$", _leaf(Kind.CURRENCY), style).value == code


def test_two_dollars_on_one_document_stay_ambiguous() -> None:
    style = DocumentStyle(currencies=currencies_seen(["USD", "CAD"]))
    assert parse_leaf("$", _leaf(Kind.CURRENCY), style).value is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("Yes", True), ("☒", True), ("[x]", True), ("nein", False), ("0", False)],
)
def test_yes_and_no(text: str, value: bool) -> None:
    assert parse_leaf(text, _leaf(Kind.BOOLEAN)).value is value


def test_choices_are_found_whatever_their_spelling() -> None:
    leaf = _leaf(Kind.ENUM, choices=("invoice", "credit_note"))
    assert parse_leaf("credit_note", leaf).value == "credit_note"
    assert parse_leaf("Credit Note", leaf).value == "credit_note"
    assert parse_leaf("receipt", leaf).reasons == (ReviewReason.INVALID_VALUE,)


def test_texts_are_folded_and_held_to_pattern_and_length() -> None:
    assert parse_leaf(" a\u00a0 b\n", _leaf(Kind.TEXT)).value == "a b"
    assert parse_leaf("DE1", _leaf(Kind.TEXT, pattern="^DE[0-9]{9}$")).value is None
    assert parse_leaf("abc", _leaf(Kind.TEXT, max_chars=2)).value is None
    assert parse_leaf("  ", _leaf(Kind.TEXT)) == parse_leaf("", _leaf(Kind.DATE))


def test_decimals_are_plain_text_and_integers_numbers() -> None:
    assert parse_leaf("1,234.50", _leaf(Kind.DECIMAL)).value == "1234.50"
    assert parse_leaf("1,234", _leaf(Kind.INTEGER)).value == 1234
    assert parse_leaf("0.10", _leaf(Kind.DECIMAL)).value == "0.10"


def test_the_style_of_a_document_decides_for_its_leaves() -> None:
    style = document_style(["Datum", "25/12/2018", "Menge", "1,000", "Summe", "12,50", "EUR"])
    assert style == DocumentStyle(style.numbers, True, frozenset({"EUR"}))
    assert parse_leaf("1,000", _leaf(Kind.DECIMAL), style).value == "1.000"
    assert parse_leaf("03/04/2018", _leaf(Kind.DATE), style).value == "2018-04-03"
    assert parse_leaf("03/04/2018", _leaf(Kind.DATE, day_first=False), style).value == "2018-03-04"


@settings(deadline=None)
@given(text=st.text(max_size=60), kind=st.sampled_from(Kind))
def test_no_text_breaks_any_kind(text: str, kind: Kind) -> None:
    parsed = parse_leaf(text, _leaf(kind, choices=("a", "b") if kind is Kind.ENUM else ()))
    assert (parsed.value is None) or not parsed.reasons
    assert bool(parsed.reasons) == bool(parsed.message)


def test_a_monstrous_text_is_refused_quickly() -> None:
    for kind in Kind:
        assert parse_leaf("1" * 1_000_000, _leaf(kind)).value is None


@pytest.mark.parametrize(
    "words", ["PEN 2.50 TOTAL $ 5.50", "TOP CAD DESIGN Austin, TX 78701 $ 5", "ALL COP MAD SHOP $ 5"]
)
def test_words_that_are_codes_as_well_name_no_currency(words: str) -> None:
    seen = currencies_seen(words.split())
    assert not seen & {"TOP", "CAD", "ALL", "COP", "MAD"}
