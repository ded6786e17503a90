"""Labels to text of the page: typed values find their printed form, misread text is found all the same."""

from __future__ import annotations

import pytest

from extractors.grammar.spans import SpanIndex
from extractors.prompting.window import windows_of
from extractors.training.align import target_of
from schemas.registry import load_schema
from schemas.tree import Kind, Leaf, leaves
from tests.tiny import document_of


def leaf(kind: Kind) -> Leaf:
    return next(found for _, found in leaves(load_schema("invoice").tree) if found.kind is kind)


@pytest.mark.parametrize(
    ("kind", "label", "printed", "target"),
    [
        (Kind.DATE, "2026-02-17", "issued February 17, 2026 by", "February 17, 2026"),
        (Kind.DATE, "05/03/2018", "Datum 05.03.2018", "05.03.2018"),
        (Kind.DECIMAL, 1234.5, "Summe 1.234,50 EUR", "1.234,50"),
        (Kind.DECIMAL, "$5,625.00", "Gross $5,625.00 net", "$5,625.00"),
        (Kind.CURRENCY, "EUR", "Total 5,00 €", "€"),
        (Kind.TEXT, "BLUE HARBOUR, LTD.", "to Blue Harbour Ltd paid", "Blue Harbour Ltd"),
        (Kind.TEXT, "BLUE HARBOUR BOOKS", "B1ue Harb0ur Books 12 Mill Lane", "B1ue Harb0ur Books"),
        (Kind.TEXT, "12 MILL LANE, (NORTH)", "9 12 Mi1l Lane, (Narth) -INVOICE-", "12 Mi1l Lane, (Narth)"),
        (Kind.TEXT, "2026-02-17", "RECEIVED 17 FEB 2026 at noon", "17 FEB 2026"),
        (Kind.TEXT, "9/22/20", "09/22/20 - 09/28/20", "09/22/20"),
        (Kind.TEXT, "1234.5", "Total $1,234.50", "$1,234.50"),
        (Kind.TEXT, "12", "Total 12.00", None),
        (Kind.TEXT, "Jane Roe", "nothing of the kind", None),
        (Kind.DATE, "2026-02-17", "17/03/2026", None),
    ],
)
def test_target(kind: Kind, label: object, printed: str, target: str | None) -> None:
    (window,) = windows_of(document_of([printed]), 10_000, lambda texts: [len(t) for t in texts])
    assert target_of(label, leaf(kind), SpanIndex(window)) == target
