"""The head of a receipt or letter: which of its lines is the seller's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise, zip_longest
from statistics import median

from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.letterhead import (
    LEGAL_FORM,
    LETTER,
    ends_legal,
    goes_on,
    is_call,
    is_place,
    is_registration,
    is_title,
    is_town,
    tells_kind,
)
from extractors.backends.scripted.scene import Match, Scene, fits
from extractors.backends.scripted.sheet import Line, Piece, join, other_print, piece
from schemas.tree import Kind

HEAD_LINES = 12
NAME_LINES = 4
_HEAD_GAP = 2.0
_BLOCK_GAP = 1.6
_OVER_ADDRESS = 0.12
_UNDER_ADDRESS = 0.1
_LEGAL, _KIND = 0.15, 0.12
_TALLER = 2.5
_MARK_LETTERS = 3
_APART = 2.5
_BRACKETED = re.compile(r"\s*[(<\[][^(<\[)>\]]*\d{4,}[^(<\[)>\]]*[)>\]].*$")
_COUNTER = re.compile(r"#\W*\d+")
_OWNED = re.compile(
    r"^\W*(?:(?:owne?d?|operated|managed|run) by|proprietor|dimiliki oleh|diurus oleh|inhaber(?:in)?"
    r"|betrieben (?:von|durch)|exploit[ée] par|gestito da|operado por)\b\W*",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\s+\W*[A-Z]{0,2}\d[\d-]{4,}\W*[A-Z]?\W*$")
_NO_NAME = re.compile(
    r"^\W*(?:thank ?(?:you|s)|tq(?: ?for)?|welcome|terima kasih|selamat datang|danke|merci|gracias|grazie"
    r"|obrigad[oa])\b"
    r"|[@]|www\.|https?:|^\W*\d[\d\W]*$|^\W*page\b|^\W*seite\b",
    re.IGNORECASE,
)
BETWEEN = frozenset("·•∙|-–—*")
_SENTENCE = re.compile(r"(?:[^\W\d_]{2,} ){3,}[^\W\d_]{3,}\.$")
_REGISTERED = 0.1
_OWN_NUMBER = 0.22
"""A company's form with its registration right behind, the first name at the head that tells what it is."""
_NUMBER_BEHIND = re.compile(r"\s{0,2}\((?:[A-Z]{1,5}[.:]? ?)?\d{5}[\d-]{0,20}[A-Z]?\)")
_OTHERS = frozenset(["buyer", "delivery", "consignee", "shipper", "holder"])
_LABEL_ABOVE, _PLACE_BELOW = 2, 3
_UNFINISHED = re.compile(r"(?:&|\band|\bund|\bet|-)$", re.IGNORECASE)


def head_names(goal: Goal, scene: Scene) -> Iterator[Match]:
    """Lines at the head that may be the seller's name; best the one with a legal form, right over its address."""
    place = first_place(scene)
    over = _over(scene, place) if place is not None else frozenset()
    told, shop = -1, False
    for line in scene.lines[:HEAD_LINES]:
        # The rest of a name is none, nor is the label of a box.
        if line.index <= told or (line.index, 0) in scene.numbered:
            continue
        found = _head_name(goal, line, scene)
        if found is None:
            continue
        whole, told = _with_rest(goal, line, found, scene)
        legal = _LEGAL if ends_legal(whole.raw) else _KIND if LEGAL_FORM.search(whole.raw) else 0.0
        stands = 0.0
        if place is not None:
            stands = _OVER_ADDRESS if line.index in over else -_UNDER_ADDRESS * (line.index >= place.index)
        if any(_registers(below.text) for below in scene.lines[told + 1 : told + 2]):
            stands += _REGISTERED
        if not shop and told == line.index and _is_registered(line, whole, scene):
            stands += _OWN_NUMBER
        shop = shop or bool(legal) or tells_kind(whole.raw.split()[-1])
        yield Match(goal, whole, 0.55 + legal + stands - 0.01 * line.index)


