"""Printed numbers: every way of writing one number gives that number, and nothing else gives any."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from extractors.validation.numbers import NumberStyle, number_style, parse_number, plain
from extractors.validation.problems import UntypableError
from schemas.outcome import ReviewReason

DOT, COMMA = NumberStyle("."), NumberStyle(",")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u202f234,50", "1234.50"),
        ("1\u00a0234\u00a0567,5", "1234567.5"),
        ("1'234.50", "1234.50"),
        ("1’234’567.50", "1234567.50"),
        ("1.234.567", "1234567"),
        ("1,23,45,678.90", "12345678.90"),
        ("12,34,567", "1234567"),
        ("12,50", "12.50"),
        ("0,125", "0.125"),
        ("1234,567", "1234.567"),
        (".50", "0.50"),
        ("007", "7"),
        ("RM 5", "5"),
        ("RM12.50", "12.50"),
        ("12.50EUR", "12.50"),
        ("€ 3,5", "3.5"),
        ("US$ 12", "12"),
        ("kr 1 234,50", "1234.50"),
        ("Rs.500", "500"),
        ("12,-", "12"),
        ("12.--", "12"),
        ("19 %", "19"),
        ("3 Stk", "3"),
        ("12.50 SR", "12.50"),
        ("5. 50", "5.50"),
        ("-$5.00", "-5.00"),
        ("$-5.00", "-5.00"),
        ("−5,00", "-5.00"),
        ("5.00-", "-5.00"),
        ("5,00-", "-5.00"),
        ("($5.00)", "-5.00"),
        ("(-5)", "-5"),
        ("5.00 CR", "-5.00"),
        ("-0.00", "0.00"),
        ("١٢٫٥", "12.5"),
        ("$1,000", "1000"),
        ("€ 1.000", "1000"),
    ],
)
def test_reads(text: str, value: str) -> None:
    assert plain(parse_number(text)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "A12",
        "12B",
        "12¹",
        "1E5",
        "5 million",
        "3 Mio",
        "1.2k",
        "INV-2018",
        "25/12/2018",
        "10:30",
        "1, 2",
        "12 50",
        "1.234.56",
        "1,2,3",
        "(5",
        "--5",
        "(5) CR",
        "1 2",
        "½",
        "9" * 31,
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(UntypableError) as caught:
        parse_number(text)
    assert caught.value.reason is ReviewReason.INVALID_VALUE


@pytest.mark.parametrize("text", ["1,000", "1.000", "12,345", "999.999 Stk", "KWD 1,000"])
def test_one_separator_before_three_digits_is_ambiguous_on_its_own(text: str) -> None:
    with pytest.raises(UntypableError) as caught:
        parse_number(text)
    assert caught.value.reason is ReviewReason.AMBIGUOUS_NUMBER


def test_the_message_of_an_ambiguous_number_names_both_readings() -> None:
    with pytest.raises(UntypableError, match=r"12345 or 12\.345"):
        parse_number("12,345")


def test_the_other_numbers_decide() -> None:
    assert parse_number("1,000", DOT) == 1000
    assert parse_number("1.000", DOT) == 1
    assert parse_number("1,000", COMMA) == 1
    assert parse_number("1.000", COMMA) == 1000


def test_the_digits_win_over_the_style() -> None:
    assert parse_number("12,50", DOT) == Decimal("12.50")
    assert parse_number("1.234.567", DOT) == 1234567


def test_an_integer_field_has_no_decimals() -> None:
    assert parse_number("1,234", whole=True) == 1234
    with pytest.raises(UntypableError, match="no whole number"):
        parse_number("12.50", whole=True)
    with pytest.raises(UntypableError, match="1000 or 1"):
        parse_number("1,000", whole=True)


@pytest.mark.parametrize(
    ("words", "decimal"),
    [
        (["Total", "1.234,50", "1,000"], ","),
        (["$12.50,", "25.12"], "."),
        (["1,234,567"], "."),
        (["9.5"], "."),
        (["12,50", "12.50"], None),
        (["1,000", "2.000", "text", "25.12.2018"], None),
        (["12,50"] * 5 + ["10.30"], ","),
        ([], None),
    ],
)
def test_style_of_a_document(words: list[str], decimal: str | None) -> None:
    assert number_style(words).decimal == decimal


_AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False)


def _grouped(digits: str, mark: str) -> str:
    groups = []
    while len(digits) > 3:
        groups.insert(0, digits[-3:])
        digits = digits[:-3]
    return mark.join([digits, *groups])


@settings(deadline=None)
@given(
    amount=_AMOUNTS,
    marks=st.sampled_from(
        [(",", "."), (".", ","), (" ", ","), ("\u202f", ","), ("'", "."), ("", "."), ("", ",")]
    ),
    sign=st.sampled_from(["-{}", "{}-", "({})", "{} CR", "−{}"]),
    money=st.sampled_from(["{}", "${}", "€ {}", "{} EUR", "{}€", "RM {}", "CHF {}"]),
)
def test_every_way_of_printing_an_amount_gives_it_back(
    amount: Decimal, marks: tuple[str, str], sign: str, money: str
) -> None:
    whole, _, cents = format(abs(amount), "f").partition(".")
    printed = money.format(f"{_grouped(whole, marks[0])}{marks[1]}{cents}")
    if amount < 0:
        printed = sign.format(printed)
    assert parse_number(printed) == amount
    assert Decimal(plain(parse_number(printed))) == amount


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    for style in (NumberStyle(), DOT, COMMA):
        try:
            number = parse_number(text, style)
        except UntypableError as problem:
            assert str(problem)
        else:
            assert number.is_finite()
            assert "E" not in plain(number)


@settings(deadline=None)
@example("1.'00")
@given(st.text(alphabet="0123456789.,' -()€$", max_size=14))
def test_the_digits_of_a_value_are_those_that_are_printed(text: str) -> None:
    try:
        number = parse_number(text)
    except UntypableError:
        return
    assert plain(abs(number)).replace(".", "").lstrip("0") == "".join(filter(str.isdigit, text)).lstrip("0")


@pytest.mark.parametrize("text", ["$1.25M", "EUR 3.40B", "$5M", "$3T", "2.50 K"])
def test_a_word_that_scales_a_number_is_not_passed_over(text: str) -> None:
    with pytest.raises(UntypableError):
        parse_number(text)


def test_section_numbers_do_not_tell_what_three_digits_behind_a_dot_are() -> None:
    words = ["§", "1.1", "1.2", "2.3", "EUR", "12.000"]
    style = number_style(words)
    assert parse_number("EUR 12.000", style) == 12000
    assert number_style([*words, "12.50"]).decimal == "."


def test_a_negative_number_keeps_all_its_digits() -> None:
    assert str(parse_number("-123456789012345678901234567890")) == "-123456789012345678901234567890"
