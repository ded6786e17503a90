"""Tables that part a sum into net and tax: what stands in them is never the sum itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

from extractors.backends.scripted.candidates import Candidate
from extractors.backends.scripted.sheet import Line, Piece
from extractors.validation.values import DocumentStyle, parse_leaf
from schemas.tree import Kind, Leaf

_MONEY = Leaf(Kind.DECIMAL, True, "", "string")
_CENTS = re.compile(r"[.,]\d{2}$")
_MOST_TAX = Decimal("0.35")
"""Of the net sum: no tax on what is sold is higher."""
_HEADED_LINES = 8
_SUMS = frozenset({"amount", "gross", "payment"})


def tax_parts(
    lines: Sequence[Line], values: Callable[[Line], list[Candidate]], style: DocumentStyle
) -> Iterator[tuple[int, Piece]]:
    """Lines with a net sum and its tax side by side whose sum is printed as a sum elsewhere on the page.

    Args:
        lines: of the document, in reading order.
        values: the numbers of a line.
        style: how the document writes numbers.

    Yields:
        The index of the line, and the sum of the two where it is printed beside the name of a sum.
    """
    sums: dict[tuple[int, Decimal], Piece] = {}
    numbers: dict[int, list[Decimal]] = {}
    taxed: dict[int, int] = {}
    for line in lines:
        found = [(amount, c.piece) for c in values(line) if (amount := money(c.piece, style)) is not None]
        numbers[line.index] = [amount for amount, _ in found]
        if any("tax" in token.concepts for token in line.tokens):
            taxed[line.page] = line.index
        line_of_tax = line.index - taxed.get(line.page, -_HEADED_LINES - 1) <= _HEADED_LINES
        if not line_of_tax:
            numbers[line.index] = []
        if found and any(token.concepts & _SUMS for token in line.tokens[: found[-1][1].start]):
            sums.setdefault((line.page, found[-1][0]), found[-1][1])
    for line in lines:
        for net, tax in pairwise(numbers[line.index]):
            whole = sums.get((line.page, net + tax))
            if 0 < tax <= _MOST_TAX * net and whole is not None and whole.line != line.index:
                yield line.index, whole
                break


def money(found: Piece, style: DocumentStyle) -> Decimal | None:
    """The amount that a piece of a line is, if it has cents."""
    value = parse_leaf(found.raw, _MONEY, style).value if _CENTS.search(found.raw) else None
    return abs(Decimal(str(value))) if value is not None else None
