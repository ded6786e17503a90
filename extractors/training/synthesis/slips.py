"""Layouts of till receipts: narrow, as long as their text, parts separated by dashes, stars, or space."""

from __future__ import annotations

import random
from collections.abc import Callable

from extractors.training.synthesis.blocks import choose_look, label_of
from extractors.training.synthesis.facts import Align, Entry, Facts, Party, Table
from extractors.training.synthesis.paint import Painter
from extractors.training.synthesis.tables import Rules, draw_table

PAPERS = (164.0, 200.0, 215.0, 226.0, 226.0, 255.0)  # points: rolls of 58 to 90 mm


class _Slip:
    def __init__(self, painter: Painter, chance: random.Random) -> None:
        self.painter, self.chance = painter, chance
        self.look = choose_look(chance)
        self.mark = chance.choice(("-", "=", "*", "rule", "dash", ""))

    def separator(self) -> None:
        """Between parts."""
        painter, size = self.painter, self.painter.style.size
        if self.mark in ("rule", "dash"):
            painter.rule(painter.y + 3, painter.x0, painter.x1, dash=self.mark == "dash")
        elif self.mark:
            count = int((painter.x1 - painter.x0) / painter.measure(self.mark, size))
            painter.put(painter.x0, painter.y, self.mark * count, size)
        painter.y += painter.leading * (0.8 if self.mark != "" else 0.5)

    def head(self, issuer: Party) -> None:
        """Who sold, with all that stands below the name."""
        painter, chance = self.painter, self.chance
        align: Align = chance.choice(("center", "center", "center", "left"))
        size = painter.style.size + chance.choice((0, 2, 4))
        painter.flow(issuer.name, size, bold=True, align=align)
        for line in issuer.lines:
            painter.flow(line, align=align)
        painter.y += painter.leading * 0.3

    def beside(self, left: str, right: str, bold: bool = False, size: float = 0) -> None:
        """Text at both edges, on two lines if it does not fit on one."""
        painter, size = self.painter, size or self.painter.style.size
        width = painter.x1 - painter.x0
        room = width - painter.measure(right, size, bold) - 8
        if room < width * 0.3:
            painter.flow(left, size, bold=bold)
            painter.flow(right, size, bold=bold, align="right")
            return
        lines = painter.wrap(left, room, size, bold)
        painter.room(len(lines) * size * 1.35)
        painter.put(painter.x1, painter.y, right, size, bold=bold, align="right")
        painter.y = painter.block(painter.x0, painter.y, room, lines, size, bold=bold)

    def entries(self, entries: list[Entry]) -> None:
        """Labelled values: one to a line, or two where both fit."""
        painter, size = self.painter, self.painter.style.size
        pairs, edges = self.chance.random() < 0.4, self.chance.random() < 0.25
        texts = [f"{label_of(self.look, e.label)} {e.value}".strip() for e in entries]
        at = 0
        while at < len(entries):
            following = texts[at + 1] if pairs and at + 1 < len(texts) else ""
            both = painter.measure(texts[at] + "  " + following, size)
            if following and both < painter.x1 - painter.x0:
                self.beside(texts[at], following)
                at += 2
                continue
            if edges and entries[at].label:
                self.beside(label_of(self.look, entries[at].label), entries[at].value)
            else:
                painter.flow(texts[at])
            at += 1

    def totals(self, totals: list[Entry]) -> None:
        """Sums at the right edge, the one that counts larger."""
        large = self.chance.choice((0, 1, 3))
        indent = self.chance.random() < 0.25
        x0, width = self.painter.x0, self.painter.x1 - self.painter.x0
        size = self.painter.style.size + large
        widest = max(
            (self.painter.measure(f"{e.label}: {e.value}", size, bold=True) for e in totals), default=0.0
        )
        if widest > width * (0.7 if indent else 0.95):  # long words stand on one line instead
            large, indent = 0, False
        if indent:
            self.painter.x0 += width * 0.25
        for entry in totals:
            size = self.painter.style.size + (large if entry.strong else 0)
            self.beside(label_of(self.look, entry.label), entry.value, bold=entry.strong, size=size)
        self.painter.x0 = x0

    def items(self, table: Table) -> None:
        """Rows on two lines: what it is, then how much of it."""
        painter, times = self.painter, self.chance.choice((" x ", " @ ", " X ", "  "))
        below = self.chance.random() < 0.3  # the description under the figures
        for cells in table.rows:
            if len(cells) == 1:
                painter.flow(cells[0])
                continue
            words = " ".join(c for c, a in zip(cells, table.aligns, strict=True) if c and a == "left")
            figures = [c for c, a in zip(cells, table.aligns, strict=True) if c and a != "left"]
            if not figures:
                painter.flow(words)
                continue
            if not below:
                painter.flow(words)
            self.beside("  " + times.join(figures[:-1]), figures[-1])
            if below:
                painter.flow(words)

    def small_print(self, facts: Facts) -> None:
        """Notes in the middle, then stamps."""
        for line in (*facts.prose, *facts.footer):
            self.painter.flow(line, align="center")
        for stamp in facts.stamps:
            self.painter.y += 4
            self.painter.stamp(stamp, size=11)


def _slip(
    painter: Painter, facts: Facts, chance: random.Random, rows: Callable[[_Slip, Table], None]
) -> None:
    slip = _Slip(painter, chance)
    slip.head(facts.issuer)
    for party in facts.parties:
        slip.painter.flow(f"{label_of(slip.look, party.heading)} {party.name}".strip())
        for line in party.lines:
            slip.painter.flow(line)
    if facts.title:
        painter.flow(facts.title, bold=True, align="center")
    slip.separator()
    early = chance.random() < 0.85
    if early:
        slip.entries(facts.entries)
        slip.separator()
    for table in facts.tables[:1]:
        rows(slip, table)
        slip.separator()
    slip.totals(facts.totals)
    slip.separator()
    for table in facts.tables[1:]:
        draw_table(painter, table, "plain", painter.style.size - 0.5)
    if not early:
        slip.entries(facts.entries)
    slip.small_print(facts)


def slip_columns(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Items in columns."""
    rules: Rules = chance.choice(("plain", "plain", "head"))
    _slip(painter, facts, chance, lambda slip, table: draw_table(slip.painter, table, rules))


def slip_lines(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Items on two lines each."""
    _slip(painter, facts, chance, _Slip.items)


SLIP_LAYOUTS = {"slip_columns": slip_columns, "slip_lines": slip_lines}
