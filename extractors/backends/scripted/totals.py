"""Which of several sums is the one to be paid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from extractors.backends.scripted.concepts import parts_of
from extractors.backends.scripted.labels import CONTAINED, Goal, Run
from extractors.backends.scripted.scene import MIN_SCORE, Match, Scene
from extractors.backends.scripted.sheet import Line, Piece
from extractors.validation.text import text_key
from extractors.validation.values import parse_leaf
from schemas.tree import Kind, Leaf

_ROUNDED_LINES = 3
_TAX_LINES, _BARE_TAX_LINES = 4, 7
_OF_ITEMS = frozenset(["description", "quantity", "price", "unit", "line"])
_TENDER_LINES = 4
_CHARGE_LINES = 6
_SETTLED = 1.0
_PARTED = 0.7
_NAMED, _ADDS_UP = 0.6, 0.96
_NO_TOTAL = ("net", "tax", "unit", "price", "quantity", "rounding", "discount", "percent")
_CHANGE = frozenset(
    ["change", "baki", "wechselgeld", "ruckgeld", "rückgeld", "rendu", "vuelto", "troco", "wisselgeld"]
)
_PREPAID_WORDS = """
prepaid prepayment deposit advance paid anzahlung anzahlungen vorauszahlung angezahlt bezahlt gezahlt acompte acomptes
anticipo acconto réglé regle betaald pagado pago
"""
_PREPAID = frozenset(_PREPAID_WORDS.split())
_SAME_AS_TOTAL = 0.55
_CHARGED = 0.9
_CARDS = frozenset(["visa", "mastercard", "amex", "maestro", "girocard"])
_BILL = re.compile(r"\b(?:invoice|bill)\b|rechnung|factur|fattur|faktur", re.IGNORECASE)
_TITLE_LINES = 40
_SUBTOTAL = re.compile(r"\W*(?:sub-? ?total|zwischensumme|sous-? ?total|subtotale)\b", re.IGNORECASE)
_CASH = frozenset(["cash", "tunai", "bar", "especes", "espèces", "efectivo", "contanti", "contant"])
_TENDER = _CASH | {"credit", "debit", "voucher", "gegeben"}
_CENTS = re.compile(r"[.,]\d{2}$")
_ROUNDED_BY = Decimal("0.05")
_MONEY = Leaf(Kind.DECIMAL, True, "", "string")


def is_total(goal: Goal) -> bool:
    """Whether a field asks for a sum of the whole document."""
    return goal.means("amount") and not goal.means(*_NO_TOTAL)


def as_total(named: float, run: Run, scene: Scene) -> float:
    """How well a label names a total, by what stands around it: behind a rounding the total is final."""
    index = run.line.index
    if _of_one_rate(run):
        return 0.6 * named
    if _tax_within(run):
        return 0.3 * named
    if _says(run.line, _CHANGE):
        return 0.2 * named
    if any(line in scene.roundings for line in range(index - _ROUNDED_LINES, index)):
        return min(1.0, named + 0.25)
    if any(line in scene.roundings for line in range(index + 1, index + 1 + _ROUNDED_LINES)):
        return 0.9 * named
    # The sums of a table of taxes are those of its columns, of which the last is the tax.
    if index in scene.tax_heads:
        return 0.6 * named
    in_table = any(_heads_taxes(line, index, scene) for line in range(index - _BARE_TAX_LINES, index))
    several = len(scene.values(scene.lines[index], Kind.DECIMAL)) > 1
    return 0.6 * named if in_table and several else named


def _heads_taxes(head: int, index: int, scene: Scene) -> bool:
    """Whether a line heads a table of taxes that the line ``index`` may be of; one of items may be long."""
    if head not in scene.tax_heads:
        return False
    return index - head <= _TAX_LINES or not any(t.concepts & _OF_ITEMS for t in scene.lines[head].tokens)


def fill_due(goals: list[Goal], chosen: dict[str, Match], scene: Scene) -> None:
    """What is still to be paid is the total of a bill, where no label tells it and nothing was paid before."""
    totals = [m for m in chosen.values() if is_total(m.goal) and not m.goal.means("due")]
    bill = any(_BILL.search(line.text) for line in scene.lines[:_TITLE_LINES])
    if not totals or not bill or any(_says(line, _PREPAID) for line in scene.lines):
        return
    total = max(totals, key=lambda match: match.score)
    for goal in goals:
        if goal.path not in chosen and goal.means("due") and is_total(goal) and goal.kind is Kind.DECIMAL:
            chosen[goal.path] = Match(goal, total.piece, min(total.score, _SAME_AS_TOTAL))


def _of_one_rate(run: Run) -> bool:
    """A total of what one rate of tax is on: ``Total 6% supplies``."""
    after = run.line.tokens[run.end : run.end + 2]
    return len(after) == 2 and after[0].text.endswith("%") and after[1].text[:1].isalpha()


def _tax_within(run: Run) -> bool:
    """The end of ``GST @6% included in total``, which the rate holds apart from its beginning."""
    cell = run.tokens[0].cell
    before = [t for t in run.line.tokens[: run.start] if t.cell == cell]
    return text_key(run.tokens[0].text) in CONTAINED and any("tax" in t.concepts for t in before)


def settled(goal: Goal, scene: Scene) -> Iterator[Match]:
    """What was paid less the change, where that sum is printed above: by it the receipt itself tells its total."""
    if goal.means("due"):
        return
    for line in scene.lines:
        change = _amount(line, scene) if _says(line, _CHANGE) or _under_tender(line, scene) else None
        if change is None or not _CENTS.search(change[1].raw):
            continue
        for tender in scene.lines[max(line.index - _TENDER_LINES, 0) : line.index]:
            given = _amount(tender, scene) if _is_tender(tender) else None
            if given is not None and given[0] > change[0]:
                found = _printed(given[0] - change[0], tender, scene)
                if found is None and not change[0] and _nearly(given[0], tender, scene):
                    found = given[1]  # rounded only as it was paid
                if found is not None:
                    yield Match(goal, found, _SETTLED)
                    return


def charged(goal: Goal, scene: Scene) -> Iterator[Match]:
    """What a card was charged, where that sum is printed above."""
    if goal.means("due"):
        return
    for line in scene.lines:
        paid = _amount(line, scene) if any(text_key(t.text) in _CARDS for t in line.tokens[:2]) else None
        if paid is not None and paid[0] and _CENTS.search(paid[1].raw):
            found = _printed(paid[0], line, scene)
            if found is not None:
                yield Match(goal, found, _CHARGED)
                return


def rounded(goal: Goal, scene: Scene) -> Iterator[Match]:
    """The sum behind a rounding, whatever it is called there: ``Rounding RM 22.90``, ``Net Total``."""
    if goal.means("due", "gross"):  # a gross sum is the one before it
        return
    for index in sorted(scene.roundings):
        own = _amount(scene.lines[index], scene)
        if own is None:
            continue
        if own[0] > _ROUNDED_BY:
            if _nearly(own[0], scene.lines[index], scene):
                yield Match(goal, own[1], _CHARGED)
            continue
        for below in scene.lines[index + 1 : index + 2]:
            found = _amount(below, scene)
            if found is not None and any("amount" in t.concepts for t in below.tokens[:2]):
                yield Match(goal, found[1], _CHARGED)


def with_charges(goal: Goal, scene: Scene) -> Iterator[Match]:
    """A net sum that is larger than the gross one above it: what was ordered, and what it is with service and tax."""
    if goal.means("due"):
        return
    for gross in scene.lines:
        below = scene.lines[gross.index + 1 : gross.index + 1 + _CHARGE_LINES]
        if not _begins(gross, "gross") or not any(
            "tax" in t.concepts for line in below for t in line.tokens[:3]
        ):
            continue
        ordered = _amount(gross, scene)
        for net in below:
            found = _amount(net, scene) if _begins(net, "net") else None
            if ordered is not None and found is not None and found[0] > ordered[0]:
                yield Match(goal, found[1], _SETTLED)
                return


def taxed(goal: Goal, scene: Scene) -> Iterator[Match]:
    """What a table of taxes parts into net and tax, where that sum is printed; one that was rounded after is not."""
    if goal.means("due") or scene.roundings:
        return
    for whole in scene.tax_rows.values():
        yield Match(goal, whole, _PARTED)


def added_up(match: Match, scene: Scene) -> Match:
    """A sum that its label names as the total, surer where a table of taxes parts that very sum into net and tax.

    It is the whole table that has to: where it parts two sums, each is of one rate; and where a larger sum has a name
    on the page, something was added that no tax is on.
    """
    goal, found = match.goal, match.piece
    if match.score < _NAMED or not is_total(goal) or goal.means("due") or scene.roundings:
        return match
    places = {(whole.line, whole.start) for whole in scene.tax_rows.values()}
    value = parsed(found, scene) if places == {(found.line, found.start)} else None
    if value is None or any(
        any("amount" in t.concepts for t in line.tokens)
        and any(
            (other := parsed(c.piece, scene)) and other[0] > value[0]
            for c in scene.values(line, Kind.DECIMAL)
        )
        for line in scene.lines
    ):
        return match
    return replace(match, score=max(match.score, _ADDS_UP))


def subtotals(goal: Goal, scene: Scene) -> Iterator[Match]:
    """The subtotal of a receipt that prints no other sum."""
    if goal.means("due"):
        return
    for line in scene.lines:
        found = _amount(line, scene) if _SUBTOTAL.match(line.text) else None
        if found is not None and found[0]:
            yield Match(goal, found[1], MIN_SCORE)


def _begins(line: Line, concept: str) -> bool:
    """Whether a line begins with the name of a sum of this kind: ``Gross Amt:``."""
    said = frozenset().union(*(t.concepts for t in line.tokens[:2]))
    return {concept, "amount"} <= said


def _says(line: Line, words: frozenset[str]) -> bool:
    return any(text_key(part) in words for t in line.tokens for part in parts_of(t.text))


def _under_tender(line: Line, scene: Scene) -> bool:
    """Whether a line stands right under what was tendered in cash, where change stands whatever it was read as."""
    above = scene.lines[line.index - 1] if line.index else None
    return (
        above is not None and any(text_key(t.text) in _CASH for t in above.tokens[:2]) and _is_tender(above)
    )


def _is_tender(line: Line) -> bool:
    paid = any("payment" in t.concepts or text_key(t.text) in _TENDER for t in line.tokens[:3])
    return paid and not _says(line, _CHANGE)


def _amount(line: Line, scene: Scene) -> tuple[Decimal, Piece] | None:
    """The last amount of a line."""
    found = scene.values(line, Kind.DECIMAL)
    return parsed(found[-1].piece, scene) if found else None


def parsed(found: Piece, scene: Scene) -> tuple[Decimal, Piece] | None:
    """The number that a piece of a line is, with the piece."""
    value = parse_leaf(found.raw, _MONEY, scene.style).value
    return (abs(Decimal(str(value))), found) if value is not None else None


def _nearly(paid: Decimal, tender: Line, scene: Scene) -> bool:
    """Whether a sum above the payment differs from it by no more than cash is rounded by."""
    amounts = (
        _amount(line, scene) for line in scene.lines[max(tender.index - _TENDER_LINES, 0) : tender.index]
    )
    return any(found is not None and abs(found[0] - paid) < _ROUNDED_BY for found in amounts)


def _printed(wanted: Decimal, tender: Line, scene: Scene) -> Piece | None:
    """Where a sum is printed above the payment: beside the name of a sum, else the last time."""
    named: Piece | None = None
    bare: Piece | None = None
    for line in scene.lines[: tender.index]:
        for candidate in scene.values(line, Kind.DECIMAL):
            value = parsed(candidate.piece, scene)
            if value is not None and value[0] == wanted:
                bare = candidate.piece
                if any("amount" in t.concepts for t in line.tokens[: candidate.piece.start]):
                    named = candidate.piece
    return named or bare
