"""Who writes to whom where no label says so: the window of a letter, the sender's line over it, blocks of addresses.

A letter has the sender's name and address in one small line, and right under it whom it goes to. Without such a line a
block of lines that ends in a town is an address, and the one that is not the sender's is whom it goes to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.letterhead import (
    LETTER,
    ends_legal,
    is_call,
    is_place,
    is_registration,
    is_town,
    names_street,
)  # fmt: skip
from extractors.backends.scripted.scene import Match, Scene, fits
from extractors.backends.scripted.sheet import Line, Piece, piece
from extractors.validation.text import text_key

_HEAD_LINES = 45
_SEPARATORS = re.compile(r"[·•∙●|*–—‧・]+|-")
_UNDER = 3.6
"""The window begins so many heights under the sender's line at most."""
_UNDER_POINTS = 42.0
_OUT, _IN = 45.0, 30.0
"""It begins so far to the left or right of it at most."""
_ALIGNED = 12.0
_LEADING = 2.1
"""Lines of a block stand so many heights apart at most, from top to bottom of the next."""
_MOST, _LEAST = 8, 3
_OWN_LINES = 3
_SENDER, _WINDOW, _BLOCK = 0.74, 0.74, 0.5
_TITLED = re.compile(
    r"^\W*(?:herrn?|frau|firma|fa\.|an|mr|mrs|ms"
    r"|monsieur|madame|mme|m\.|sig\.?(?:ra)?|sr\.?a?|to|à l'attention de)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one address: the cell of each, from the name on."""

    cells: tuple[tuple[Line, int, int], ...]

    @property
    def name(self) -> Piece:
        line, start, end = self.cells[0]
        return piece(line, start, end)

    @property
    def key(self) -> str:
        return text_key(self.name.raw)


def written_by(goal: Goal, scene: Scene) -> Iterator[Match]:
    """The seller, by the sender's line."""
    for line, end in _sender_lines(scene):
        found = fits(goal, piece(line, 0, end))
        if found is not None:
            yield Match(goal, found, _SENDER - 0.002 * line.index)


def written_to(goal: Goal, scene: Scene) -> Iterator[Match]:
    """Whom a letter goes to: under the sender's line; else by the blocks that are not the sender's."""
    senders = _sender_lines(scene)
    keys = {text_key(" ".join(token.text for token in line.tokens[:end])) for line, end in senders}
    blocks = list(_blocks(scene, keys))
    for sender, _ in senders:
        under = _window(scene, sender)
        found = fits(goal, under) if under is not None else None
        if found is not None:
            yield Match(goal, found, _WINDOW - 0.002 * sender.index)
    # Without a sender's line the block at the head is the sender's own.
    others = blocks if senders else [block for block in blocks if block.cells[0][0].index > _OWN_LINES]
    if len(others) == 1:
        blocks = others
        found = fits(goal, blocks[0].name)
        if found is not None:
            yield Match(goal, found, _BLOCK)


def _sender_lines(scene: Scene) -> list[tuple[Line, int]]:
    """Lines of a name, a street and a town with signs between them, and where the name ends."""
    found = []
    for line in scene.lines[:_HEAD_LINES]:
        if line.page != scene.lines[0].page:
            break
        for i in range(1, min(len(line.tokens) - 1, 10)):
            if not _SEPARATORS.fullmatch(line.tokens[i].text):
                continue
            name = " ".join(token.text for token in line.tokens[:i])
            rest = " ".join(token.text for token in line.tokens[i + 1 :])
            parted = sum(bool(_SEPARATORS.fullmatch(token.text)) for token in line.tokens[i + 1 :])
            placed = any(is_town(part) or is_place(part) for part in _SEPARATORS.split(rest))
            if placed and (parted or is_town(rest)) and _is_name(name):
                found.append((line, i))
            break
    return found[:2]


def _is_name(text: str) -> bool:
    letters = len(LETTER.findall(text))
    digits = sum(char.isdigit() for char in text)
    return (
        letters >= 3 and digits <= 0.3 * letters and not is_call(text) and ":" not in text and "@" not in text
    )


def _blocks(scene: Scene, senders: set[str]) -> Iterator[Block]:
    """Blocks with a town in them, without labels, that are not a sender's."""
    taken: set[tuple[int, int]] = set()
    for line in scene.lines[:_HEAD_LINES]:
        if line.page != scene.lines[0].page:
            return
        for start, end in line.cells:
            if (line.index, start) in taken:
                continue
            cells = _stack(scene, line, start, end)
            taken |= {(one.index, first) for one, first, _ in cells}
            cells = _without_title(cells)
            texts = [" ".join(t.text for t in one.tokens[a:b]) for one, a, b in cells]
            towns = [at for at, text in enumerate(texts) if is_town(text) and not is_registration(text)]
            if len(cells) < _LEAST or not towns or not towns[0] + 1 >= 2 or not _is_name(texts[0]):
                continue
            if is_place(texts[0]) and not ends_legal(texts[0]):
                continue
            whole = any(is_place(text) or names_street(text) for text in texts[1 : towns[0]]) or towns[0] >= 2
            if whole and text_key(texts[0]) not in senders:
                yield Block(tuple(cells))


def _without_title(cells: list[tuple[Line, int, int]]) -> list[tuple[Line, int, int]]:
    """A block without the form of address over its name."""
    if cells:
        line, start, end = cells[0]
        if _TITLED.match(" ".join(token.text for token in line.tokens[start:end])):
            return cells[1:]
    return cells


def _stack(scene: Scene, line: Line, start: int, end: int) -> list[tuple[Line, int, int]]:
    """The cells that stand below one another from here on, up to a label or a gap."""
    cells: list[tuple[Line, int, int]] = []
    x0 = line.tokens[start].word.box.x0
    last = line
    for below in scene.lines[line.index : line.index + 3 * _MOST]:
        if (
            below.page != line.page
            or len(cells) >= _MOST
            or below.top - last.top > _LEADING * 1.4 * last.height
        ):
            break
        cell = next(
            ((a, b) for a, b in below.cells if abs(below.tokens[a].word.box.x0 - x0) <= _ALIGNED), None
        )
        if cell is None:
            continue
        tokens = below.tokens[cell[0] : cell[1]]
        if any(token.ends_label or token.text == ":" for token in tokens):
            break
        cells.append((below, *cell))
        last = below
    return cells


def _window(scene: Scene, sender: Line) -> Piece | None:
    """The first line of the window under a sender's line."""
    left = sender.tokens[0].word.box.x0
    for line in scene.lines[sender.index + 1 : sender.index + 1 + _MOST]:
        if line.page != sender.page or line.top - sender.top > max(_UNDER * sender.height, _UNDER_POINTS):
            return None
        for start, end in line.cells:
            x0 = line.tokens[start].word.box.x0
            text = " ".join(token.text for token in line.tokens[start:end])
            if not left - _OUT <= x0 <= left + _IN or _TITLED.match(text):
                continue
            placed = is_place(text) and not ends_legal(text)
            labels = any(token.ends_label for token in line.tokens[start:end])
            return piece(line, start, end) if _is_name(text) and not placed and not labels else None
    return None
