"""Pages photographed askew or from one side: the rules answer as for a level page, with places on the page."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from extractors.backends.base import Answer, LeafAnswer, Span
from extractors.backends.scripted import ScriptedBackend
from extractors.backends.scripted.levelled import Levelled
from extractors.backends.scripted.sheet import other_print
from extractors.grammar.cutting import part_of
from extractors.reading.lines import reading_order
from extractors.reading.skew import print_height, slope_between
from schemas.document import Box, Mark, ReadDocument, Word
from schemas.registry import LoadedSchema, from_json_schema
from tests.photographs import Place, box_seen, from_one_side, turned
from tests.tiny import document_of, rows_schema

SLIP = (
    "Harbour Supplies Ltd",
    "12 Quay Road",
    "",
    "Invoice No:INV-7731        Date:25/12/2018",
    "",
    "Description            Qty        Price        Amount",
    "Copper pipe             2          4.50          9.00",
    "Brass elbow            10                       12.00",
    "Pipe clamp              4          0.75          3.00",
    "Delivery                                         6.00",
    "Sealing tape            1          2.25          2.25",
    "Ball valve              3                       36.75",
    "Hemp                    2          3.10          6.20",
    "Solder                  1          8.40          8.40",
    "Flux                               2.95          2.95",
    "Wall bracket            6          1.15          6.90",
    "Hose                    1                       14.20",
    "Gasket                 12          0.35          4.20",
    "",
    "Net total                                      111.85",
    "VAT                                             22.37",
    "Total                                          134.22",
    "",
    "Thank you for shopping at the harbour",
    "Goods once sold are not taken back",
)
SCHEMA = rows_schema(
    {"description": "string", "quantity": "number", "unit_price": "number", "amount": "number"},
    invoice_number="string",
    date="string",
    total="number",
)


SIDE = from_one_side(((0, 0), (460, 0), (460, 260), (0, 260)), ((40, 10), (430, 60), (470, 300), (0, 320)))


def photographed(document: ReadDocument, place: Place) -> ReadDocument:
    """As a recogniser reads a photograph of its pages: upright boxes around what is slanted."""

    pages = []
    for page in document.pages:
        words = [Word(word.text, box_seen(word.box, place), 0.97) for word in page.words]
        marks = tuple(replace(mark, box=box_seen(mark.box, place)) for mark in page.marks)
        pages.append(replace(page, words=reading_order(words), marks=marks))
    return replace(document, pages=tuple(pages))


def answer(document: ReadDocument, schema: LoadedSchema = SCHEMA) -> Answer:
    return ScriptedBackend().answer([document], schema)[0]


@pytest.mark.parametrize("place", [turned(9), turned(-12), turned(17), SIDE])
def test_a_photograph_is_answered_as_the_level_page_is(place: Place) -> None:
    level, askew = document_of(SLIP), photographed(document_of(SLIP), place)
    expected, found = answer(level), answer(askew)
    assert len(expected.data["rows"]) == 12
    assert expected.data["total"] == "134.22"
    assert found.data == expected.data
    printed = {word.box: word for word in askew.pages[0].words}
    for leaf in found.leaves:
        for _, word in leaf.span.words if leaf.span else ():
            whole = printed.get(word.box)
            inside = [one for one in printed.values() if word.text in one.text and _holds(one.box, word.box)]
            assert (whole is not None and whole.text == word.text) or inside, (leaf.path, word)
            assert type(word) is Word


def test_a_part_of_a_word_is_cut_out_of_the_word_on_the_page() -> None:
    found = answer(photographed(document_of(SLIP), turned(10)))
    (word,) = (
        one for leaf in found.leaves if leaf.path == "date" and leaf.span for _, one in leaf.span.words
    )
    assert word.text == "25/12/2018"


def test_the_same_letters_twice_in_a_word_are_told_apart() -> None:
    slip = photographed(document_of((*SLIP, "12.00+12.00")), turned(14))
    (seen,) = (word for word in slip.pages[0].words if word.text == "12.00+12.00")
    straight = Levelled(slip)
    (moved,) = (word for word in straight.document.pages[0].words if word.text == seen.text)
    for start in (0, 6):
        leaf = LeafAnswer("total", "12.00", 0.0, Span(((1, part_of(moved, start, start + 5)),)))
        (told,) = straight.seen([leaf])
        assert told.span == Span(((1, part_of(seen, start, start + 5)),))


def test_words_of_a_slanted_line_are_of_one_print() -> None:
    words = photographed(document_of(SLIP), turned(14)).pages[0].words
    short, long = (next(word for word in words if word.text == text) for text in ("Qty", "Description"))
    slope = slope_between(long.box, short.box)
    assert slope == pytest.approx(math.tan(math.radians(14)), abs=0.01)
    assert print_height(short.box, slope) == pytest.approx(print_height(long.box, slope), abs=1.0)
    assert not other_print(short, long)
    box = long.box
    assert other_print(short, replace(long, box=Box(box.x0, box.y0 - 9, box.x1, box.y1 + 9)))
    assert slope_between(Box(0, 0, 10, 10), Box(0, 50, 10, 60)) == 0  # below one another


def test_level_pages_stay_the_same_objects() -> None:
    document = document_of(SLIP, SLIP)
    straight = Levelled(document)
    assert all(one is other for one, other in zip(straight.document.pages, document.pages, strict=True))


def test_marks_point_at_the_page_as_it_is() -> None:
    lines = (*SLIP, "", "Paid in cash          Paid by card")
    level = document_of(lines)
    words = [word for word in level.pages[0].words if word.text == "Paid"]
    marks = tuple(
        Mark("checkbox", Box(w.box.x0 - 14, w.box.y0, w.box.x0 - 4, w.box.y1), 0.95, ticked=at == 1)
        for at, w in enumerate(words)
    )
    level = replace(level, pages=(replace(level.pages[0], marks=marks, marks_sought=True),))
    askew = photographed(level, turned(11))
    schema = from_json_schema(
        {"title": "slip", "type": "object", "properties": {"payment": {"enum": ["cash", "card"]}}}, "slip"
    )
    expected, found = answer(level, schema), answer(askew, schema)
    assert expected.data == found.data == {"payment": "card"}
    places = [word.box for leaf in found.leaves if leaf.span for _, word in leaf.span.words]
    seen = {mark.box for mark in askew.pages[0].marks} | {word.box for word in askew.pages[0].words}
    assert places
    assert set(places) <= seen


def _holds(outer: Box, inner: Box) -> bool:
    return (
        outer.x0 - 0.01 <= inner.x0
        and outer.y0 - 0.01 <= inner.y0
        and inner.x1 <= outer.x1 + 0.01
        and inner.y1 <= outer.y1 + 0.01
    )
