"""What may be copied: whole numbers, whole dates, whole words, and where they stand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.grammar.spans import SpanIndex
from extractors.prompting.window import windows_of
from schemas.tree import Kind
from tests.tiny import document_of


def index_of(*lines: str) -> SpanIndex:
    (window,) = windows_of(document_of(lines), 100_000, lambda texts: [len(t) for t in texts])
    return SpanIndex(window)


@pytest.mark.parametrize(
    ("printed", "number"),
    [
        ("$1,234.50", "$1,234.50"),
        ("RM9.00", "9.00"),
        ("EUR12,00", "12,00"),
        ("(3.20)", "(3.20)"),
        ("-5.00", "-5.00"),
        ("5.00-", "5.00-"),
        ("1.234.567,89", "1.234.567,89"),
        ("1'234.50", "1'234.50"),
        ("19%", "19"),
        ("(see 12", "12"),
    ],
)
def test_numbers_are_whole(printed: str, number: str) -> None:
    assert number in index_of(printed).numbers


@pytest.mark.parametrize(
    ("printed", "piece"),
    [("$1,234.50", "234.50"), ("1,234.50", "1,234"), ("12345", "2345"), ("(3.20)", "3.20"), ("A12", "12")],
)
def test_a_piece_of_a_number_is_no_number(printed: str, piece: str) -> None:
    assert piece not in index_of(printed).numbers


def test_numbers_grouped_by_spaces_are_one() -> None:
    assert "1 234,56" in index_of("Summe 1 234,56 EUR").numbers


@pytest.mark.parametrize(
    ("printed", "date"),
    [
        ("Date:25/12/2018", "25/12/2018"),
        ("26/02/1808:28", "26/02/18"),
        ("19-03-201818:08:38", "19-03-2018"),
        ("2018-01-02", "2018-01-02"),
        ("12 Dec 2019", "12 Dec 2019"),
        ("March 3, 2026", "March 3, 2026"),
        ("3. März 2026", "3. März 2026"),
        ("12. décembre 2020", "12. décembre 2020"),
        ("20201231", "20201231"),
        ("05.03.2018.", "05.03.2018"),
    ],
)
def test_dates_are_whole(printed: str, date: str) -> None:
    assert date in index_of(printed).dates


@pytest.mark.parametrize("printed", ["12/3/4/5", "1234567890123", "10:30:12", "1.2.3.4.5", "version 1.2"])
def test_what_is_no_date(printed: str) -> None:
    assert index_of(printed).dates == {}


def test_places_give_the_words_back() -> None:
    index = index_of("ACME Trading Ltd", "Total    1,234.50", "Due    1,234.50")
    places = index.places("1,234.50", Kind.DECIMAL)
    assert len(places) == 2
    assert [word.text for _, word in index.words(places[1])] == ["1,234.50"]
    assert index.words(places[0])[0][1].box.y0 < index.words(places[1])[0][1].box.y0
    (name,) = index.places("ACME Trading", Kind.TEXT)
    assert [word.text for _, word in index.words(name)] == ["ACME", "Trading"]
    assert index.places("CME Trading", Kind.TEXT) == []
    assert index.places("", Kind.TEXT) == []


def test_a_cell_ends_where_its_line_or_gap_does() -> None:
    segment = index_of("Sold to    Jane Roe", "12 Hill Road").segments[0]
    assert segment.text[: segment.cell_end(0)] == "Sold to"
    assert segment.text[8 : segment.cell_end(8)] == "Jane Roe"


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.text(st.characters(blacklist_categories=["C", "Z"]), min_size=1, max_size=12), max_size=30)
)
def test_every_candidate_stands_where_it_says(words: list[str]) -> None:
    index = index_of(" ".join(words))
    for kind in (Kind.DECIMAL, Kind.DATE, Kind.CURRENCY):
        for text, places in (index.candidates(kind) or {}).items():
            for place in places:
                assert index.segments[place.segment].text[place.start : place.end] == text
                assert index.words(place)
    for chunks, segment in zip(index.chunks, index.segments, strict=True):
        assert "".join(chunks) == segment.text
