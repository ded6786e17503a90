"""Items of till slips: ``2 x 6.01    12.02`` beside, under or over what was bought. The product proves the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from extractors.backends.scripted.column_kinds import asks_for_code, is_coded
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.lists.roles import Role, role_of
from extractors.backends.scripted.scene import Scene, fits
from extractors.backends.scripted.sheet import Line, Piece, piece
from extractors.backends.scripted.tables import Row
from extractors.backends.scripted.totals import parsed
from extractors.validation.text import text_key
from schemas.tree import NUMERIC, Kind

_TIMES = frozenset({"x", "×", "@", "*", "à"})
_SURE = 0.9
_NEAR = 1.2
"""A line above or below at most so many line heights away."""
_HALF_CENT = Decimal("0.006")
_SUMS = frozenset({"amount", "net", "gross", "tax", "payment", "discount", "rounding"})


@dataclass(frozen=True, slots=True)
class _Product:
    """A line with a number of pieces, the price of one, and what they make together."""

    line: Line
    quantity: Piece
    price: Piece
    total: Piece


def slip_rows(goals: Sequence[Goal], scene: Scene, room: int) -> list[Row]:
    """The items of a slip; none where the fields ask for no quantity and price, or no line multiplies these.

    Args:
        goals: the fields of an item.
        scene: the document.
        room: items at most.
    """
    numbers = [goal for goal in goals if goal.kind in NUMERIC]
    quantity = next((goal for goal in numbers if goal.means("quantity")), None)
    price = next((goal for goal in numbers if goal.means("price")), None)
    total = next((goal for goal in numbers if goal.means("amount") and goal is not price), None)
    if quantity is None or (price is None and total is None):
        return []
    found = [product for line in scene.lines if (product := _product(line, scene)) is not None]
    if not found:  # without a sign: several that go beyond one piece are no accident
        bare = [_product(line, scene, signed=False) for line in scene.lines]
        found = [product for product in bare if product is not None and _beside(product) is not None]
        several = [product for product in found if text_key(product.price.raw) != text_key(product.total.raw)]
        found = found if len(found) > 1 and several else []
    below = _names_below(found, scene)
    rows: list[Row] = []
    for product in found[:room]:
        values = ((quantity, product.quantity), (price, product.price), (total, product.total))
        row = {goal.path: (value, _SURE) for goal, value in values if goal is not None}
        name = _beside(product) or _name(product.line, scene, 1 if below else -1, found)
        rows.append(row | _named(goals, scene, name))
    return rows


def _product(line: Line, scene: Scene, *, signed: bool = True) -> _Product | None:
    """The first three numbers of a line of which the first two, held apart by a sign of times, make the third.

    ``signed=False``: without a sign, the three next to each other.
    """
    values = [c.piece for c in scene.values(line, Kind.DECIMAL)]
    for one, other in pairwise(values):
        between = line.tokens[one.end : other.start]
        if signed and not any(token.text.casefold() in _TIMES for token in between):
            continue
        numbers = [parsed(one, scene), parsed(other, scene)]
        behind = [value for value in values if value.start >= other.end]
        for whole in behind if signed else behind[:1]:
            made = parsed(whole, scene)
            if made is None or None in numbers:
                continue
            (first, _), (second, _) = (number for number in numbers if number is not None)
            if first and second and abs(first * second - made[0]) < _HALF_CENT:
                return _Product(line, one, other, whole)
    return None


def _beside(product: _Product) -> tuple[Line, int, int] | None:
    """What stands before the quantity in its line."""
    end = product.quantity.start
    words = any(c.isalpha() for token in product.line.tokens[:end] for c in token.text)
    return (product.line, 0, end) if words else None


def _name(line: Line, scene: Scene, step: int, products: Sequence[_Product]) -> tuple[Line, int, int] | None:
    """The line above or below, if it is no sum and no product itself."""
    at = line.index + step
    if not 0 <= at < len(scene.lines) or any(product.line.index == at for product in products):
        return None
    other = scene.lines[at]
    gap = max(other.top - line.bottom, line.top - other.bottom)
    words = any(c.isalpha() for c in other.text)
    if other.page != line.page or gap > _NEAR * line.height or not words or _is_sum(other):
        return None
    return other, 0, len(other.tokens)


def _is_sum(line: Line) -> bool:
    return bool(line.tokens[0].concepts & _SUMS) or line.tokens[0].ends_label


def _names_below(products: Sequence[_Product], scene: Scene) -> bool:
    """Whether what was bought stands under its product: behind the last one comes a name and then no other."""
    last = products[-1].line if products else None
    if last is None or _beside(products[-1]) is not None:
        return False
    under = _name(last, scene, 1, products)
    if under is None or scene.values(under[0], Kind.DECIMAL)[-1:] != []:
        return False
    after = scene.lines[under[0].index + 1 : under[0].index + 2]
    if any(token.text.casefold() in _TIMES for line in after for token in line.tokens):
        return False  # the name of the next, whose product does not come out
    return all(_name(product.line, scene, 1, products) is not None for product in products)


def _named(goals: Sequence[Goal], scene: Scene, name: tuple[Line, int, int] | None) -> Row:
    """The name of what was bought, and its code where that stands before it."""
    if name is None:
        return {}
    line, start, end = name
    texts = [goal for goal in goals if goal.kind is Kind.TEXT and goal.leaf.grounding == "span"]
    code = next((goal for goal in texts if asks_for_code(goal)), None)
    names = [goal for goal in texts if goal is not code]
    main = next((g for g in names if g.means("description", "name") or role_of(g) is Role.TITLE), None)
    row: Row = {}
    if end - start > 1 and is_coded(line.tokens[start].text):
        if code is not None and (found := fits(code, piece(line, start, start + 1))) is not None:
            row[code.path] = (found, _SURE)
        start += 1
    if main is not None and (found := fits(main, piece(line, start, end))) is not None:
        row[main.path] = (found, _SURE)
    return row
