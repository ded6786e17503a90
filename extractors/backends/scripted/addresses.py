"""Postal addresses: blocks of lines behind a label or below a name."""

from __future__ import annotations

from extractors.backends.scripted.heads import BETWEEN, first_place
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.letterhead import (
    LETTER,
    is_call,
    is_called,
    is_place,
    is_registration,
    is_town,
    names_street,
)
from extractors.backends.scripted.scene import ID, Match, Scene, fits
from extractors.backends.scripted.sheet import Line, Piece, join
from schemas.tree import Kind

_LINES = 6
_LOOKED_AT = 12
_ENDS = ("phone", "mail", "tax", "date", "doc", "iban", "bank", "amount", "order")

Cells = list[tuple[Line, int, int]]


def fill_addresses(goals: list[Goal], chosen: dict[str, Match], scene: Scene) -> None:
    """An address goes on over several lines; one without a label stands below its name."""
    for goal in goals:
        if goal.kind is not Kind.TEXT or not goal.means("address"):
            continue
        own = chosen.get(goal.path)
        if own is not None:
            lines = _labelled(scene, own.piece)
            if lines:
                chosen[goal.path] = Match(goal, join(lines), own.score)
            else:  # a telephone number, say, behind the label
                del chosen[goal.path]
            continue
        names = [m for m in chosen.values() if _names_same_party(m.goal, goal)]
        if names:
            lines = _below(scene, names[0].piece)
            if not any(is_place(_text(entry)) for entry in lines) and not goal.means("buyer", "delivery"):
                lines = _at_head(scene) or lines
            found = fits(goal, join(lines)) if lines else None
            if found is not None:
                chosen[goal.path] = Match(goal, found, min(names[0].score, 0.55))


def _names_same_party(name: Goal, address: Goal) -> bool:
    if name.kind is not Kind.TEXT or name.means("address", *ID) or not name.means("name", "seller", "buyer"):
        return False
    return name.means("buyer") == address.means("buyer")


def _text(entry: tuple[Line, int, int]) -> str:
    line, start, end = entry
    return " ".join(t.text for t in line.tokens[start:end])


def _labelled(scene: Scene, first: Piece) -> Cells:
    """The block that begins behind a label, inside its line."""
    line = scene.lines[first.line]
    end = _end(line, first.start, line.cell_end(first.start))
    if end == first.start:
        return []
    return [(line, first.start, end), *_go_on(scene, line, first.x0, first.x0)]


def _below(scene: Scene, name: Piece) -> Cells:
    """The block under a name, without a second name, registrations and telephone numbers around it."""
    last = name.line
    while last + 1 < len(scene.lines) and any(
        t.word is w for t in scene.lines[last + 1].tokens for _, w in name.words
    ):
        last += 1
    behind = _behind(scene.lines[last], name.end) if last == name.line else []
    if behind:
        return behind
    skipped = 0
    for line in scene.lines[last + 1 : last + 1 + _LOOKED_AT]:
        cell = _near(line, name.x0, max(w.box.x1 for _, w in name.words))
        if line.page != scene.lines[last].page or skipped > 5:
            break
        if cell is None:
            continue
        text = _text((line, *cell))
        if is_registration(text) or is_call(text) or _end(line, *cell) == cell[0]:
            skipped += 1
            continue
        x0, x1 = line.tokens[cell[0]].word.box.x0, line.tokens[cell[1] - 1].word.box.x1
        found = _trim([(line, cell[0], _end(line, *cell)), *_go_on(scene, line, x0, x1)])
        if found:
            return found
        skipped += 1
    return []


def _behind(line: Line, end: int) -> Cells:
    """An address that goes on in the line of the name, behind a dot or dash."""
    rest = _text((line, end + 1, len(line.tokens)))
    if end + 1 < len(line.tokens) and line.tokens[end].text in BETWEEN and is_place(rest):
        return [(line, end + 1, _end(line, end + 1, len(line.tokens)))]
    return []


def _at_head(scene: Scene) -> Cells:
    """The first block at the head that tells a place."""
    line = first_place(scene)
    if line is None:
        return []
    cell = next((c for c in line.cells if is_place(_text((line, *c)))), None)
    if cell is None or _end(line, *cell) == cell[0]:
        return []
    x0, x1 = line.tokens[cell[0]].word.box.x0, line.tokens[cell[1] - 1].word.box.x1
    return _trim([(line, cell[0], _end(line, *cell)), *_go_on(scene, line, x0, x1)])


def _go_on(scene: Scene, first: Line, x0: float, x1: float) -> Cells:
    """The lines under the first one of an address that go on with it."""
    found: Cells = []
    above = first
    alone, town = not _labels_beside(first, x0, x1), is_town(first.text)
    for line in scene.lines[first.index + 1 : first.index + 2 * _LINES]:
        if line.page != above.page or line.top - above.bottom > 1.5 * line.height or len(found) >= _LINES - 1:
            break
        cell = _near(line, x0, x1)
        if cell is None:
            continue
        text = _text((line, *cell))
        end = _end(line, *cell)
        if end == cell[0] or is_registration(text) or is_call(text):
            break
        if alone and town and _labels_beside(line, x0, x1):  # ``CARRY OUT     Pay by: CASH``
            break
        town = town or is_town(text)
        found.append((line, cell[0], end))
        above = line
        if end < cell[1]:
            break
    return found


def _labels_beside(line: Line, x0: float, x1: float) -> bool:
    """Whether another cell of the line has a label: the line belongs to a form, or to a second column."""
    cell = _near(line, x0, x1)
    return any(t.ends_label for i, t in enumerate(line.tokens) if cell is None or not cell[0] <= i < cell[1])


def _end(line: Line, start: int, end: int) -> int:
    """Where the address ends inside a cell: at a label, a telephone or tax number; at once when it begins with one."""
    if is_place(_text((line, start, end))) and line.tokens[start].concepts == {"number"}:
        start += 1  # "No: 12, Main Street"
    for i in range(start, end):
        token = line.tokens[i]
        numbered = any(c.isdigit() for t in line.tokens[i : i + 3] for c in t.text)
        if (numbered and token.concepts & {"phone", "mail"}) or is_called(token.text) or "@" in token.text:
            return i
        if token.ends_label or (i < start + 2 and token.concepts.intersection(_ENDS)):
            return start
        if numbered and "tax" in token.concepts:
            return i
    return end


def _trim(lines: Cells) -> Cells:
    """From the street on (without a second name before it), and without telephone numbers at the end."""
    texts = [_text(entry) for entry in lines]
    street = next((i for i, text in enumerate(texts) if is_place(text)), None)
    if street is None:
        street = next((i for i, text in enumerate(texts) if any(c.isdigit() for c in text)), None)
    if street is None:
        return []
    while street and (texts[street - 1].endswith(",") or names_street(texts[street - 1])):
        street -= 1
    kept = lines[street:]
    while kept and not LETTER.search(_text(kept[-1])):
        kept.pop()
    return kept


def _near(line: Line, x0: float, x1: float) -> tuple[int, int] | None:
    """The cell that stands under the extent of a name: begins where it does, or is centred below it."""
    for start, end in line.cells:
        left, right = line.tokens[start].word.box.x0, line.tokens[end - 1].word.box.x1
        if abs(left - x0) < 4 * line.height or (left <= x1 and x0 <= right):
            return start, end
    return None