def _is_registered(line: Line, name: Piece, scene: Scene) -> bool:
    """Whether a company stands with its registration right behind, glued to it or not, as whose paper it is.

    Not as the owner of a shop, not as whom the paper goes to: behind a label for that, or over an address.
    """
    before = [*scene.lines[max(line.index - _LABEL_ABOVE, 0) : line.index], line]
    for one in before:
        if _OWNED.match(one.text) or any(t.concepts & _OTHERS for t in one.tokens[:3]):
            return False
    below = scene.lines[line.index + 1 : line.index + 1 + _PLACE_BELOW]
    if not ends_legal(name.raw) or any(is_place(one.text) and not _says_value(one) for one in below):
        return False
    at = line.text.find(name.raw)
    return at >= 0 and bool(_NUMBER_BEHIND.match(line.text, at + len(name.raw)))


def first_place(scene: Scene) -> Line | None:
    """The first line at the head that tells a town, or a street with another place under it; else any place."""
    places = [
        line
        for line in scene.lines[: HEAD_LINES + 2]
        if is_place(line.text) and not is_registration(line.text) and not _says_value(line)
    ]
    for line, below in zip_longest(places, places[1:]):
        if is_town(line.text):
            return line
        if below is not None and below.index - line.index <= 3 and below.top - line.bottom < 4 * line.height:
            return line
    return places[0] if places else None


def _registers(text: str) -> bool:
    """Whether the line under a name is its registration in brackets; other numbers say less."""
    return text.startswith("(") and is_registration(text)


def _says_value(line: Line) -> bool:
    """Whether a line tells the value of a label (``Order Lot: 12``) that no address has."""
    named = {"phone", "mail", "tax", "date", "doc", "order", "quantity", "price", "bank"}
    return any(t.concepts & named for t in line.tokens[:2])


def _over(scene: Scene, place: Line) -> frozenset[int]:
    """The lines from the address upwards, as far as they stand together."""
    lines: list[int] = []
    lower = place
    for line in reversed(scene.lines[: place.index]):
        if line.height > _TALLER * lower.height:  # a stamp
            break
        if lower.top - line.bottom > _BLOCK_GAP * min(line.height, lower.height) or len(lines) > 5:
            break
        lines.append(line.index)
        lower = line
    return frozenset(lines)


def _head_name(goal: Goal, line: Line, scene: Scene) -> Piece | None:
    end = _before_address(line, _name_end(line))
    start = _name_start(line, end)
    text = " ".join(t.text for t in line.tokens[start:end])
    if (
        is_title(text)
        or is_registration(text)
        or is_call(text)
        or (is_place(text) and not LEGAL_FORM.search(text))
    ):
        return None
    speaking = sum(bool(t.concepts) and not tells_kind(t.text) for t in line.tokens[start:end])
    last = line.tokens[end - 1].text
    shop = end - start > 1 and tells_kind(last) and not ends_legal(last)  # "TIMES BOOKSTORES" labels no time
    if len(LETTER.findall(text)) < 3 or _NO_NAME.search(text) or (2 * speaking >= end - start and not shop):
        return None
    if _SENTENCE.search(text) and not ends_legal(text):
        return None
    if any(t.ends_label for t in line.tokens[start:end]) or scene.values(line, Kind.DATE):
        return None
    raw = _BRACKETED.sub("", text)
    if ends_legal(_NUMBERED.sub("", raw)):
        raw = _NUMBERED.sub("", raw)
    return fits(goal, piece(line, start, end, raw))


def _name_start(line: Line, end: int) -> int:
    """Where the name begins: behind the number of a till, and behind what says who keeps the shop."""
    start = 1 if end > 1 and (_COUNTER.fullmatch(line.tokens[0].text) or _is_mark(line)) else 0
    owned = _OWNED.match(" ".join(t.text for t in line.tokens[start:end]))
    if owned is None:
        return start
    for i in range(start + 1, end):
        if len(" ".join(t.text for t in line.tokens[start:i])) + 1 >= owned.end():
            return i
    return start


