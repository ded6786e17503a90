"""What the layouts of forms and letters share: heads, values as they are filled in, choices, signatures, stamps."""

from __future__ import annotations

import random
from collections.abc import Sequence

from extractors.training.synthesis.blocks import page_numbers
from extractors.training.synthesis.facts import Align, Check, Entry, Facts, Party, Stamp
from extractors.training.synthesis.marks import TICKS, stamp_size
from extractors.training.synthesis.paint import PENS, Painter
from extractors.training.synthesis.tables import RULES, draw_table


class Sheetwork:
    """One document in the making: its painter, its facts, its chance, and what was decided once for all pages."""

    def __init__(self, painter: Painter, facts: Facts, chance: random.Random) -> None:
        self.painter, self.facts, self.chance = painter, facts, chance
        self.mark = chance.choice(TICKS)
        self.shout = chance.random() < 0.2  # labels in capitals
        self.rules = chance.choice(RULES)
        self.air = chance.choice((0.0, 0.0, chance.uniform(2, 14)))  # more between the rows of a form
        self.box_after = chance.random() < 0.2
        self.late: list[Stamp] = []
        self._at_top: list[Stamp] = []
        self.hand_leading = painter.style.size * (1.7 if painter.style.hand in PENS else 1.45)

    def label(self, text: str) -> str:
        """As this document writes labels."""
        return text.upper() if self.shout else text

    def begin(self, centred: bool = False, logo: bool = True) -> None:
        """Stamps for the eye beneath everything, then letter head and title, beside them stamps to be read."""
        painter, facts, chance = self.painter, self.facts, self.chance
        page_numbers(painter, facts, chance)
        for stamp in facts.stamps:
            if stamp.pixels:
                width, height = stamp_size(stamp, 18)
                x = chance.uniform(
                    painter.x0 + width / 2, max(painter.x0 + width / 2, painter.x1 - width / 2)
                )
                painter.stamp(stamp, x, chance.uniform(0.25, 0.7) * painter.style.height + height / 2, 18)
            elif chance.random() < 0.65 or any(one.pixels for one in facts.stamps):
                self._at_top.append(stamp)
            else:
                self.late.append(stamp)
        top = painter.y
        zone = max((stamp_size(stamp)[0] for stamp in self._at_top), default=0.0)
        below = top
        for stamp in self._at_top:
            width, height = stamp_size(stamp)
            painter.stamp(stamp, painter.x1 - width / 2, below + height / 2)
            below += height + 4
        room = painter.x1 - painter.x0 - (zone + 14 if zone else 0)
        if logo and chance.random() < 0.5:
            painter.logo(painter.x0, painter.y, chance)
            painter.y += 34
        align: Align = "center" if centred and not zone else "left"
        issuer = [facts.issuer.name, *facts.issuer.lines]
        painter.y = painter.block(
            painter.x0, painter.y, room, issuer[:1], painter.style.size + 2, bold=True, align=align,
            color=painter.style.color,
        )  # fmt: skip
        painter.y = painter.block(
            painter.x0, painter.y, room, issuer[1:], painter.style.size - 1, align=align
        )
        painter.y += painter.leading * 0.6
        painter.y = painter.block(
            painter.x0, painter.y, room, [facts.title], painter.style.size + chance.choice((4, 5, 6)), bold=True,
            align=align,
        )  # fmt: skip
        painter.y = max(painter.y, below) + painter.leading * 0.6

    def parties(self, parties: Sequence[Party], framed: bool = False) -> None:
        """Names and addresses, two side by side."""
        painter = self.painter
        for index in range(0, len(parties), 2):
            pair = parties[index : index + 2]
            width = (painter.x1 - painter.x0) / len(pair)
            lines = max(
                2
                + sum(
                    len(painter.wrap(text, width - 16, painter.style.size)) for text in (one.name, *one.lines)
                )
                for one in pair
            )
            height = lines * painter.leading + 4
            painter.room(height)
            top, lowest = painter.y, painter.y
            for column, party in enumerate(pair):
                x = painter.x0 + column * width
                y = painter.block(
                    x + 5, top + 3, width - 16, [self.label(party.heading)], painter.style.size - 1.5
                )
                y = painter.block(x + 5, y, width - 16, [party.name], bold=True)
                lowest = max(lowest, painter.block(x + 5, y, width - 16, party.lines))
            if framed:
                for column in range(len(pair)):
                    painter.box(painter.x0 + column * width, top, width, lowest - top + 4)
            painter.y = lowest + (4 if framed else painter.leading * 0.7)

    def lines_of(self, entry: Entry, width: float) -> list[str]:
        """A value in lines of at most ``width``."""
        painter = self.painter
        if not entry.value:
            return []
        if not entry.hand:
            return painter.wrap(entry.value, width, painter.style.size)
        size = painter.style.size * PENS.get(painter.style.hand, 1.0)
        return painter.wrap(entry.value, width, size, font=painter.style.hand)

    def step(self, entry: Entry) -> float:
        """Between the lines of a value."""
        return self.hand_leading if entry.hand else self.painter.leading

    def fill(self, x: float, y: float, width: float, entry: Entry, bold: bool = False) -> float:
        """A value from ``y`` on, printed or by hand; the ``y`` below it."""
        painter = self.painter
        for line in self.lines_of(entry, width):
            if entry.hand:
                painter.write(x, y, line, painter.style.size, self.chance, width)
            else:
                painter.put(x, y, line, painter.style.size, bold=bold, width=width)
            y += self.step(entry)
        return y

    def check(self, check: Check) -> None:
        """Options side by side after the question where they fit, else one below the other."""
        painter = self.painter
        gap = painter.style.size * 2
        head = (
            painter.measure(check.label + "  ", painter.style.size, bold=True) + gap / 2
            if check.label
            else 0.0
        )
        wide = head + sum(
            painter.measure(text, painter.style.size) + painter.style.size + 8 + gap
            for text, _ in check.options
        )
        if wide > painter.x1 - painter.x0 or len(check.options) > 5:
            painter.check(check, self.chance)
            painter.y += 4
            return
        painter.room(painter.leading * 1.6)
        y = painter.y + 3
        painter.put(painter.x0, y - 1, check.label, painter.style.size, bold=True)
        x = painter.x0 + head
        for text, chosen in check.options:
            x = painter.option(x, y, text, chosen, check.style, self.mark, self.chance, self.box_after) + gap
        painter.y += painter.leading * 1.6

    def checks(self) -> None:
        """All choices."""
        for check in self.facts.checks:
            self.check(check)

    def heading(self, text: str) -> None:
        """Of a section."""
        painter = self.painter
        painter.room(painter.leading * 3)
        painter.y += painter.leading * 0.4
        painter.flow(text, painter.style.size + 1, bold=True, color=painter.style.color)
        painter.y += 2

    def paragraphs(self, indent: bool = False) -> None:
        """Running text; a short paragraph stays on one page, so that its values do too."""
        painter = self.painter
        for text in self.facts.prose:
            if text.startswith("# "):
                self.heading(text[2:])
                continue
            lines = painter.wrap(text, painter.x1 - painter.x0, painter.style.size)
            if len(lines) < 22:
                painter.room(len(lines) * painter.leading)
            painter.flow(text)
            painter.y += painter.leading * (0.5 if indent else 0.7)

    def rest(self) -> None:
        """What stands below labelled values: tables, sums, text, choices, signatures."""
        painter, facts = self.painter, self.facts
        for table in facts.tables:
            draw_table(painter, table, self.rules)
        for entry in facts.totals:
            painter.room(painter.leading * 1.2)
            size = painter.style.size
            painter.put(painter.x1 - 130, painter.y, entry.label, size, align="right", bold=True)
            painter.put(painter.x1 - 4, painter.y, entry.value, size, align="right", bold=True, width=118)
            painter.y += painter.leading * 1.2
        self.paragraphs()
        self.checks()
        self.end()

    def end(self) -> None:
        """Signatures two in a row, stamps that had no place above, small print."""
        painter, facts = self.painter, self.facts
        half = (painter.x1 - painter.x0) / 2
        for index in range(0, len(facts.signatures), 2):
            painter.room(70)
            top, lowest = painter.y, painter.y
            for column, signature in enumerate(facts.signatures[index : index + 2]):
                painter.y = top
                painter.sign(signature, painter.x0 + column * half, min(190, half - 20))
                lowest = max(lowest, painter.y)
            painter.y = lowest
        for stamp in self.late:
            painter.stamp(stamp)
        for text in facts.footer:
            painter.flow(text, painter.style.size - 2, color="#444444")
