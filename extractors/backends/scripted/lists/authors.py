"""The authors of a paper: a line of names near its head, one behind the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from extractors.backends.scripted.lists.forms import Found
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Line, Piece, join

_HEAD_LINES = 12
_FEWEST = 2
_SCORE = 0.6
_MARKS = re.compile(r"[\d∗*†‡§¶,]+$")
_NAME_WORD = re.compile(
    r"(?:[^\W\d_a-z][^\W\d_]*(?:['’-][^\W\d_]+)*\.?|[^\W\d_]\.(?:-?[^\W\d_]\.)*"
    r"|de|von|van|der|den|la|le|da|di|del|dos|el|al|bin)"
)
_BETWEEN = re.compile(r"(?:,? (?:and|und|et|y|e|en) |,? ?& ?|[,;]) ?")
_INITIALS = re.compile(r"(?:[^\W\d_]\.+[ -]*)+|[A-Z]{1,2}")
_AND = frozenset(["and", "und", "et", "e", "y", "en", "i", "&"])


def byline(scene: Scene) -> Found:
    """The names in the first lines of print that hold nothing but names; marks behind them are no part of them."""
    found: list[Piece] = []
    for line in scene.lines[:_HEAD_LINES]:
        if line.page != scene.lines[0].page or len(line.cells) > 1:
            continue
        names = _names(line)
        if names is None:
            if len(found) >= _FEWEST:
                break
            found = []
            continue
        found += names
    return [(name, _SCORE) for name in found] if len(found) >= _FEWEST else []


def _names(line: Line) -> list[Piece] | None:
    """The names of a line, or ``None`` where it holds anything else."""
    groups: list[list[int]] = [[]]
    separated = 0
    for i, token in enumerate(line.tokens):
        if token.text.casefold() in _AND:
            groups.append([])
            separated += 1
            continue
        groups[-1].append(i)
        if token.text.endswith(","):
            groups.append([])
            separated += 1
    groups = [group for group in groups if group]
    if not separated or not all(_is_name(line, group) for group in groups):
        return None
    return [_piece(line, group) for group in groups]


def _is_name(line: Line, group: Sequence[int]) -> bool:
    words = [_MARKS.sub("", line.tokens[i].text) for i in group]
    words = [word for word in words if word]
    full = sum(len(word.strip(".")) > 1 and word[:1].isupper() for word in words)
    return 2 <= len(words) <= 5 and full >= 1 and all(_NAME_WORD.fullmatch(word) for word in words)


def _piece(line: Line, group: Sequence[int]) -> Piece:
    whole = join([(line, group[0], group[-1] + 1)])
    words = [_MARKS.sub("", line.tokens[i].text) for i in group]
    raw = " ".join(word for word in words if word)
    glued = raw.replace(" ", "") not in whole.raw.replace(" ", "")
    return whole if glued else replace(whole, raw=raw)


def names_in(authors: str) -> list[tuple[int, int]]:
    """Where the names stand in the authors of a work: *Le Cun, Y. and Boser, B.*, *Tri Dao and Albert Gu*."""
    ends = [
        *((found.start(), found.end()) for found in _BETWEEN.finditer(authors)),
        (len(authors), len(authors)),
    ]
    found: list[tuple[int, int]] = []
    at = 0
    for end, after in ends:
        name = authors[at:end].strip()
        if _INITIALS.fullmatch(name) and found:
            found[-1] = (found[-1][0], end)
        elif name.casefold().rstrip(".") not in ("", "et al", "al", "others"):
            found.append((at, end))
        at = after
    return found
