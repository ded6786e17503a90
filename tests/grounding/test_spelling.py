"""The words under the boxes of a value spell its text, whatever the page looks like and wherever the value is cut."""

from __future__ import annotations

import json
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont

from extractors.decoding.row import Decoded
from extractors.grammar.cutting import part_of
from extractors.grammar.spans import SpanIndex
from extractors.grounding.place import read_answer
from extractors.prompting.window import windows_of
from extractors.validation.checks import is_grounded, place_of
from schemas.document import Box, DocumentRef, Page, ReadDocument, Word
from schemas.tree import Kind, tree_of

TREE = tree_of({"type": "object", "properties": {"x": {"type": ["string", "null"]}}})
WORDS = [
    "Total", "RM9.00", "1", "234,56", "(3.20)", "-5.00", "Date:25/12/2018", "26/02/1808:28", "in-", "voice", '"x"',
    "AB-1234/7", "C:\\a", "naïve", "中文", "शुल्क", "שלום1", "a", "a", "the", "the", "jane@mill.com", "$", "€12,00",
    "q\u0323\u0307", "x" * 30,
]  # fmt: skip


@st.composite
def pages(draw: st.DrawFn) -> Page:
    """Lines and cells, columns side by side, wrapped cells, a slanted scan, a word written up the edge."""
    columns = draw(st.lists(st.sampled_from([0.0, 190.0, 380.0]), min_size=1, max_size=3, unique=True))
    slope = draw(st.sampled_from([0.0, 0.01, -0.02]))
    gap = draw(st.sampled_from([11.0, 16.0, 30.0]))
    words = []
    for row in range(draw(st.integers(1, 6))):
        top = 40 + row * gap
        for left in columns:
            x = 40 + left
            for text in draw(st.lists(st.sampled_from(WORDS), max_size=2 + (len(columns) < 2))):
                width = 5.0 * len(text)
                y = top + slope * x
                words.append(Word(text, Box(x, y, x + width, y + 10)))
                x += width + draw(st.sampled_from([0.5, 3.0, 6.0, 14.0]))
    if draw(st.booleans()):
        words.append(Word("DRAFT", Box(10.0, 40.0, 20.0, 110.0)))
    return Page(1, 612, 792, "text_layer", tuple(draw(st.permutations(words))))


@settings(max_examples=150, deadline=None)
@given(pages(), st.data())
def test_the_words_under_the_boxes_spell_the_text(page: Page, data: st.DataObject) -> None:
    document = ReadDocument(DocumentRef("memory://d.pdf", "0" * 64, 1, "application/pdf"), (page,), 1)
    (window,) = windows_of(document, 10_000, lambda texts: [len(text) for text in texts])
    index = SpanIndex(window)
    if not page.words:
        return
    number = data.draw(st.integers(0, len(index.segments) - 1))
    chunks = index.chunks[number]
    first = data.draw(st.integers(0, len(chunks) - 1))
    last = data.draw(st.integers(first, min(len(chunks) - 1, first + 12)))
    value = "".join(chunks[first : last + 1]).strip()
    if not value:
        return
    text = json.dumps({"x": value}, ensure_ascii=False, separators=(",", ":"))
    (leaf,) = read_answer(Decoded(text, list(text), [0.0] * len(text)), TREE, index).leaves
    assert leaf.span is not None
    cuts = [word for _, word in leaf.span.words]
    assert " ".join(cut.text for cut in cuts) == value
    assert is_grounded(leaf, {1})
    place = next(p for p in index.places(value, Kind.TEXT) if tuple(index.spelled(p)) == leaf.span.words)
    printed = [word for _, word in index.words(place)]
    assert all(word in page.words for word in printed)
    assert all(
        cut.text in word.text and within(cut.box, word.box) for cut, word in zip(cuts, printed, strict=True)
    )
    assert [word.text for word in printed[1:-1]] == [
        cut.text for cut in cuts[1:-1]
    ]  # none is cut but at the ends
    number_of_page, boxes = place_of(leaf.span)
    assert number_of_page == 1
    assert all(any(within(cut.box, Box(*box), 0.01) for box in boxes) for cut in cuts)
    if all(
        word.box.y0.is_integer() for word in page.words
    ):  # upright: no box takes in a word of another text
        strangers = [  # but for such as are printed over the text itself: a cell ran into the next column
            word
            for word in page.words
            if not any(word is own or covers(own.box, word.box) for own in printed)
        ]
        assert not [word.text for word in strangers for box in boxes if covers(Box(*box), word.box)]


def covers(outer: Box, inner: Box) -> bool:
    x, y = (inner.x0 + inner.x1) / 2, (inner.y0 + inner.y1) / 2
    return outer.x0 < x < outer.x1 and outer.y0 < y < outer.y1


def within(inner: Box, outer: Box, slack: float = 1e-6) -> bool:
    return (
        outer.x0 - slack <= inner.x0 < inner.x1 <= outer.x1 + slack
        and outer.y0 - slack <= inner.y0 < inner.y1 <= outer.y1 + slack
    )


@pytest.mark.parametrize(
    "text",
    [
        "RM9.00",
        "Date:25/12/2018",
        "26/02/1808:28",
        "USD1,200.00-",
        "Invoice#AB-1234/7",
        "IIIllWWW42",
        "(3.20),",
    ],
)
def test_the_box_of_a_part_is_where_a_font_has_its_letters(text: str) -> None:
    """Held against a real proportional font: an edge is off by less than a letter's width, mostly by far less."""
    font = ImageFont.load_default(10)
    edges = [0.0, *accumulate(font.getlength(char) for char in text)]
    word = Word(text, Box(0, 0, edges[-1], 10))
    letter = max(b - a for a, b in pairwise(edges))
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            box = part_of(word, start, end).box
            assert abs(box.x0 - edges[start]) < letter
            assert abs(box.x1 - edges[end]) < letter
