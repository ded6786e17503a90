"""A stretch of print as items: between commas, bullets, bars or slashes, line by line, or in cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extractors.backends.scripted.sheet import Line, Piece, join

Stretch = tuple[Line, int, int]
"""The tokens from the second up to the third of a line."""

BULLETS = "•·▪◦●■‣∙○►▸➢✓✔"
_BULLET = re.compile(rf"^[{BULLETS}]+")
_DASH = frozenset("-–—*o")
_NUMBERED = re.compile(r"(?:\(?\d{1,3}[.)]|\[\d{1,3}\])")
_TRIM = f" ,;:|/{BULLETS}"
_AND = frozenset(["and", "und", "et", "e", "y", "en", "i", "&", "oder", "or"])
_MOST_PASSED = 8
_AS_TALL = 1.25
"""Lines of one item are as tall as its first but for such a factor."""
_CLOSE = 0.5
"""Lines of one text stand at most so many heights apart."""
_PROSE_WORDS = 12
_SHORT = 4
_SPACE = 0.3
"""Width of a space in heights of a line."""
_FLUSH = 0.5
_GAPS_APART = 1.8
"""Gaps between items are so many times those within them, where they differ."""


@dataclass(frozen=True, slots=True)
class _Word:
    line: Line
    at: int
    text: str
    opens: bool


def marker(line: Line) -> str:
    """The kind of mark that a line begins with: a bullet, a number, or none."""
    first = line.tokens[0].text
    if _BULLET.match(first):
        return "bullet"
    if len(line.tokens) > 1 and first in _DASH:
        return "dash"
    return "number" if len(line.tokens) > 1 and _NUMBERED.fullmatch(first) else ""


def behind_marker(line: Line) -> Stretch:
    """What a line says behind its mark."""
    first = line.tokens[0].text
    alone = not _BULLET.sub("", first) or marker(line) in ("dash", "number")
    return (line, 1 if marker(line) and alone else 0, len(line.tokens))


def marked_items(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines in items that each begin with a mark, as far as they do; empty where the first one has none."""
    kind = marker(lines[0]) if lines else ""
    if not kind:
        return []
    at = lines[0].tokens[0].word.box.x0
    found: list[list[Line]] = [[lines[0]]]
    passed = 0
    for above, line in pairwise(lines):
        if marker(line) == kind and abs(line.tokens[0].word.box.x0 - at) < 2 * _FLUSH * line.height:
            found.append([line])
            passed = 0
        elif not passed and (marker(line) or _goes_on(found[-1][0], above, line, kind)):
            found[-1].append(line)
        elif kind == "number" and passed < _MOST_PASSED:
            passed += 1  # footnotes and the like, between numbered items
        else:
            break
    return found


def _goes_on(first: Line, above: Line, line: Line, kind: str) -> bool:
    """Whether a line without a mark is of the item above: it hangs, or stands as close as lines of one text do."""
    if not 1 / _AS_TALL < line.height / first.height < _AS_TALL:
        return False
    if line.tokens[0].word.box.x0 > first.tokens[0].word.box.x0 + 0.3 * line.height:
        return True
    near = line.page == above.page and line.top - above.bottom < _CLOSE * line.height
    return kind == "number" and near


