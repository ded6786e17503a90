"""Postal addresses: blocks of lines behind a label or below a name."""

from __future__ import annotations

import re

from extractors.backends.scripted.heads import BETWEEN, first_place
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.letterhead import (
    LEGAL_FORM,
    LETTER,
    is_call,
    is_called,
    is_place,
    is_registration,
    is_town,
    names_street,
    tells_kind,
    tells_time,
)
from extractors.backends.scripted.scene import ID, Match, Scene, fits
from extractors.backends.scripted.sheet import Line, Piece, join, piece
from extractors.validation.text import text_key
from schemas.tree import Kind

_LINES = 6
_LOOKED_AT = 12
_HEADED = 0.55
_COUNTRY = re.compile(r"[^\W\d_][^\W\d_.]*(?:[ -][^\W\d_.]+){0,2}\.?")
_BOX = re.compile(r"p\.? ?o\.? ?box\b", re.IGNORECASE)
_HEAD = 60
_PARTIES = frozenset(
    ["buyer", "delivery", "shipper", "consignee", "holder", "employee", "employer", "patient", "passenger",
     "insurer", "carrier"]
)  # fmt: skip
_OF_HEADINGS = frozenset({"address", "name", "until", "from", "seller"})
"""What else a heading over a block of an address may say: ``Ship to``, ``Consignee's name and address``."""
_ENDS = ("phone", "mail", "tax", "date", "doc", "iban", "bank", "amount", "order")

Cells = list[tuple[Line, int, int]]


def fill_addresses(goals: list[Goal], chosen: dict[str, Match], scene: Scene) -> None:
    """An address goes on over several lines; one without a label stands below its name, or below whose it is."""
    for goal in goals:
        if goal.kind is not Kind.TEXT or not goal.means("address"):
            continue
        own = chosen.pop(goal.path, None)
        labelled = _without_name(_labelled(scene, own.piece)) if own is not None else []
        labelled = _to_town(labelled) if _parties(goal) else labelled
        headed = [] if _tells_place(labelled) else _by_heading(goal, scene)
        if own is not None and labelled and not headed:
            chosen[goal.path] = Match(goal, join(labelled), own.score)
            continue
        lines = headed
        names = [m for m in chosen.values() if _names_same_party(m.goal, goal)]
        if not lines and names:
            lines = _under_name(scene, names[0].piece)
            if not _tells_place(lines) and not _parties(goal):
                lines = _at_head(scene) or lines
        found = fits(goal, join(lines)) if lines else None
        if found is not None:
            chosen[goal.path] = Match(goal, found, min(names[0].score if names else _HEADED, _HEADED))


def _parties(goal: Goal) -> frozenset[str]:
    """Whose a field is, by its name; nobody's and the seller's are the same."""
    return frozenset(party for party in _PARTIES if goal.means(party))


def _names_same_party(name: Goal, address: Goal) -> bool:
    if name.kind is not Kind.TEXT or name.means("address", *ID):
        return False
    parties = _parties(name)
    return bool(parties or name.means("name", "seller")) and parties == _parties(address)


def _by_heading(goal: Goal, scene: Scene) -> Cells:
    """The block under a heading that says whose it is: ``Deliver to``, over the name and the address."""
    wanted = _parties(goal)
    for index in sorted(scene.runs) if wanted else ():
        for run in scene.runs[index]:
            if not run.firm or not run.concepts & wanted or run.concepts - wanted - _OF_HEADINGS:
                continue
            limit = scene.limit(run)
            if any(token.text not in ":-" for token in run.line.tokens[run.end : limit]):
                start = run.end + (run.line.tokens[run.end].text == ":")
                lines: Cells = [(run.line, start, run.line.cell_end(start))]
                x0 = run.line.tokens[start].word.box.x0
                x1 = run.line.tokens[lines[0][2] - 1].word.box.x1
            else:
                lines, x0, x1 = [], run.x0, run.x1
            lines = _to_town(_trim([*lines, *_go_on(scene, run.line, x0, x1)]))
            if _tells_place(lines):
                return lines
    return []


def _under_name(scene: Scene, name: Piece) -> Cells:
    """The block under a name, where it is first printed with one."""
    lines = _below(scene, name)
    if _tells_place(lines):
        return lines
    key = text_key(name.raw)
    for line in scene.lines[:_HEAD]:
        for start, end in line.cells:
            if line.index != name.line and text_key(_text((line, start, end))) == key:
                again = _below(scene, piece(line, start, end))
                if _tells_place(again):
                    return again
    return lines


def _without_name(lines: Cells) -> Cells:
    """A block without the name over the street; the name of a house is of the address, and has a comma."""
    if len(lines) < 2 or is_place(_text(lines[0])) or _text(lines[0]).endswith(","):
        return lines
    later = any(is_place(_text(entry)) for entry in lines[1:3])
    return (_trim(lines) or lines) if later else lines


def _tells_place(lines: Cells) -> bool:
    return any(is_place(_text(entry)) for entry in lines)


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
        cell = _behind_label(line, *cell)
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


