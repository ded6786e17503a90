"""Single characters of a text layer into words, whatever way the text is turned.

pdfplumber's `WordExtractor` decides what is one word; this module brings every writing direction upright
before it is asked, drops what cannot be seen, and turns the page when most of its text is turned.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from operator import itemgetter
from statistics import median
from typing import Any

from pdfplumber.utils.clustering import cluster_objects
from pdfplumber.utils.text import WordExtractor

from extractors.reading.geometry import Frame2D, clip_box, turn_box, turn_word
from extractors.reading.text import REPLACEMENT, normalise_text, says_nothing
from schemas.document import Box, Word

_GAP_SHARE = 0.18
"""Characters further apart than this share of the font size belong to two words."""
_LEVEL_SHARE = 0.3
_LEVEL_MAX = 3.0
"""Tops of characters on one line differ by at most this share of the font size, and this many points."""
_TURN_SHARE = 0.6
"""A page is turned when at least this share of its characters is written in another direction."""
_SLANT_DEGREES = 12.0
_SAME_PLACE = 0.12
"""The same character again within this share of its size is a shadow or false bold, not a second letter."""
_OVERPRINT_SHARE = 0.4
"""Neighbouring letters that cover each other by this share of their width belong to different texts."""
_CELL = 16.0
_STRAY_SHARE = 0.7
"""A space is no space when letters cover this share of it."""


@dataclass(frozen=True, slots=True)
class Char:
    """A character as the PDF places it.

    ``quarters``: clockwise quarter turns that make it upright. ``slanted``: written across, like a watermark.
    """

    text: str
    box: Box
    quarters: int = 0
    slanted: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """Words of a text layer on the upright page. ``quarters``: how the page was turned to get there."""

    words: tuple[Word, ...]
    quarters: int
    unknown: int
    """Words that were dropped because none of their characters could be told."""
    garbled: int = 0
    """Words with characters that cannot be told; a lone sign (a bullet, a box to tick) is none of them."""
    outside: str = ""
    """Letters and digits that lie outside the page, in the order of the file."""


def quarters_of(a: float, b: float) -> int:
    """Quarter turns that make text upright whose writing direction is ``(a, b)``, y upwards."""
    return round(math.degrees(math.atan2(b, a)) / 90) % 4


def is_slanted(a: float, b: float) -> bool:
    """Whether text with the writing direction ``(a, b)`` runs across the page (more than a skewed scan)."""
    off = math.degrees(math.atan2(b, a)) % 90
    return min(off, 90 - off) > _SLANT_DEGREES


def words_of(chars: Iterable[Char], frame: Frame2D) -> Layer:
    """Words of one page.

    Args:
        chars: characters in any order, in the frame of the page (after its ``/Rotate``).
        frame: size of the page.
    """
    seen, outside = _on_page(chars, frame)
    if not seen:
        return Layer((), 0, 0, 0, outside)
    level = [char for char in seen if not char.slanted]
    counts = Counter(char.quarters for char in level if not char.text.isspace())
    page_turn, share = counts.most_common(1)[0] if counts else (0, 0)
    if share < _TURN_SHARE * counts.total():
        page_turn = 0
    groups: defaultdict[int, list[Char]] = defaultdict(list)
    for char in level:
        groups[char.quarters].append(char)
    words = [replace(turn_word(word, frame, page_turn), turned=0) for word in _slanted_words(seen)]
    unknown = garbled = 0
    for quarters, members in groups.items():
        upright = [replace(char, box=turn_box(char.box, frame, quarters)) for char in members]
        found, lost, spoiled = _group(upright)
        unknown += lost
        garbled += spoiled
        back = (page_turn - quarters) % 4
        words += [turn_word(word, frame.turned(quarters), back) for word in found]
    page = frame.turned(page_turn)
    on_page = tuple(replace(w, box=clip_box(w.box, page)) for w in words)
    return Layer(on_page, page_turn, unknown, garbled, outside)


def split_word(text: str, box: Box, confidence: float | None = None) -> list[Word]:
    """Words of a normalised text, which may hold spaces; the box is shared out by length."""
    parts = text.split(" ")
    if len(parts) == 1:
        return [Word(text, box, confidence)] if text else []
    step = (box.x1 - box.x0) / len(text)
    words, at = [], 0
    for part in parts:
        if part:
            x0 = box.x0 + at * step
            words.append(Word(part, Box(x0, box.y0, x0 + len(part) * step, box.y1), confidence))
        at += len(part) + 1
    return words


def _on_page(chars: Iterable[Char], frame: Frame2D) -> tuple[list[Char], str]:
    """What stands on the page, each character once; and the letters that stand outside it."""
    kept: list[Char] = []
    outside: list[str] = []
    places: defaultdict[tuple[str, int, int], list[Box]] = defaultdict(list)
    for char in chars:
        box = char.box
        if not all(map(math.isfinite, (box.x0, box.y0, box.x1, box.y1))):
            continue
        x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
        if not (0 <= x <= frame.width and 0 <= y <= frame.height):
            if char.text.isalnum():
                outside.append(char.text)
            continue
        if char.text.isspace():
            kept.append(char)
            continue
        reach = _SAME_PLACE * max(box.x1 - box.x0, box.y1 - box.y0)
        column, row = int(x // 2), int(y // 2)
        near = (
            other
            for dx in (-1, 0, 1)
            for dy in (-1, 0, 1)
            for other in places.get((char.text, column + dx, row + dy), ())
        )
        if any(abs(o.x0 - box.x0) <= reach and abs(o.y0 - box.y0) <= reach for o in near):
            continue
        places[char.text, column, row].append(box)
        kept.append(char)
    return kept, "".join(outside)


def _slanted_words(chars: Iterable[Char]) -> Iterator[Word]:
    """Words written across the page, in the order of the file: boxes cannot tell their letters apart."""
    for is_word, run in groupby(chars, key=lambda char: char.slanted and not char.text.isspace()):
        if not is_word:
            continue
        members = list(run)
        text = normalise_text("".join(char.text for char in members))
        if text and not says_nothing(text):
            boxes = [char.box for char in members]
            yield from split_word(
                text,
                Box(
                    min(box.x0 for box in boxes),
                    min(box.y0 for box in boxes),
                    max(box.x1 for box in boxes),
                    max(box.y1 for box in boxes),
                ),
            )


def _without_stray_spaces(chars: Sequence[Char]) -> list[Char]:
    """Drops spaces that lie over a letter.

    Forms are full of them (left by their editors), and sorted from left to right they would cut words in two.
    """
    cells: defaultdict[tuple[int, int], list[Box]] = defaultdict(list)
    for char in chars:
        if not char.text.isspace():
            box = char.box
            for column in range(int(box.x0 // _CELL), int(box.x1 // _CELL) + 1):
                for row in range(int(box.y0 // _CELL), int(box.y1 // _CELL) + 1):
                    cells[column, row].append(box)
    return [char for char in chars if not (char.text.isspace() and _covered(char.box, cells) > _STRAY_SHARE)]


def _covered(space: Box, cells: Mapping[tuple[int, int], Sequence[Box]]) -> float:
    """Share of a space's width that letters on its line take up."""
    y = (space.y0 + space.y1) / 2
    row = int(y // _CELL)
    near = {
        box
        for column in range(int(space.x0 // _CELL), int(space.x1 // _CELL) + 1)
        for box in cells.get((column, row), ())
        if box.y0 < y < box.y1
    }
    taken = sum(max(0.0, min(box.x1, space.x1) - max(box.x0, space.x0)) for box in near)
    return taken / max(space.x1 - space.x0, 1e-6)


def _group(chars: Sequence[Char]) -> tuple[list[Word], int, int]:
    """Words of upright characters; how many could not be told at all, and how many are garbled."""
    sizes = [char.box.y1 - char.box.y0 for char in chars if not char.text.isspace()]
    if not sizes:
        return [], 0, 0
    tolerance = max(0.3, min(_LEVEL_MAX, _LEVEL_SHARE * median(sizes)))
    words: list[Word] = []
    unknown = garbled = 0
    for found in _extract(_without_stray_spaces(chars), tolerance):
        text = normalise_text(_logical(found["text"]))
        garbled += REPLACEMENT in text and len(text) > 1
        if text and says_nothing(text):
            unknown += 1
            continue
        words += split_word(text, Box(found["x0"], found["top"], found["x1"], found["bottom"]))
    return words, unknown, garbled


def _extract(chars: Sequence[Char], tolerance: float) -> Iterator[dict[str, Any]]:
    """Words by pdfplumber: letters sorted from left to right, unless a line was printed over another.

    Letters of two texts that overlap must not be shuffled together; they are taken in the order of the file.
    """
    lines = cluster_objects(
        [_as_dict(order, char) for order, char in enumerate(chars)], itemgetter("top"), tolerance
    )
    for line in lines:
        extractor = WordExtractor(
            x_tolerance_ratio=_GAP_SHARE,
            y_tolerance=tolerance,
            keep_blank_chars=False,
            use_text_flow=_is_overprinted(line),
            expand_ligatures=False,
        )
        yield from extractor.extract_words(sorted(line, key=itemgetter("order")))


def _is_overprinted(line: Sequence[dict[str, Any]]) -> bool:
    """Whether letters of the line stand on top of each other."""
    letters = sorted((char for char in line if not char["text"].isspace()), key=itemgetter("x0"))
    return any(
        left["x1"] - right["x0"] > _OVERPRINT_SHARE * min(left["width"], right["width"])
        and abs(left["order"] - right["order"]) > 1
        for left, right in pairwise(letters)
    )


def _as_dict(order: int, char: Char) -> dict[str, Any]:
    box = char.box
    return {
        "text": char.text,
        "order": order,
        "x0": box.x0,
        "x1": box.x1,
        "top": box.y0,
        "bottom": box.y1,
        "doctop": box.y0,
        "width": max(box.x1 - box.x0, 1e-6),
        "height": box.y1 - box.y0,
        "upright": True,
        "size": box.y1 - box.y0,
    }


def _logical(text: str) -> str:
    """A word in reading order: characters were sorted left to right, Hebrew and Arabic read the other way."""
    if text.isascii():
        return text
    strong = [d for d in map(unicodedata.bidirectional, text) if d in ("L", "R", "AL", "EN", "AN")]
    return text[::-1] if strong and all(d in ("R", "AL") for d in strong) else text
