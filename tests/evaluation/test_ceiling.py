"""Which truths stand in the words of a page."""

from __future__ import annotations

import pytest

from extractors.evaluation.ceiling import reachable, span_index
from schemas.document import Box, DocumentRef, Page, ReadDocument, Word
from schemas.registry import load_schema
from schemas.tree import tree_of

RECEIPT = load_schema("receipt").tree


def _document(*lines: str) -> ReadDocument:
    words = []
    for row, line in enumerate(lines):
        x = 10.0
        for text in line.split():
            words.append(Word(text, Box(x, 20.0 * row, x + 6 * len(text), 20.0 * row + 10)))
            x += 6 * len(text) + 4
    page = Page(number=1, width=600, height=800, source="ocr", words=tuple(words))
    ref = DocumentRef(uri="a.jpg", sha256="0" * 64, size=1, media_type="image/jpeg")
    return ReadDocument(ref=ref, pages=(page,), page_count=1)


@pytest.mark.parametrize(
    ("line", "truth", "expected"),
    [
        ("Total 1,234.50", {"total": "1234.50"}, True),
        ("Total 11,234.50", {"total": "1234.50"}, False),
        ("Date 25/12/2018", {"date": "25/12/2018"}, True),
        ("Date 25/12/2019", {"date": "25/12/2018"}, False),
        ("Café Müller (Bonn)", {"company": "CAFE MULLER BONN"}, True),
        ("ABC SDNBHD", {"company": "ABC SDN BHD"}, True),
        ("XABC SDN BHD", {"company": "ABC SDN BHD"}, False),
        ("ABC SDN BHDTEL", {"company": "ABC SDN BHD"}, False),
    ],
)
def test_a_truth_stands_where_whole_pieces_spell_it(line: str, truth: dict[str, str], expected: bool) -> None:
    assert reachable(truth, span_index(_document(line)), RECEIPT) == {next(iter(truth)): expected}


def test_a_date_may_be_read_either_way_unless_the_schema_says_how() -> None:
    truth, index = {"issued": "2020-01-09"}, span_index(_document("Date 09/01/2020"))
    dated = {"type": "object", "properties": {"issued": {"type": "string", "format": "date"}}}
    assert [reachable(truth, index, tree_of(dated, day_first=hint)) for hint in (None, True, False)] == [
        {"issued": True},
        {"issued": True},
        {"issued": False},
    ]


def test_a_text_may_run_over_lines_and_nulls_do_not_count() -> None:
    index = span_index(_document("12 Long Street", "Springfield 4000"))
    truth = {"address": "12 LONG STREET, SPRINGFIELD 4000", "total": None}
    assert reachable(truth, index, RECEIPT) == {"address": True}


def test_labels_known_to_be_wrong_are_left_out() -> None:
    assert reachable({"total": "1.00"}, span_index(_document("none")), RECEIPT, frozenset({"total"})) == {}