def _is_mark(line: Line) -> bool:
    """Whether a line begins with what is no word: a tick by hand, the edge of a logo."""
    first, *others = line.tokens
    if len(first.text) <= _MARK_LETTERS and others and other_print(first.word, others[0].word):
        return True
    return first.text != "&" and not any(map(str.isalnum, first.text))


def _name_end(line: Line) -> int:
    """Where the name ends: at a gap, or at a stamp or a lone letter set apart from it."""
    end = min(2, len(line.tokens)) if _is_mark(line) else 1
    while end < len(line.tokens):
        gap = line.tokens[end].word.box.x0 - line.tokens[end - 1].word.box.x1
        if gap >= _HEAD_GAP * line.height or _set_apart(line, end):
            break
        end += 1
    return end


def _before_address(line: Line, end: int) -> int:
    """Where the name ends in a line that goes on with the address: ``Name GmbH · Street 1 · 12345 Town``."""
    for i in range(1, end):
        if line.tokens[i].text in BETWEEN and is_place(" ".join(t.text for t in line.tokens[i + 1 : end])):
            return i
    return end


def _set_apart(line: Line, i: int) -> bool:
    """Whether a new cell is no part of the name: further off than its words, of another size, behind a legal form."""
    if other_print(line.tokens[i - 1].word, line.tokens[i].word):
        return True
    if line.tokens[i].cell == line.tokens[i - 1].cell:
        return False
    gaps = [b.word.box.x0 - a.word.box.x1 for a, b in pairwise(line.tokens[: i + 1])]
    if len(gaps) > 1 and gaps[-1] > _APART * max(*gaps[:-1], 1.0):
        return True
    said = [t.word.box.y1 - t.word.box.y0 for t in line.tokens[:i]]
    height = line.tokens[i].word.box.y1 - line.tokens[i].word.box.y0
    other = not 0.6 < height / max(median(said), 1.0) < 1.6
    return other or len(line.tokens[i].text) == 1 or ends_legal(" ".join(t.text for t in line.tokens[:i]))


def _with_rest(goal: Goal, line: Line, found: Piece, scene: Scene) -> tuple[Piece, int]:
    """A name with its rest on the lines below, and the last of these: ``... HARDWARE`` over ``TRADING SDN BHD``."""
    parts, whole, last = [(line, found.start, found.end)], found, line
    for below in scene.lines[line.index + 1 : line.index + NAME_LINES]:
        rest = _head_name(goal, below, scene) or _rest(below)
        if rest is None or not _joins(last, whole, below, rest):
            break
        parts.append((below, rest.start, rest.end))
        both = join(parts)
        longer = fits(goal, Piece(f"{whole.raw} {rest.raw}", both.words, both.line, both.start, both.end))
        if longer is None:
            break
        whole, last = longer, below
    return whole, last.index


def _rest(line: Line) -> Piece | None:
    """A line of nothing but kinds of business, which alone would not pass for a name."""
    end = _name_end(line)
    return piece(line, 0, end) if goes_on(" ".join(t.text for t in line.tokens[:end])) else None


def _joins(line: Line, name: Piece, below: Line, rest: Piece) -> bool:
    """Whether the line below goes on with the name."""
    near = below.page == line.page and below.top - line.bottom <= line.height
    near = near and 0.6 * line.height < below.height < 1.6 * line.height
    meets = name.x0 < rest.x1 and rest.x0 < name.x1
    open_end = not ends_legal(name.raw) and goes_on(rest.raw)
    # ``(SETIA`` over ``ALAM) SDN BHD``: a bracket is closed where the name goes on.
    in_bracket = name.raw.count("(") > name.raw.count(")") and rest.raw.count(")") > rest.raw.count("(")
    hangs = bool(_UNFINISHED.search(name.raw)) or rest.raw.startswith("& ")
    return near and meets and (open_end or in_bracket or hangs)
