"""Parts of business papers: letter heads, names with addresses, labelled values, sums, what stands at the end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from extractors.training.synthesis.facts import Align, Entry, Facts, Party
from extractors.training.synthesis.marks import stamp_size
from extractors.training.synthesis.paint import Painter
from extractors.training.synthesis.tables import RULES, Rules
from extractors.training.synthesis.terms import LANGUAGES, all_terms


@dataclass(frozen=True)
class Look:
    """What one document does alike everywhere. ``colon`` ends labels."""

    colon: str
    bold_labels: bool
    shout: bool
    rules: Rules


def choose_look(chance: random.Random) -> Look:
    """Draws one."""
    return Look(
        colon=chance.choice((":", ":", "", " :")),
        bold_labels=chance.random() < 0.4,
        shout=chance.random() < 0.15,
        rules=chance.choice(RULES),
    )


def label_of(look: Look, text: str) -> str:
    """A label as this document prints it."""
    if not text:
        return ""
    printed = text.upper() if look.shout else text
    return printed if printed.endswith((":", "?", "#")) else printed + look.colon


def page_numbers(painter: Painter, facts: Facts, chance: random.Random, repeat: str = "") -> None:
    """Numbers every page below or above its text; ``repeat`` is printed beside the number."""
    word = all_terms()["page_of"][LANGUAGES.index(facts.language)][0]
    form = chance.choice(("{word} {page} / ", "{word} {page} of ", "- {page} -", "{word}: {page}", ""))
    if facts.language != "en":
        form = form.replace(" of ", "/")
    align = chance.choice(("left", "right", "center"))
    size = 7.5
    if not form:
        return

    def draw() -> None:
        text = form.format(word=word, page=painter.pages)
        counted = text.endswith(("/ ", "of ", "/"))
        y = painter.style.height - painter.style.margin + 12
        wide = painter.measure(text, size) + (8 if counted else 0)
        x = {"left": painter.x0, "right": painter.x1 - wide, "center": (painter.x0 + painter.x1 - wide) / 2}[
            align
        ]
        painter.put(x, y, text.rstrip(), size)
        if counted:
            painter.page_count(x + painter.measure(text, size), y, size)
        if repeat and painter.pages > 1:
            painter.put(painter.x0 if align != "left" else painter.x1, y, repeat, size,
                align="left" if align != "left" else "right", width=(painter.x1 - painter.x0) / 3)  # fmt: skip

    painter.on_page = draw


def letter_head(painter: Painter, issuer: Party, chance: random.Random, title: str = "") -> None:
    """Name, address and the rest of the issuer, left, centred, or right; ``title`` opposite of it if given."""
    width = painter.x1 - painter.x0
    size, color = painter.style.size, painter.style.color
    big = size + chance.choice((2, 4, 7))
    where: Align = "left" if title else chance.choice(("left", "center", "right"))
    share = width * 0.56 if title else width
    x = painter.x0
    top = painter.y
    if where == "left" and chance.random() < 0.5:
        painter.logo(x, top, chance)
        x, share = x + 38, share - 38
    lines = issuer.lines
    if where == "center" and chance.random() < 0.5:
        lines = (chance.choice((" - ", ", ", " | ", " · ")).join(line.rstrip(",") for line in lines),)

    y = painter.block(x, top, share, [issuer.name], big, bold=True, align=where, color=color)
    y = painter.block(x, y + 1, share, lines, size - chance.choice((0, 0.5, 1)), align=where)
    if title:
        left = painter.x0 + width * 0.6
        y = max(
            y, painter.block(left, top, width * 0.4, [title], big + 2, bold=True, align="right", color=color)
        )
    painter.y = max(y, top + 30) + 6
    if chance.random() < 0.4:
        painter.rule(painter.y, painter.x0, painter.x1, 0.8)
        painter.y += 6
    painter.y += painter.leading * 0.5


def party_lines(party: Party) -> list[str]:
    """Name and address."""
    return [party.name, *party.lines]


def parties_beside(painter: Painter, parties: Sequence[Party], look: Look, boxed: bool) -> None:
    """Names with addresses in columns."""
    if not parties:
        return
    width = (painter.x1 - painter.x0) / max(2, len(parties))
    inner = width - 14
    heights = []
    for party in parties:
        lines = [label_of(look, party.heading), *party_lines(party)] if party.heading else party_lines(party)
        heights.append(sum(len(painter.wrap(line, inner, painter.style.size, True)) for line in lines))
    height = max(heights) * painter.leading + 6
    painter.room(height)
    for column, party in enumerate(parties):
        x = painter.x0 + column * width
        y = painter.y + 3
        left = x + (5 if boxed else 0)
        if party.heading:
            heading = [label_of(look, party.heading)]
            y = painter.block(
                left, y, inner, heading, painter.style.size - 0.5, bold=look.bold_labels, color="#333333"
            )
        y = painter.block(left, y, inner, [party.name], bold=not look.bold_labels)
        painter.block(left, y, inner, party.lines)
        if boxed:
            painter.box(x, painter.y, width - 4, height)
    painter.y += height + painter.leading * 0.7


def pairs_height(painter: Painter, entries: Sequence[Entry], span: tuple[float, float]) -> float:
    """What `pairs` takes, in points, at most."""
    half = (span[1] - span[0]) * 0.45
    return sum(
        max(
            len(painter.wrap(entry.label + " :", half, painter.style.size, True)),
            len(painter.wrap(entry.value, half, painter.style.size)),
        )
        * painter.leading
        + 1
        for entry in entries
    )


def pairs(
    painter: Painter, entries: Sequence[Entry], span: tuple[float, float], look: Look, right: bool = False
) -> float:
    """Labels with their values right of them, without a page break; the ``y`` below.

    Args:
        painter: draws from its cursor on, which stays.
        entries: labels and values.
        span: left and right edge, in points.
        look: of the labels.
        right: values end at the right edge, else they begin below one another.
    """
    width = span[1] - span[0]
    size, y = painter.style.size, painter.y
    labels = [label_of(look, entry.label) for entry in entries]
    widest = max((painter.measure(label, size, look.bold_labels) for label in labels), default=0.0)
    column = min(widest + 1, width * 0.5)
    if widest > column and look.colon == " :":  # or it would stand alone on the next line
        labels = [label.replace(" :", ":") for label in labels]
    for label, entry in zip(labels, entries, strict=True):
        left = painter.block(span[0], y, column, [label], bold=look.bold_labels) if label else y
        room = width - column - 8
        if entry.hand and entry.value:
            painter.write(span[0] + column + 8, y, entry.value, size, random.Random(len(entry.value)), room)
            below = y + painter.leading
        else:
            below = painter.block(
                span[0] + column + 8, y, room, [entry.value], align="right" if right else "left",
                bold=not look.bold_labels and right,
            )  # fmt: skip
        y = max(left, below) + 1
    return y


def pairs_grid(painter: Painter, entries: Sequence[Entry], look: Look, columns: int, boxed: bool) -> None:
    """Small labels above their values, side by side, with or without boxes."""
    size = painter.style.size
    width = (painter.x1 - painter.x0) / columns
    for start in range(0, len(entries), columns):
        row = entries[start : start + columns]
        heads = [
            painter.wrap(label_of(look, entry.label), width - 8, size - 1.5, look.bold_labels)
            for entry in row
        ]
        values = [painter.wrap(entry.value, width - 8, size, not look.bold_labels) for entry in row]
        deepest = max(map(len, heads)) * (size - 1.5) * 1.35
        height = deepest + max(map(len, values)) * painter.leading + 5
        painter.room(height)
        for column, (head, value) in enumerate(zip(heads, values, strict=True)):
            x = painter.x0 + column * width
            painter.block(
                x + 4, painter.y + 2, width - 8, head, size - 1.5, bold=look.bold_labels, color="#333333"
            )
            painter.block(x + 4, painter.y + 2 + deepest, width - 8, value, bold=not look.bold_labels)
            if boxed:
                painter.box(x, painter.y, width, height)
        painter.y += height
    painter.y += painter.leading * 0.7


def pairs_columns(painter: Painter, entries: Sequence[Entry], look: Look, columns: int) -> None:
    """Labels with values right of them, in columns that are read from the top."""
    share = (len(entries) + columns - 1) // columns
    groups = [entries[at : at + share] for at in range(0, len(entries), share)]
    width = (painter.x1 - painter.x0) / columns
    spans = [(painter.x0 + at * width, painter.x0 + (at + 1) * width - 12) for at in range(columns)]
    painter.room(max((pairs_height(painter, g, s) for g, s in zip(groups, spans, strict=False)), default=0))
    painter.y = max(
        (pairs(painter, group, span, look) for group, span in zip(groups, spans, strict=False)),
        default=painter.y,
    )
    painter.y += painter.leading * 0.7


def sums(
    painter: Painter, totals: Sequence[Entry], look: Look, chance: random.Random, wide: float = 0.5
) -> None:
    """Labelled sums at the right, what is strong set off, else the last one."""
    if not totals:
        return
    left = painter.x1 - (painter.x1 - painter.x0) * wide
    size = painter.style.size
    style = chance.choice(("rule", "box", "bold", "grid"))
    strong = [entry.strong for entry in totals]
    for index, entry in enumerate(totals):
        last = strong[index] if any(strong) else index == len(totals) - 1
        label = painter.wrap(label_of(look, entry.label), (painter.x1 - left) * 0.62, size, last)
        height = len(label) * painter.leading + 3
        painter.room(height)
        if last and style == "rule":
            painter.rule(painter.y, left, painter.x1, 0.8)
        if (last and style == "box") or style == "grid":
            painter.box(left, painter.y, painter.x1 - left, height)
        painter.block(left + 4, painter.y + 2, (painter.x1 - left) * 0.62, label, bold=last)
        painter.put(painter.x1 - 4, painter.y + 2, entry.value, size, bold=last, align="right",
            width=(painter.x1 - left) * 0.34)  # fmt: skip
        painter.y += height
    painter.y += painter.leading * 0.8


def closing(painter: Painter, facts: Facts, chance: random.Random) -> None:
    """Notes, boxes, signatures, stamps and small print."""
    for text in facts.prose:
        painter.flow(text)
        painter.y += painter.leading * 0.3
    for check in facts.checks:
        painter.y += 3
        painter.check(check, chance)
    half = (painter.x1 - painter.x0) / 2
    for start in range(0, len(facts.signatures), 2):
        painter.room(72)
        top = painter.y
        lowest = top
        for column, signature in enumerate(facts.signatures[start : start + 2]):
            painter.y = top
            painter.sign(signature, painter.x0 + column * half, min(190.0, half - 16))
            lowest = max(lowest, painter.y)
        painter.y = lowest
    for stamp in facts.stamps:
        width, _ = stamp_size(stamp, 17)
        if stamp.pixels and chance.random() < 0.7:  # anywhere on the last page, over text as people stamp
            x = chance.uniform(painter.x0 + width / 2, max(painter.x0 + width / 2, painter.x1 - width / 2))
            painter.stamp(stamp, x, chance.uniform(0.3, 0.75) * painter.style.height, 17)
        else:
            painter.stamp(stamp)
    foot(painter, facts.footer, chance)


def foot(painter: Painter, lines: Sequence[str], chance: random.Random) -> None:
    """Small print at the bottom of the page, in columns or lines."""
    if not lines:
        return
    size = 7.0
    columns = min(len(lines), 3) if chance.random() < 0.5 else 1
    width = (painter.x1 - painter.x0) / columns
    wrapped = [painter.wrap(line, width - 10, size) for line in lines]
    rows = [wrapped[at : at + columns] for at in range(0, len(wrapped), columns)]
    height = sum(max(map(len, row)) for row in rows) * size * 1.35 + 8
    painter.room(height)
    painter.y = max(painter.y, painter.style.height - painter.style.margin - height)
    painter.rule(painter.y, painter.x0, painter.x1, 0.4)
    painter.y += 4
    for row in rows:
        for column, cell in enumerate(row):
            painter.block(painter.x0 + column * width, painter.y, width - 10, cell, size)
        painter.y += max(map(len, row)) * size * 1.35
