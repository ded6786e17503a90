"""Sections of a page: a heading that names a list, and the lines below it up to the next heading of its kind.

Fonts are not known. A heading shows itself by standing alone on its line, by capitals, by its height, by the gap above
it, by what stands indented below it, or by saying what sections are called everywhere.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from extractors.backends.scripted.lists.topics import heads_section
from extractors.backends.scripted.lists.wanted import NAMED, Wanted
from extractors.backends.scripted.sheet import Line
from extractors.validation.text import text_key

_MOST_WORDS = 8
_TALLER = 1.04
_SAME_HEIGHT = 0.03
_FAR = 4.0
"""So many heights below a line another one belongs to something else."""
_FLUSH = 0.5
_INDENT = 0.8
_NEAR_BEST = 0.05
_LIKE_ITS = 0.8
"""The gap above the next heading is at least such a share of the one above this heading, or wider than below it."""
_EDGE = 2
"""So many lines at the head and foot of a page may be repeated on others."""
_NUMBER = re.compile(r"(?:\d{1,2}|[IVX]{1,4}|[A-Z])(?:\.\d{1,2})*[.)]?")
_BRACKETED = re.compile(r"(?<=\w)\s*\([^()]*\)\W*$")
_OPENS = re.compile(r"^\W*[•·▪◦●■‣*►✓–-]")


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it, and how well it names the list."""

    heading: Line
    lines: tuple[Line, ...]
    named: float


def sections_of(wanted: Wanted, lines: Sequence[Line]) -> list[Section]:
    """The sections whose heading names the list best, top to bottom."""
    repeated = _repeated(lines)
    kept = [line for line in lines if line.index not in repeated]
    heads = [
        (at, named)
        for at, line in enumerate(kept)
        if (title := title_of(line)) and (named := wanted.named(title)) >= NAMED
    ]
    best = max((named for _, named in heads), default=0.0)
    found = []
    until = -1
    for at, named in heads:
        if named < best - _NEAR_BEST or at < until:
            continue
        below = _below(kept, at)
        if below:
            found.append(Section(kept[at], below, named))
            until = at + len(below)
    return found


def title_of(line: Line) -> str:
    """What a line says that may be a heading; empty for one that cannot be."""
    tokens = line.tokens
    first = 1 if len(tokens) > 1 and _NUMBER.fullmatch(tokens[0].text) else 0
    said = [token.text for token in tokens[first:]]
    if len(line.cells) - (first and len(line.cells[0]) and line.cells[0][1] == 1) > 1:
        return ""
    text = " ".join(said)
    if len(said) > _MOST_WORDS or not any(map(str.isalpha, text)) or text.endswith((".", ",", ";")):
        return ""
    if _OPENS.match(text) or any(":" in word for word in said[:-1]) or not _stands_alone(text):
        return ""
    return _BRACKETED.sub("", text).rstrip(": ")


def _stands_alone(text: str) -> bool:
    """Whether a text may be more than the end of a sentence: it begins like one, and its brackets close."""
    first = next(c for c in text if c.isalpha())
    return not first.islower() and text.count("(") == text.count(")") and text.count("[") == text.count("]")


def _below(lines: Sequence[Line], at: int) -> tuple[Line, ...]:
    """The lines of the section that the line at ``at`` heads."""
    heading = lines[at]
    found: list[Line] = []
    ends = _Ends(heading, _gap(lines, at), lines[at + 1 : at + 2], _body(lines))
    for i in range(at + 1, len(lines)):
        line = lines[i]
        if ends.at(line, _gap(lines, i), lines[i - 1]):
            break
        found.append(line)
    return tuple(found)


def _body(lines: Sequence[Line]) -> float:
    return median(line.height for line in lines)


def _gap(lines: Sequence[Line], at: int) -> float | None:
    """The gap above a line in points; ``None`` at the head of a page."""
    if not at or lines[at - 1].page != lines[at].page:
        return None
    return lines[at].top - lines[at - 1].bottom


class _Ends:
    """What ends the section of a heading."""

    def __init__(self, heading: Line, gap: float | None, first: Sequence[Line], body: float) -> None:
        self.heading, self.gap = heading, gap
        self.caps = _in_capitals(heading)
        self.taller = heading.height > _TALLER * body
        self.colon = heading.tokens[-1].text.endswith(":")
        self.styled = self.caps or self.taller
        x0 = heading.tokens[0].word.box.x0
        below = first[0].tokens[0].word.box.x0 if first else x0
        self.indented = below - x0 > _INDENT * heading.height
        self.first_gap = max(first[0].top - heading.bottom, 0.0) if first else 0.0

    def at(self, line: Line, gap: float | None, above: Line) -> bool:
        """Whether a line, so far below the one above it, is no part of the section any more."""
        if gap is not None and gap > _FAR * line.height:
            return True
        title = title_of(line)
        flush = abs(line.tokens[0].word.box.x0 - self.heading.tokens[0].word.box.x0) < _FLUSH * line.height
        if self.indented and flush and above is not self.heading:
            return True
        wide = gap is None or self.gap is None or gap >= _LIKE_ITS * self.gap or gap > 1.15 * self.first_gap
        if title and (heads_section(title) and (wide or not self.styled)):
            return True
        if title and self.caps and _in_capitals(line) and wide:
            return True
        if title and self.taller and abs(line.height / self.heading.height - 1) < _SAME_HEIGHT and wide:
            return True
        if self.colon and flush and any(token.text.endswith(":") for token in line.tokens[:4]):
            return True
        # A heading that looks like what it heads: its section ends at the first larger gap.
        plain = not self.styled and not self.indented and above is not self.heading
        return plain and gap is not None and gap > max(line.height, 1.8 * self.first_gap)


def _in_capitals(line: Line) -> bool:
    letters = [c for token in line.tokens for c in token.text if c.isalpha()]
    return len(letters) > 2 and all(c.isupper() or not c.islower() for c in letters)


def _repeated(lines: Sequence[Line]) -> frozenset[int]:
    """The lines at the head or foot of pages that stand there on others as well."""
    by_page: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        by_page[line.page].append(line)
    edges = [line for own in by_page.values() for line in {*own[:_EDGE], *own[-_EDGE:]}]
    pages: dict[str, set[int]] = defaultdict(set)
    for line in edges:
        pages[_letters(line)].add(line.page)
    return frozenset(line.index for line in edges if len(pages[_letters(line)]) > 1)


def _letters(line: Line) -> str:
    return "".join(c for c in text_key(line.text) if not c.isdigit())