def parted_by_gaps(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines in groups that stand apart; each by itself where all gaps are alike."""
    gaps = [max(b.top - a.bottom, 0.0) for a, b in pairwise(lines) if a.page == b.page]
    if not gaps:
        return [[line] for line in lines]
    small, large = max(min(gaps), 0.1), max(gaps)
    limit = (small * large) ** 0.5 if large > max(_GAPS_APART * small, 0.3 * lines[0].height) else -1.0
    found = [[lines[0]]]
    for above, line in pairwise(lines):
        if above.page == line.page and max(line.top - above.bottom, 0.0) < limit:
            found[-1].append(line)
        else:
            found.append([line])
    return found


def below_heading(lines: Sequence[Line], margin: float) -> list[Piece]:
    """The items of a list that stands below its heading; empty for prose.

    Args:
        lines: below the heading.
        margin: the right edge of print on these pages, in points.
    """
    marked = marked_items(lines)
    if marked:
        whole = whole_items(marked)
        if len(marked) == 1 and whole:
            return split([behind_marker(marked[0][0]), *map(_all, marked[0][1:])]) or whole
        return whole
    labelled = [_behind_label(line) for line in lines]
    if len(lines) > 1 and labelled[0] is not None:
        return [item for group in _grouped(lines, labelled) for item in split(group)]
    stretches = [_all(line) for line in lines]
    if any(_separator([one]) for one in stretches):
        found = [item for run in _wrapped(stretches, margin) for item in split(run)]
    else:
        groups = parted_by_gaps(lines)
        found = [item for group in groups if (item := _joined(list(map(_all, group))))]
    return [] if _is_prose(found) else found


def whole_items(marked: Sequence[Sequence[Line]]) -> list[Piece]:
    """Items that begin with a mark, each as one text without it."""
    found = (_joined([behind_marker(item[0]), *map(_all, item[1:])]) for item in marked)
    return [one for one in found if one is not None]


def split(stretches: Sequence[Stretch]) -> list[Piece]:
    """The items of a stretch of print over one or more lines."""
    by = _separator(stretches)
    items: list[list[_Word]] = []
    depth = 0
    for word in _words(stretches, by):
        if word.opens or not items:
            items.append([])
        items[-1].append(word)
    split_up: list[list[_Word]] = []
    for item in items:
        depth = 0
        part: list[_Word] = []
        for word in item:
            part.append(word)
            depth += word.text.count("(") - word.text.count(")")
            if depth <= 0 and ((by in ",;" and by and word.text.endswith(by)) or _alone(word, by)):
                split_up.append(part)
                part = []
        if part:
            split_up.append(part)
    if by == "," and split_up:
        split_up[-1:] = _last_and(split_up[-1])
    return [piece for one in split_up if (piece := _piece(one)) is not None]


def _last_and(words: list[_Word]) -> list[list[_Word]]:
    """The last of several: *German and French* are two, where each is one word."""
    if words and words[0].text.casefold() in _AND:
        return [words[1:]]
    if len(words) == 3 and words[1].text.casefold() in _AND - {"&"}:
        return [words[:1], words[2:]]
    return [words]


def _separator(stretches: Sequence[Stretch]) -> str:
    texts = [token.text for line, start, end in stretches for token in line.tokens[start:end]]
    if any(_BULLET.match(text) for text in texts[1:]):
        return "•"
    if any("|" in text for text in texts):
        return "|"
    for sign in (";", ","):
        depth = 0
        for text in texts:
            depth += text.count("(") - text.count(")")
            if depth <= 0 and text.endswith(sign):
                return sign
    return "/" if "/" in texts else ""


def _alone(word: _Word, by: str) -> bool:
    return bool(by) and by in "|/" and word.text.strip() == by


def _words(stretches: Sequence[Stretch], by: str) -> Iterator[_Word]:
    """The words; a bullet or bar glued to one opens an item; without separators cells do, where there are several."""
    cells = not by and len(stretches) == 1
    for line, start, end in stretches:
        for at in range(start, end):
            text = line.tokens[at].text
            opens = by == "•" and bool(_BULLET.match(text))
            opens |= by == "|" and text.startswith("|")
            opens |= cells and at > start and line.tokens[at].cell != line.tokens[at - 1].cell
            yield _Word(line, at, text, opens)


def _piece(words: list[_Word]) -> Piece | None:
    """One item, without separators at its ends."""
    while words and not words[0].text.strip(_TRIM + "-–—"):
        words = words[1:]
    while words and not words[-1].text.strip(_TRIM + "-–—"):
        words = words[:-1]
    if not words:
        return None
    parts: list[Stretch] = []
    for word in words:
        if parts and parts[-1][0] is word.line and parts[-1][2] == word.at:
            parts[-1] = (word.line, parts[-1][1], word.at + 1)
        else:
            parts.append((word.line, word.at, word.at + 1))
    whole = join(parts)
    raw = whole.raw.strip(_TRIM)
    if raw.endswith(".") and raw.count(".") == 1 and len(raw.split()) <= _SHORT and len(raw.split()[-1]) > 5:
        raw = raw[:-1]
    if not any(map(str.isalnum, raw)):
        return None
    return replace(whole, raw=raw)


def _joined(stretches: list[Stretch]) -> Piece | None:
    words = [_Word(line, i, line.tokens[i].text, False) for line, a, b in stretches for i in range(a, b)]
    return _piece(words)


def _all(line: Line) -> Stretch:
    return (line, 0, len(line.tokens))


def _behind_label(line: Line) -> Stretch | None:
    """What stands behind a label with a colon at the beginning of a line."""
    for at, token in enumerate(line.tokens[:5]):
        if token.ends_label:
            return (line, at + 1, len(line.tokens)) if at + 1 < len(line.tokens) else None
    return None


def _grouped(lines: Sequence[Line], labelled: Sequence[Stretch | None]) -> list[list[Stretch]]:
    """The stretches behind labels, each with the lines that it goes on in."""
    found: list[list[Stretch]] = []
    for line, behind in zip(lines, labelled, strict=True):
        if behind is not None:
            found.append([behind])
        elif found:
            found[-1].append(_all(line))
    return found


def _wrapped(stretches: Sequence[Stretch], margin: float) -> list[list[Stretch]]:
    """Lines together that are one text: up to one that ends without a separator where another word had room."""
    found: list[list[Stretch]] = [[]]
    for stretch, below in pairwise((*stretches, None)):
        if stretch is None:
            break
        found[-1].append(stretch)
        last = stretch[0].tokens[-1]
        if below is None or last.text[-1:] in f",;|/{BULLETS}":
            continue
        box = below[0].tokens[0].word.box
        if last.word.box.x1 + box.x1 - box.x0 + _SPACE * below[0].height < margin:
            found.append([])
    return [run for run in found if run]


def _is_prose(items: Sequence[Piece]) -> bool:
    """Whether what was taken for items is running text."""
    long = sum(len(item.raw.split()) > _PROSE_WORDS for item in items)
    stops = sum(". " in item.raw and len(item.raw.split()) > _SHORT for item in items)
    return bool(items) and (2 * long > len(items) or 2 * stops > len(items))
