"""What may be copied: whole numbers, whole dates, whole words, and where they stand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.grammar.candidates import FORMAT_READERS
from extractors.grammar.cutting import part_of
from extractors.grammar.spans import SpanIndex
from extractors.prompting.window import windows_of
from schemas.document import Box, DocumentRef, Page, ReadDocument, Word
from schemas.tree import FORMATS, Kind, Leaf
from tests.tiny import document_of


def index_of(*lines: str) -> SpanIndex:
    (window,) = windows_of(document_of(lines), 100_000, lambda texts: [len(t) for t in texts])
    return SpanIndex(window)


def of_words(*words: Word) -> SpanIndex:
    page = Page(1, 600, 800, "text_layer", words)
    document = ReadDocument(DocumentRef("memory://d.pdf", "0" * 64, 1, "application/pdf"), (page,), 1)
    (window,) = windows_of(document, 100_000, lambda texts: [len(t) for t in texts])
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


@pytest.mark.parametrize(
    ("printed", "numbers"),
    [
        ("Summe 1 234,56 EUR", ["1 234,56"]),
        ("-1 234,56", ["-1 234,56"]),
        ("(1 234.50)", ["(1 234.50)"]),
        ("€ 12 345 678,90", ["€ 12 345 678,90"]),
        ("2 1 234,56", ["2", "1 234,56"]),
        # What stands in cells of its own is a number of its own.
        ("2   450,00", ["2", "450,00"]),
        ("1   234   567", ["1", "234", "567"]),
        # No groups of three behind one to three digits: several numbers.
        ("1 234 5678", ["1 234", "5678"]),
        ("12345 678", ["12345", "678"]),
        ("0 123", ["0", "123"]),
        ("12 34", ["12", "34"]),
    ],
)
def test_numbers_grouped_by_spaces_are_one(printed: str, numbers: list[str]) -> None:
    assert list(index_of(printed).numbers) == numbers


def test_a_wide_gap_inside_a_cell_holds_numbers_apart() -> None:
    near = [Word("1", Box(10, 0, 16, 10)), Word("234,56", Box(22, 0, 58, 10))]
    wide = [near[0], Word("234,56", Box(25, 0, 61, 10))]
    assert [list(of_words(*words).numbers) for words in (near, wide)] == [["1 234,56"], ["1", "234,56"]]


def test_groups_do_not_go_on_in_the_next_line() -> None:
    assert list(index_of("Total 1", "234,56").numbers) == ["1", "234,56"]


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
        ("01/02/2026-03/02/2026", "01/02/2026"),
        ("01/02/2026-03/02/2026", "03/02/2026"),
    ],
)
def test_dates_are_whole(printed: str, date: str) -> None:
    assert date in index_of(printed).dates


@pytest.mark.parametrize("printed", ["12/3/4/5", "1234567890123", "10:30:12", "1.2.3.4.5", "version 1.2"])
def test_what_is_no_date(printed: str) -> None:
    assert index_of(printed).dates == {}


@pytest.mark.parametrize(
    ("printed", "times", "datetimes"),
    [
        ("26/02/1808:28", ["08:28"], ["26/02/1808:28"]),
        ("2018-01-02T10:30:00Z", ["10:30:00Z"], ["2018-01-02T10:30:00Z"]),
        ("Time:10:30 pm", ["10:30 pm"], []),
        ("12 Dec 2019, 14:05 Uhr", ["14:05 Uhr"], ["12 Dec 2019, 14:05 Uhr"]),
        ("08:28 26/02/18", ["08:28"], ["08:28 26/02/18"]),
        ("1.2.2026", [], ["1.2.2026"]),
        ("Ratio 1:2", [], []),
    ],
)
def test_times_are_whole_and_go_with_their_date(printed: str, times: list[str], datetimes: list[str]) -> None:
    index = index_of(printed)
    assert (list(index.times), list(index.datetimes)) == (times, datetimes)


def text_leaf(**limits: Any) -> Leaf:
    return Leaf(Kind.TEXT, True, "", "string", **limits)


@pytest.mark.parametrize(
    ("name", "printed", "found"),
    [
        ("email", "Mail:jane.roe+x@mill-books.co.uk, or a@b", ["jane.roe+x@mill-books.co.uk"]),
        (
            "uri",
            "see https://x.com/a(b)?c=d. or www.mill.com, a@b.com",
            ["https://x.com/a(b)?c=d", "www.mill.com"],
        ),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000.", ["123e4567-e89b-12d3-a456-426614174000"]),
        ("ipv4", "10.0.0.1:80 1.2.3.4.5 999.1.1.1 8.8.8.8.", ["10.0.0.1", "8.8.8.8"]),
        ("ipv6", "fe80::1 12:30 ::", ["fe80::1"]),
        ("iban", "DE89 3704 0044 0532 0130 00 BIC COBA", ["DE89 3704 0044 0532 0130 00"]),
        ("iban", "GB29NWBK60161331926819", ["GB29NWBK60161331926819"]),
    ],
)
def test_formats_are_found_whole(name: str, printed: str, found: list[str]) -> None:
    index = index_of(printed)
    assert index.texts(text_leaf(format=name)) == found
    assert all(index.places(text, Kind.TEXT) for text in found)


def test_every_format_has_a_reader() -> None:
    assert set(FORMAT_READERS) == FORMATS


def test_a_pattern_leaves_only_what_it_accepts() -> None:
    index = index_of("Ref AB-1234 and CD-99", 'size 3" pipe')
    assert index.texts(text_leaf(pattern=r"^[A-Z]{2}-\d+$")) == ["CD-99", "AB-1234"]
    assert index.texts(text_leaf(pattern=r'^\d"$')) == ['3"']
    assert index.texts(text_leaf(pattern="^nothing$")) == []
    assert (index.texts(text_leaf(pattern="AB")) or [""])[0] == "AB"


def test_a_text_without_pattern_or_format_is_free() -> None:
    assert index_of("a b").texts(text_leaf()) is None


@pytest.mark.parametrize(
    "word",
    [
        "1" * 9000 + "a1",
        "1'" * 9000 + "a1",
        "1," * 9000,
        "a@" * 9000,
        "a." * 9000,
        "1:" * 9000,
        "AB12" * 5000,
    ],
)
def test_long_hostile_words_are_read_in_one_go(word: str) -> None:
    """Expressions that go back over such a word again and again would take minutes: the test's timeout is the proof."""
    index = index_of(word)
    for kind in Kind:
        index.candidates(kind)
    assert all(index.texts(text_leaf(format=name)) is not None for name in FORMATS)


