"""Layouts of business papers: each is a function that places `Facts` on the pages of a `Painter`."""

from __future__ import annotations

import random
from collections.abc import Callable

from extractors.training.synthesis.blocks import (
    choose_look,
    closing,
    label_of,
    letter_head,
    page_numbers,
    pairs,
    pairs_columns,
    pairs_grid,
    pairs_height,
    parties_beside,
    party_lines,
    sums,
)
from extractors.training.synthesis.facts import Entry, Facts, Table
from extractors.training.synthesis.paint import Painter
from extractors.training.synthesis.tables import Rules, draw_table

Layout = Callable[[Painter, Facts, random.Random], None]


def _repeat(facts: Facts) -> str:
    return f"{facts.title} {facts.entries[0].value}" if facts.entries else facts.title


def business(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """A letter head, the addressee left, labelled values right of him, a table, sums at the right."""
    look = choose_look(chance)
    page_numbers(painter, facts, chance, _repeat(facts))
    title_above = chance.random() < 0.4
    letter_head(painter, facts.issuer, chance, facts.title if title_above else "")
    middle = painter.x0 + (painter.x1 - painter.x0) * 0.54
    beside = facts.entries[: chance.choice((5, 7, 9))]
    painter.room(pairs_height(painter, beside, (middle, painter.x1)))
    top = painter.y
    below = pairs(painter, beside, (middle, painter.x1), look, right=chance.random() < 0.3)
    y = top
    if facts.parties:
        first = facts.parties[0]
        if chance.random() < 0.4:
            sender = ", ".join(party_lines(facts.issuer)[:3])
            y = painter.block(painter.x0, y, middle - painter.x0 - 20, [sender], 6.5, color="#555555") + 2
        if first.heading and chance.random() < 0.6:
            y = painter.block(
                painter.x0, y, middle - painter.x0 - 20, [label_of(look, first.heading)], bold=True
            )
        y = painter.block(painter.x0, y, middle - painter.x0 - 20, party_lines(first))
    painter.y = max(y, below) + painter.leading
    parties_beside(painter, facts.parties[1:], look, chance.random() < 0.3)
    if not title_above:
        painter.flow(facts.title, painter.style.size + 5, bold=True, color=painter.style.color)
        painter.y += painter.leading * 0.5
    if facts.entries[len(beside) :]:
        pairs_columns(painter, facts.entries[len(beside) :], look, chance.choice((1, 2)))
    for table in facts.tables:
        draw_table(painter, table, look.rules)
    sums(painter, facts.totals, look, chance)
    closing(painter, facts, chance)


def boxed(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Names in boxes, a grid of small labels above values, a table with rules."""
    look = choose_look(chance)
    page_numbers(painter, facts, chance, _repeat(facts))
    letter_head(painter, facts.issuer, chance, facts.title)
    parties_beside(painter, facts.parties, look, boxed=True)
    pairs_grid(painter, facts.entries, look, chance.choice((2, 3, 4)), boxed=chance.random() < 0.75)
    rules: Rules = chance.choice(("grid", "rows", "frame", "shaded"))
    for table in facts.tables:
        draw_table(painter, table, rules)
    sums(painter, facts.totals, look, chance, chance.choice((0.4, 0.5, 1.0)))
    closing(painter, facts, chance)


def columns(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """The title first, labelled values dense in two or three columns, then the table."""
    look = choose_look(chance)
    page_numbers(painter, facts, chance, _repeat(facts))
    painter.flow(
        facts.title, painter.style.size + 6, bold=True, align=chance.choice(("left", "center", "right"))
    )
    letter_head(painter, facts.issuer, chance)
    if chance.random() < 0.5:
        pairs_columns(painter, facts.entries, look, chance.choice((2, 2, 3)))
        parties_beside(painter, facts.parties, look, boxed=False)
    else:
        parties_beside(painter, facts.parties, look, boxed=False)
        pairs_columns(painter, facts.entries, look, chance.choice((2, 2, 3)))
    for table in facts.tables:
        draw_table(painter, table, look.rules, painter.style.size - chance.choice((0, 0.5, 1)))
    sums(painter, facts.totals, look, chance)
    closing(painter, facts, chance)


def centered(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Everything in the middle at the top, one labelled value per line, a table without rules."""
    look = choose_look(chance)
    page_numbers(painter, facts, chance)
    width = painter.x1 - painter.x0
    issuer = facts.issuer
    painter.flow(issuer.name, painter.style.size + 6, bold=True, align="center", color=painter.style.color)
    for line in issuer.lines:
        painter.flow(line, painter.style.size - 0.5, align="center")
    painter.y += painter.leading * 0.4
    painter.flow(facts.title, painter.style.size + 3, bold=True, align="center")
    painter.rule(painter.y + 2, painter.x0, painter.x1, 1)
    painter.y += painter.leading
    parties_beside(painter, facts.parties, look, boxed=False)
    span = (painter.x0, painter.x0 + width * chance.choice((0.6, 0.75, 1)))
    for entry in facts.entries:
        painter.room(pairs_height(painter, [entry], span))
        painter.y = pairs_line(painter, entry, span, look.colon or ":")
    painter.y += painter.leading * 0.7
    for table in facts.tables:
        draw_table(painter, table, chance.choice(("plain", "head")))
    sums(painter, facts.totals, look, chance)
    closing(painter, facts, chance)


def pairs_line(painter: Painter, entry: Entry, span: tuple[float, float], colon: str) -> float:
    """Label and value in one run of text, as typed; the ``y`` below."""
    text = f"{entry.label}{colon} {entry.value}" if entry.label else entry.value
    return painter.block(span[0], painter.y, span[1] - span[0], [text]) + 1


def listing(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Sections of labels and values one below the other, as stylesheets show electronic documents."""
    look = choose_look(chance)
    page_numbers(painter, facts, chance)
    size = painter.style.size
    shaded = chance.random() < 0.5
    order = chance.random() < 0.5
    width = painter.x1 - painter.x0
    column = width * chance.choice((0.28, 0.34, 0.42))

    def section(text: str) -> None:
        painter.room(painter.leading * 3.5)
        painter.y += painter.leading * 0.4
        if shaded:
            painter.box(painter.x0, painter.y - 2, width, size * 1.35 + 4, "#e4e8ee", stroke=False)
        painter.put(painter.x0 + 2, painter.y, text, size + 0.5, bold=True, width=width)
        painter.y += painter.leading * 1.3

    def line(label: str, value: str, right: bool = False) -> None:
        heads = painter.wrap(label_of(look, label), column - 8, size)
        wide = width * 0.7 - column if right else width - column - 4
        values = painter.wrap(value, wide, size)
        painter.room(max(len(heads), len(values)) * painter.leading)
        below = painter.block(painter.x0 + 4, painter.y, column - 8, heads, color="#333333")
        y = painter.block(painter.x0 + column, painter.y, wide, values, align="right" if right else "left")
        painter.y = max(below, y)

    painter.flow(facts.title, size + 3, bold=True)
    painter.y += painter.leading * 0.4
    if order:
        for entry in facts.entries:
            line(entry.label, entry.value)
    for party in (facts.issuer, *facts.parties):
        if party.heading:
            section(party.heading)
        for text in party_lines(party):
            label, _, value = text.partition(": ")
            if value and chance.random() < 0.9:
                line(label, value)
            else:
                line("", text)
    if not order:
        section(facts.title)
        for entry in facts.entries:
            line(entry.label, entry.value)
    painter.y += painter.leading * 0.6
    for table in facts.tables:
        if len(table.rows) <= 8 and chance.random() < 0.35:
            rows_listed(painter, table, section, line)
        else:
            draw_table(painter, table, chance.choice(("rows", "head", "plain", "grid")), size - 0.5)
    if facts.totals:
        section(facts.totals[-1].label)
    for entry in facts.totals:
        line(entry.label, entry.value, right=True)
    painter.y += painter.leading * 0.5
    closing(painter, facts, chance)


def rows_listed(
    painter: Painter, table: Table, section: Callable[[str], None], line: Callable[..., None]
) -> None:
    """A table with each cell as a labelled value of its own."""
    for row in table.rows:
        if len(row) == 1:
            line("", row[0])
            continue
        section(f"{table.heads[0]} {row[0]}")
        for head, cell in zip(table.heads[1:], row[1:], strict=True):
            if cell:
                line(head, cell)
    painter.y += painter.leading * 0.3


BUSINESS_LAYOUTS: dict[str, Layout] = {
    "business": business,
    "boxed": boxed,
    "columns": columns,
    "centered": centered,
    "listing": listing,
}