def _behind_label(line: Line, start: int, end: int) -> tuple[int, int]:
    """A cell without the ``ADD:`` or ``HQ Add.:`` that a place stands behind; the word labels much else."""
    for i in range(start, min(start + 2, end - 1)):
        if text_key(line.tokens[i].text) == "add" and line.tokens[i].ends_label:
            return (i + 1, end) if is_place(_text((line, i + 1, end))) else (start, end)
    return start, end


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
        if end == cell[0] or is_registration(text) or is_call(text) or _is_caption(scene, line, cell):
            break
        if alone and town and _labels_beside(line, x0, x1):  # ``CARRY OUT     Pay by: CASH``
            break
        town = town or is_town(text)
        found.append((line, cell[0], end))
        above = line
        if end < cell[1]:
            break
    return found


def _is_caption(scene: Scene, line: Line, cell: tuple[int, int]) -> bool:
    """Whether a cell is the label of a box in a form: numbered, in brackets, under its box, or over others."""
    if line.index in scene.captions or scene.heads_columns(line):
        return True
    text = _text((line, *cell))
    bracketed = text.startswith("(") and text.endswith(")") and _speaks((line, *cell))
    numbered = line.numbers_cell(cell[0]) and line.tokens[cell[0]].text.strip("().").isdigit()
    return numbered or bracketed


def _labels_beside(line: Line, x0: float, x1: float) -> bool:
    """Whether another cell of the line has a label: the line belongs to a form, or to a second column."""
    cell = _near(line, x0, x1)
    return any(t.ends_label for i, t in enumerate(line.tokens) if cell is None or not cell[0] <= i < cell[1])


def _end(line: Line, start: int, end: int) -> int:
    """Where the address ends inside a cell: at a label, a telephone or tax number; at once when it begins with one."""
    if is_place(_text((line, start, end))):
        start += _before_number(line, start, end)
    if _BOX.match(_text((line, start, min(start + 3, end)))):
        start = min(start + 2, end)  # "PO Box 2729", and no order
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


def _before_number(line: Line, start: int, end: int) -> int:
    """How many words go before the number of a house, though they look like a label: ``No:``, ``Lot No :``."""
    tokens = line.tokens[start : min(start + 3, end)]
    kind = len(tokens) > 1 and tokens[1].concepts == {"number"} and names_street(tokens[0].text)
    said = int(kind)
    for token in tokens[said:]:
        if token.concepts != {"number"} and not (said and token.text == ":"):
            break
        said += 1
    return said


def _trim(lines: Cells) -> Cells:
    """From the street on (without a second name before it), and without telephone numbers at the end."""
    texts = [_text(entry) for entry in lines]
    street = next((i for i, text in enumerate(texts) if is_place(text)), None)
    numbered = [i for i, text in enumerate(texts) if any(c.isdigit() for c in text) and not tells_time(text)]
    if street is None:
        street = next(iter(numbered), None)
    elif is_town(texts[street]) or _BOX.match(texts[street]):
        # The street over it is none by its words: "84 Glover Light", "Studio 4".
        street = next((i for i in numbered if i < street and _may_be_street(texts[i])), street)
    if street is None:
        return []
    while street and (texts[street - 1].endswith(",") or names_street(texts[street - 1])):
        street -= 1
    kept = lines[street:]
    while kept and not LETTER.search(_text(kept[-1])):
        kept.pop()
    return kept


def _may_be_street(text: str) -> bool:
    """Whether a line with a number in it, above a town, may be the street: no name, no telephone."""
    last = text.rsplit(maxsplit=1)[-1]
    named = tells_kind(last) or bool(LEGAL_FORM.search(text)) or text.casefold().startswith("c/o")
    return bool(LETTER.search(text)) and not (named or is_registration(text) or is_call(text))


def _to_town(lines: Cells) -> Cells:
    """A block up to the town with its code, and a country under it; what stands below is no address."""
    town = next((i for i in range(len(lines) - 1, -1, -1) if is_town(_text(lines[i]))), None)
    if town is None:
        return lines
    rest = lines[town + 1 : town + 2]
    country = [entry for entry in rest if _COUNTRY.fullmatch(_text(entry)) and not _speaks(entry)]
    return [*lines[: town + 1], *country]


def _speaks(entry: tuple[Line, int, int]) -> bool:
    line, start, end = entry
    return any(token.concepts for token in line.tokens[start:end])


def _near(line: Line, x0: float, x1: float) -> tuple[int, int] | None:
    """The cell that stands under the extent of a name: begins where it does, or is centred below it.

    A number beside it that stands apart (written by hand, of a form) is none where another cell has words.
    """
    near = []
    for start, end in line.cells:
        left, right = line.tokens[start].word.box.x0, line.tokens[end - 1].word.box.x1
        if abs(left - x0) < 4 * line.height or (left <= x1 and x0 <= right):
            near.append((start, end))
    return next((cell for cell in near if LETTER.search(_text((line, *cell)))), near[0] if near else None)