@pytest.mark.parametrize("printed", ["RM9.00", "Date:25/12/2018", "(3.20),", "USD1,200.00-"])
def test_a_part_of_a_word_has_a_part_of_its_box(printed: str) -> None:
    index = index_of("Total " + printed)
    for kind in (Kind.DECIMAL, Kind.DATE):
        for text, places in (index.candidates(kind) or {}).items():
            ((_, cut),), ((_, word),) = index.spelled(places[0]), index.words(places[0])
            assert cut.text == text
            assert word.box.x0 <= cut.box.x0 < cut.box.x1 <= word.box.x1
            assert (cut.box.y0, cut.box.y1) == (word.box.y0, word.box.y1)


def test_text_that_runs_up_or_to_the_left_keeps_its_box() -> None:
    upward, hebrew = Word("RM9.00", Box(0, 0, 10, 60)), Word("\u05e9\u05dc\u05d5\u05dd1", Box(0, 0, 50, 10))
    assert part_of(upward, 2, 6) == Word("9.00", upward.box)  # nobody said which way it runs
    assert part_of(hebrew, 0, 4).box == hebrew.box
    assert part_of(hebrew, 0, 5) is hebrew


def test_a_part_of_print_that_runs_along_the_page_is_cut_along_it() -> None:
    down, up = (Word("RE9000", Box(0, 0, 10, 60), None, turned) for turned in (1, 3))
    for word, top, bottom in ((down, 20, 60), (up, 0, 40)):
        part = part_of(word, 2, 6)
        assert (part.text, part.turned, part.box.x0, part.box.x1) == ("9000", word.turned, 0, 10)
        assert (part.box.y0, part.box.y1) == pytest.approx((top, bottom))


@settings(max_examples=80, deadline=None)
@given(st.text(st.characters(blacklist_categories=["C", "Z"]), min_size=1, max_size=12), st.data())
def test_parts_of_a_word_fill_it(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(text)))
    word = Word(text, Box(10, 0, 10 + 6 * len(text), 12))
    left, right = part_of(word, 0, at), part_of(word, at, len(text))
    assert left.text + right.text == text
    assert left.box.x0 == word.box.x0
    assert left.box.x1 == pytest.approx(right.box.x0) or left.box == word.box


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
    for kind in Kind:
        for text, places in (index.candidates(kind) or {}).items():
            for place in places:
                assert index.segments[place.segment].text[place.start : place.end] == text
                assert " ".join(word.text for _, word in index.spelled(place)) == text
    for chunks, segment in zip(index.chunks, index.segments, strict=True):
        assert "".join(chunks) == segment.text
