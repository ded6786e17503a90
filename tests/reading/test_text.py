"""The one form of text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.reading import normalise_text
from extractors.reading.text import is_garbled, is_misread, says_nothing


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("plain", "plain"),
        ("  two \t\n words ", "two words"),
        ("a\u00a0b\u2003c", "a b c"),
        ("ﬁnal oﬃce", "final office"),
        ("e\u0301", "é"),
        ("in\u00advoice", "invoice"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("nul\x00\x07bell", "nulbell"),
        ("lone\ud800surrogate", "lonesurrogate"),
        ("1(cid:17)0", "1\ufffd0"),
        ("1\ue0050", "1\ufffd0"),
        ("½ ² ①", "½ ² ①"),
        ("\u202e123\u202c", "123"),
        ("", ""),
    ],
)
def test_normal_form(raw: str, expected: str) -> None:
    assert normalise_text(raw) == expected


@given(st.text())
def test_always_clean_and_stable(raw: str) -> None:
    text = normalise_text(raw)
    assert normalise_text(text) == text
    assert text == text.strip() and "  " not in text
    assert unicodedata.is_normalized("NFC", text)
    assert all(char == " " or unicodedata.category(char)[0] not in "CZ" for char in text)
    text.encode("utf-8")


def test_garbled_layers() -> None:
    assert is_garbled(["\ufffd\ufffd\ufffd", "a"])
    assert is_garbled(["!\"#$%&'()", "*+,#$%&'", '!!"#&%$\'()#&%!"#'])
    assert not is_garbled(["Total", "1.00"])
    assert not is_garbled([])
    assert not is_garbled(["Name", "." * 200, "Amount", "_" * 80])
    assert not is_garbled(["请求金额", "合计"])


def test_a_word_of_unknown_characters_says_nothing() -> None:
    assert says_nothing("\ufffd\ufffd")
    assert not says_nothing("1\ufffd")


def test_misread_numbers() -> None:
    assert is_misread(["06t02t20", "06/08/20", "05lo4l20", "1O7120", "Flight"])
    assert not is_misread(["06/02/20", "1,234.50", "B2B", "A1B2"] * 5)
    assert not is_misread(["06t02t20", *["06/02/20"] * 40])
