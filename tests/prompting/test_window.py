"""Windows: every word in exactly one, within the budget, layout kept as text."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.prompting.window import OVERLAP_LINES, windows_of
from schemas.document import Word
from tests.tiny import document_of


def by_characters(texts: Sequence[str]) -> list[int]:
    return [len(t) for t in texts]


def test_gaps_become_tabs_and_lines_become_lines() -> None:
    document = document_of(["Total    12.50", "Thank you"])
    (window,) = windows_of(document, 1000, by_characters)
    assert window.text == "Total\t12.50\nThank you"


def test_pages_are_marked_when_there_are_several() -> None:
    document = document_of(["one"], ["two"])
    (window,) = windows_of(document, 1000, by_characters)
    assert window.text == "[page 1/2]\none\n[page 2/2]\ntwo"


def test_a_line_longer_than_the_budget_is_split_between_words() -> None:
    document = document_of(["aaaa bbbb cccc dddd eeee"])
    windows = windows_of(document, 13, by_characters)
    assert len(windows) > 1
    assert [word.text for w in windows for line in w.own for word in line.words] == [
        "aaaa",
        "bbbb",
        "cccc",
        "dddd",
        "eeee",
    ]


lines = st.lists(st.lists(st.text("abc1", min_size=1, max_size=9), min_size=1, max_size=8), max_size=12)


@settings(max_examples=60, deadline=None)
@given(pages=st.lists(lines, min_size=1, max_size=3), budget=st.integers(20, 120))
def test_every_word_is_one_windows_own(pages: list[list[list[str]]], budget: int) -> None:
    document = document_of(*[[" ".join(line) for line in page] for page in pages])
    windows = windows_of(document, budget, by_characters)
    seen: list[Word] = [word for w in windows for line in w.own for word in line.words]
    assert sorted(map(id, seen)) == sorted(id(word) for _, word in document.words)
    assert [w.index for w in windows] == list(range(len(windows)))
    everything = [line for w in windows for line in w.own]
    at = 0
    for w in windows:
        assert w.lines[: w.again] == tuple(everything[at - w.again : at])
        assert w.again <= OVERLAP_LINES
        assert sum(len(line.text) + 1 for line in w.lines) <= max(
            [budget, *(len(line.text) + 1 for line in w.own)]
        )
        at += len(w.own)


def test_an_empty_document_has_one_empty_window() -> None:
    (window,) = windows_of(document_of([]), 100, by_characters)
    assert window.text == ""
    assert window.first_page == 1


def test_a_label_at_the_foot_of_a_page_is_shown_with_its_value() -> None:
    pages = [["line of text"] * 20 + ["Total"], ["12.50", *["more of it"] * 20]]
    windows = windows_of(document_of(*pages), 280, by_characters)
    (window,) = (w for w in windows if any(line.text == "12.50" for line in w.own))
    assert "Total\n[page 2/2]\n12.50" in window.text
    assert window.again
    assert window.first_page == 2
