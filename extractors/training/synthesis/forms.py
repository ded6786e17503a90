"""Layouts of forms: numbered boxes, dotted lines, labels above or beside their values, two columns."""

from __future__ import annotations

import random

from extractors.training.synthesis.facts import Entry, Facts
from extractors.training.synthesis.form_parts import Sheetwork
from extractors.training.synthesis.paint import Painter


def _rows(entries: list[Entry], chance: random.Random) -> list[list[tuple[Entry, int]]]:
    """Entries in rows of twelve parts, wide values in wide cells; the last of a row takes what is left."""
    rows: list[list[tuple[Entry, int]]] = [[]]
    left = 12
    for entry in entries:
        length = max(len(entry.value) * (1.25 if entry.hand else 1), len(entry.label) * 0.55)
        need = 3 if length < 12 else 4 if length < 18 else 6 if length < 34 else chance.choice((8, 12))
        if need > left:
            rows[-1][-1] = (rows[-1][-1][0], rows[-1][-1][1] + left)
            rows.append([])
            left = 12
        rows[-1].append((entry, need))
        left -= need
    if rows[-1]:
        rows[-1][-1] = (rows[-1][-1][0], rows[-1][-1][1] + left)
    return [row for row in rows if row]


def boxes(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """A grid of boxes, each with a small label, often numbered, above what is filled in."""
    work = Sheetwork(painter, facts, chance)
    work.begin(centred=True, logo=False)
    work.parties(facts.parties, framed=True)
    numbered, small = chance.random() < 0.7, painter.style.size - 2.5
    width = painter.x1 - painter.x0
    number = chance.choice((1, 1, 1, 10))
    for row in _rows(facts.entries, chance):
        heights, labels = [], []
        for entry, parts in row:
            label = f"{number}. {work.label(entry.label)}" if numbered else work.label(entry.label)
            number += 1
            inner = width * parts / 12 - 8
            lines = max(1, len(work.lines_of(entry, inner)))
            labels.append(label)
            heights.append(
                len(painter.wrap(label, inner, small)) * small * 1.35
                + lines * work.step(entry)
                + 8
                + work.air
            )
        painter.room(max(heights))
        x = painter.x0
        for (entry, parts), label in zip(row, labels, strict=True):
            wide = width * parts / 12
            painter.box(x, painter.y, wide, max(heights))
            y = painter.block(x + 4, painter.y + 2, wide - 8, [label], small, color="#333333")
            work.fill(x + 4, y + 2, wide - 8, entry)
            x += wide
        painter.y += max(heights)
    painter.y += painter.leading * 0.8
    work.rest()


def dotted(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Labels with lines to write on."""
    work = Sheetwork(painter, facts, chance)
    work.begin(centred=chance.random() < 0.5)
    work.parties(facts.parties)
    dash = chance.random() < 0.7
    for entry in facts.entries:
        label = work.label(entry.label) + ("" if entry.label.endswith((":", "?", ".")) else ":")
        head = painter.wrap(label, (painter.x1 - painter.x0) * 0.45, painter.style.size)
        x = painter.x0 + max(painter.measure(line, painter.style.size) for line in head) + 8
        lines = max(1, len(work.lines_of(entry, painter.x1 - x)))
        step = max(work.step(entry), painter.leading * 1.1)
        painter.room(max(lines * step, len(head) * painter.leading) + 6)
        below = painter.block(painter.x0, painter.y, x - painter.x0, head)
        bottom = work.fill(x, painter.y - (1.5 if entry.hand else 0), painter.x1 - x, entry)
        for line in range(lines):
            y = painter.y + painter.style.size * 1.15 + line * work.step(entry)
            painter.rule(y, x, painter.x1, dash=dash)
        painter.y = max(below, bottom, painter.y + step) + 4 + work.air
    painter.y += painter.leading * 0.5
    work.rest()


def label_above(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Columns of labels with their values in a field below."""
    work = Sheetwork(painter, facts, chance)
    work.begin()
    work.parties(facts.parties)
    columns = chance.choice((2, 2, 3))
    field = chance.choice(("box", "line", "none"))
    gap = 14
    wide = (painter.x1 - painter.x0 + gap) / columns - gap
    small = painter.style.size - 1.5
    for index in range(0, len(facts.entries), columns):
        group = facts.entries[index : index + columns]
        heads = max(len(painter.wrap(work.label(entry.label), wide, small)) for entry in group) * small * 1.35
        tall = max(max(1, len(work.lines_of(entry, wide - 8))) * work.step(entry) for entry in group) + 5
        painter.room(heads + tall + 8)
        for column, entry in enumerate(group):
            x = painter.x0 + column * (wide + gap)
            painter.block(x, painter.y, wide, [work.label(entry.label)], small, color="#444444")
            if field == "box":
                painter.box(x, painter.y + heads, wide, tall)
            elif field == "line":
                painter.rule(painter.y + heads + tall, x, x + wide)
            work.fill(x + 4, painter.y + heads + 3, wide - 8, entry, bold=field == "none")
        painter.y += heads + tall + 8 + work.air
    painter.y += painter.leading * 0.5
    work.rest()


def label_below(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Values on lines with small captions under them, as where one signs."""
    work = Sheetwork(painter, facts, chance)
    work.begin(centred=chance.random() < 0.4)
    work.parties(facts.parties)
    small = painter.style.size - 2.5
    brackets = chance.random() < 0.3
    for row in _rows(facts.entries, chance):
        wide = [(painter.x1 - painter.x0) * parts / 12 - 12 for _, parts in row]
        captions = [
            f"({work.label(entry.label)})" if brackets else work.label(entry.label) for entry, _ in row
        ]
        tall = max(
            max(1, len(work.lines_of(entry, w))) * work.step(entry)
            for (entry, _), w in zip(row, wide, strict=True)
        )
        low = (
            max(len(painter.wrap(text, w, small)) for text, w in zip(captions, wide, strict=True))
            * small
            * 1.35
        )
        painter.room(tall + low + 8)
        x = painter.x0
        for (entry, parts), text, width in zip(row, captions, wide, strict=True):
            lines = max(1, len(work.lines_of(entry, width)))
            work.fill(x + 3, painter.y + tall - lines * work.step(entry), width - 3, entry)
            painter.rule(painter.y + tall, x, x + width)
            painter.block(x, painter.y + tall + 2, width, [text], small, color="#333333")
            x += (painter.x1 - painter.x0) * parts / 12
        painter.y += tall + low + 8 + work.air
    painter.y += painter.leading * 0.5
    work.rest()


def beside(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Labels in one column, values in the next."""
    work = Sheetwork(painter, facts, chance)
    work.begin()
    work.parties(facts.parties)
    share = chance.uniform(0.3, 0.45)
    colon, striped = chance.choice((":", "", " :")), chance.random() < 0.3
    edge = painter.x0 + (painter.x1 - painter.x0) * share
    for number, entry in enumerate(facts.entries):
        label = work.label(entry.label) + colon
        head = painter.wrap(label, edge - painter.x0 - 12, painter.style.size)
        lines = max(1, len(work.lines_of(entry, painter.x1 - edge)))
        height = max(len(head) * painter.leading, lines * work.step(entry)) + 3
        painter.room(height)
        if striped and number % 2:
            painter.box(
                painter.x0 - 3, painter.y - 1, painter.x1 - painter.x0 + 6, height, "#eef1f4", stroke=False
            )
        painter.block(painter.x0, painter.y, edge - painter.x0 - 12, head)
        work.fill(edge, painter.y, painter.x1 - edge, entry)
        painter.y += height + (0 if striped else work.air)
    painter.y += painter.leading * 0.6
    work.rest()


def two_columns(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Labelled values in two columns that are read one after the other."""
    work = Sheetwork(painter, facts, chance)
    work.begin()
    work.parties(facts.parties)
    gap = 22
    wide = (painter.x1 - painter.x0 - gap) / 2
    inline = chance.random() < 0.5
    half = (len(facts.entries) + 1) // 2
    top, lowest = painter.y, painter.y
    for column, entries in enumerate((facts.entries[:half], facts.entries[half:])):
        x, y = painter.x0 + column * (wide + gap), top
        for entry in entries:
            label = work.label(entry.label)
            share = wide * 0.46 if inline else 0
            head = painter.wrap(label, (share or wide) - 8, painter.style.size - 1)
            below = painter.block(x, y, (share or wide) - 8, head, painter.style.size - 1, color="#333333")
            bottom = work.fill(x + share, y if inline else below, wide - share, entry, bold=not inline)
            y = max(below, bottom) + 4 + work.air
        lowest = max(lowest, y)
    painter.y = lowest + painter.leading * 0.5
    work.rest()


FORM_LAYOUTS = {
    "boxes": boxes,
    "dotted": dotted,
    "label_above": label_above,
    "label_below": label_below,
    "beside": beside,
    "two_columns": two_columns,
}
