"""Layouts of text: letters in which values hide, contracts in clauses, resumes; and tickets, which are cards."""

from __future__ import annotations

import random

from extractors.training.synthesis.facts import Facts, Table
from extractors.training.synthesis.form_parts import Sheetwork
from extractors.training.synthesis.paint import Painter
from extractors.training.synthesis.terms import Terms


def letter(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Labelled values one after the other in running text or as a list, between salutation and greeting."""
    work, terms = Sheetwork(painter, facts, chance), Terms(chance, facts.language)
    work.begin()
    work.parties(facts.parties)
    painter.flow(terms("opening"))
    painter.y += painter.leading * 0.6
    filled = [entry for entry in facts.entries if entry.value]
    if chance.random() < 0.5:
        ends = chance.choice(((": ", "; "), (" – ", ". "), (": ", ". ")))
        for index in range(0, len(filled), 4):
            text = ends[1].join(f"{entry.label}{ends[0]}{entry.value}" for entry in filled[index : index + 4])
            lines = len(painter.wrap(text, painter.x1 - painter.x0, painter.style.size))
            painter.room(lines * painter.leading)
            painter.flow(text + ".")
            painter.y += painter.leading * 0.6
    else:
        bullet = chance.choice(("-", "–", "•"))
        for entry in filled:
            painter.flow(f"{bullet} {entry.label}: {entry.value}")
        painter.y += painter.leading * 0.6
    work.rest()
    painter.y += painter.leading


def clauses(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Numbered clauses of running text, signatures at the end."""
    work = Sheetwork(painter, facts, chance)
    work.begin(centred=chance.random() < 0.7, logo=chance.random() < 0.3)
    work.rest()


def resume(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """A name, how to reach the person, and stations by section; the rows of tables are stations, not lines."""
    work = Sheetwork(painter, facts, chance)
    centred = chance.random() < 0.4
    width = painter.x1 - painter.x0
    align = "center" if centred else "left"
    painter.y = painter.block(
        painter.x0, painter.y, width, [facts.issuer.name], painter.style.size + chance.choice((7, 10)), bold=True,
        align="center" if centred else "left", color=painter.style.color,
    )  # fmt: skip
    if chance.random() < 0.6:
        painter.flow(facts.title, align="center" if align == "center" else "left", color="#555555")
    painter.y += 4
    if chance.random() < 0.5:
        joint = chance.choice(("  |  ", "  ·  ", "   "))
        painter.flow(
            joint.join(entry.value for entry in facts.entries), align="center" if centred else "left"
        )
    else:
        for entry in facts.entries:
            painter.flow(f"{entry.label}: {entry.value}")
    painter.rule(painter.y + 4, painter.x0, painter.x1)
    painter.y += painter.leading
    work.paragraphs()
    manner = chance.choice((_station_beside, _station_below))
    for table in facts.tables:
        work.heading(work.label(table.title))
        for row in table.rows:
            manner(painter, table, row)
    for entry in facts.totals:
        work.heading(work.label(entry.label))
        for line in entry.value.splitlines():
            painter.flow(line)
    work.end()


def _station_beside(painter: Painter, _table: Table, row: tuple[str, ...]) -> None:
    """Period on the left; what and where on the right."""
    size, edge = painter.style.size, painter.x0 + 125
    width = painter.x1 - edge
    lines = sum(len(painter.wrap(cell, width, size, number == 0)) for number, cell in enumerate(row[1:]))
    painter.room(lines * painter.leading + 5)
    painter.put(painter.x0, painter.y, row[0], size, width=115)
    y = painter.block(edge, painter.y, width, row[1:2], bold=True)
    painter.y = painter.block(edge, y, width, [cell for cell in row[2:] if cell]) + 5


def _station_below(painter: Painter, _table: Table, row: tuple[str, ...]) -> None:
    """What and period on a line, where below."""
    size, width = painter.style.size, painter.x1 - painter.x0
    lines = sum(
        len(painter.wrap(cell, width - 140, size, number == 0)) for number, cell in enumerate(row[1:])
    )
    painter.room(lines * painter.leading + 5)
    painter.put(painter.x1, painter.y, row[0], size, align="right", width=130)
    y = painter.block(painter.x0, painter.y, width - 140, row[1:2], bold=True)
    painter.y = (
        painter.block(painter.x0, y, width - 140, [cell for cell in row[2:] if cell], color="#333333") + 5
    )


def ticket(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """A card with large values below small labels and a bar code; conditions under it."""
    work = Sheetwork(painter, facts, chance)
    columns = chance.choice((2, 3, 3))
    stub = chance.random() < 0.5
    top, left = painter.y, painter.x0
    wide = (painter.x1 - painter.x0 - (70 if stub else 0)) - 20
    big = painter.style.size + chance.choice((0, 1, 2))
    small = painter.style.size - 2
    if chance.random() < 0.5:
        painter.logo(left + 10, top + 8, chance)
        head = left + 48
    else:
        head = left + 10
    y = painter.block(
        head, top + 8, left + wide - head, [facts.issuer.name], bold=True, color=painter.style.color
    )
    y = painter.block(
        head, y, left + wide - head, [work.label(facts.title)], painter.style.size + 4, bold=True
    )
    y = max(y, top + 44) + 6
    column = wide / columns
    for index in range(0, len(facts.entries), columns):
        lowest = y
        for number, entry in enumerate(facts.entries[index : index + columns]):
            x = left + 10 + number * column
            below = painter.block(x, y, column - 10, [work.label(entry.label)], small, color="#555555")
            lowest = max(lowest, painter.block(x, below, column - 10, [entry.value], big, bold=True))
        y = lowest + 6
    if stub:
        painter.bars(painter.x1 - 62, top + 16, 44, y - top - 30, chance, upright=False)
        painter.rule_down(painter.x1 - 72, top, y)
    else:
        painter.bars(left + 10, y, min(wide, 220), 34, chance)
        y += 42
    painter.box(left, top, painter.x1 - left, y - top)
    painter.y = y + painter.leading
    work.rest()


LETTER_LAYOUTS = {"letter": letter, "clauses": clauses, "resume": resume, "ticket": ticket}
