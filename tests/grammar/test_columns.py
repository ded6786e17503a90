"""Texts that go on below are one text: in a table cell, in one of two columns; and nothing else is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.grammar.columns import column_runs
from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.prompting.window import windows_of
from schemas.document import Box, DocumentRef, Page, ReadDocument, Word
from schemas.registry import load_schema
from schemas.tree import Kind

LINE = 12.0


def index_of(*placed: tuple[float, int, str]) -> SpanIndex:
    """An index over texts, each at ``x`` on line ``n``; a character is 5 points wide."""
    words = []
    for x, line, text in placed:
        for word in text.split():
            top = 20 + LINE * line
            words.append(Word(word, Box(x, top, x + 5 * len(word), top + 10)))
            x += 5 * len(word) + 3
    words.sort(key=lambda w: (w.box.y0, w.box.x0))
    page = Page(1, 600, 800, "text_layer", tuple(words))
    document = ReadDocument(DocumentRef("memory://d.pdf", "0" * 64, 1, "application/pdf"), (page,), 1)
    (window,) = windows_of(document, 100_000, lambda texts: [len(t) for t in texts])
    return SpanIndex(window)


def column_texts(index: SpanIndex) -> list[str]:
    return [segment.text for segment in index.columns]


def test_two_addresses_side_by_side() -> None:
    index = index_of(
        (30, 0, "Mill Books Ltd"), (300, 0, "Jane Roe"),
        (30, 1, "12 Mill Lane"), (300, 1, "4 Hill Road"),
        (30, 2, "Leeds"), (300, 2, "York"),
    )  # fmt: skip
    assert column_texts(index) == ["Mill Books Ltd 12 Mill Lane Leeds", "Jane Roe 4 Hill Road York"]
    (place,) = index.places("4 Hill Road York", Kind.TEXT)
    assert [word.text for _, word in index.words(place)] == ["4", "Hill", "Road", "York"]
    assert index.places("Jane Roe 12 Mill Lane", Kind.TEXT)  # reading order still counts


def test_a_name_wrapped_inside_a_cell() -> None:
    index = index_of(
        (30, 0, "1"), (60, 0, "Oak table with"), (300, 0, "3"), (360, 0, "9.00"),
        (60, 1, "two drawers"),
        (30, 2, "2"), (60, 2, "Lamp"), (300, 2, "1"), (360, 2, "4.50"),
    )  # fmt: skip
    assert "Oak table with two drawers Lamp" in column_texts(index)
    assert index.places("Oak table with two drawers", Kind.TEXT)
    assert index.places("drawers 2 Lamp", Kind.TEXT)


def test_a_line_across_both_columns_ends_them() -> None:
    index = index_of(
        (30, 0, "Left one"), (300, 0, "Right one"),
        (30, 1, "A note that runs over the whole width of the page and further on to the right"),
        (30, 2, "Left two"), (300, 2, "Right two"),
    )  # fmt: skip
    assert column_texts(index) == []


def test_white_space_ends_a_column() -> None:
    index = index_of((30, 0, "Left"), (300, 0, "Right"), (30, 4, "Far"), (300, 4, "Away"))
    assert column_texts(index) == []


def test_numbers_are_those_of_the_lines() -> None:
    index = index_of((30, 0, "a"), (300, 0, "1"), (30, 1, "b"), (300, 1, "234"))
    assert "1 234" in column_texts(index)
    assert set(index.numbers) == {"1", "234"}
    assert [len(places) for places in index.numbers.values()] == [1, 1]
    assert index.occurrences("234") == 1


def test_plain_lines_need_no_columns() -> None:
    index = index_of((30, 0, "one line"), (30, 1, "and the next"), (30, 2, "and the last"))
    assert column_texts(index) == []


def test_the_grammar_offers_column_runs() -> None:
    index = index_of((30, 0, "Mill Books"), (300, 0, "Jane"), (30, 1, "Limited"), (300, 1, "Roe"))
    grammar = grammar_of(load_schema("receipt").tree, index)
    assert all(f"PAGE{i}:" in grammar for i in range(3))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 500), st.integers(0, 12), st.sampled_from(["ab", "abc def", "12", "x"])),
        max_size=30,
    )
)
def test_runs_are_made_of_whole_cells_each_once(placed: list[tuple[float, int, str]]) -> None:
    index = index_of(*placed) if placed else None
    if index is None:
        return
    words = [id(w) for segment in index.columns for w in segment.words]
    assert len(words) == len(set(words))
    for segment in index.columns:
        tops = [w.box.y0 for w in segment.words]
        assert tops == sorted(tops)
        assert len(set(tops)) > 1
        assert segment.orders == tuple(sorted(segment.orders))
    assert not column_runs([])
