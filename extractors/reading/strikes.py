"""Lines that a hand drew through words: how choices are ruled out where there are no boxes.

A line goes through a word where it can be followed from one end to the other at the height of the small letters, gaps
between letters and all. One that goes on is a rule of a table, one at the foot an underline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from extractors.reading.ink import Grid, Ink
from schemas.document import Box, Mark, Word

_BAND = (0.28, 0.76)
"""Where in the height of a word a line through it lies, from the top."""
_RISE = 0.4
"""From one end of a word to the other a line rises or falls by so many heights at most."""
_COVERED = 0.97
"""Share of the width of the letters that the line covers; `_REACHED` of the word's box, which may be wider."""
_REACHED = 0.9
_TALL = 0.33
"""Ink so many heights away from the line is a letter's; nearer, it may be a second line."""
_SLACK = 1.0
"""Points that letters reach beyond the box of their word."""
_BLACK, _AS_BLACK = 80.0, 0.55
"""A line is nearly as black as the letters: percentile of the depth of ink, and the share of it."""
_BEYOND, _BOTH = 1.2, 3.0
"""Points that a line begins before the letters and ends behind them, at least each, and together."""
_ENDS = 11.0
"""A line that goes on for so many points beyond its words is a rule."""
_DARK = 0.62
"""Share of ink in the box of a word at most: light letters on dark ground are not struck."""
_WORD_GAP = 0.9
"""Words in one line of a pen stand at most so many heights apart."""
_LETTERS = 2
_LEAST_HEIGHT = 5.0
SCORE = 0.85


@dataclass(frozen=True, slots=True)
class _Struck:
    word: Word
    before: float
    behind: float


def find_strikes(ink: Ink, words: Sequence[Word]) -> list[Mark]:
    """The words of a page that are struck out; a mark for each run of them, with their box."""
    struck = [found for word in words if (found := _through(ink, word)) is not None]
    runs: list[list[_Struck]] = []
    for one in struck:
        if runs and _goes_on(runs[-1][-1], one):
            runs[-1].append(one)
        else:
            runs.append([one])
    return [Mark("strike", _around(run), SCORE) for run in runs if _is_by_hand(run)]


def _through(ink: Ink, word: Word) -> _Struck | None:
    """The line through a word, with how far it goes on at both ends, in points; ``None``: there is none."""
    box, scale = word.box, ink.scale
    high = box.y1 - box.y0
    if high < _LEAST_HEIGHT or sum(char.isalnum() for char in word.text) < _LETTERS:
        return None
    margin = round((_ENDS + 2) * scale)
    y0, y1 = int(box.y0 * scale), int(box.y1 * scale) + 1
    x0, x1 = round(box.x0 * scale), round(box.x1 * scale)
    if y0 < 1 or y1 >= ink.mask.shape[0] or x1 - x0 < 4 or x0 < margin or x1 > ink.mask.shape[1]:
        return None
    inside = ink.mask[y0:y1, x0:x1]
    low, top = int(_BAND[1] * (y1 - y0)), int(_BAND[0] * (y1 - y0))
    if float(inside[top : low + 1].any(axis=0).mean()) < _REACHED or float(inside.mean()) > _DARK:
        return None
    edge = round(_BEYOND * scale)
    if word.confidence is None and not all(
        ink.mask[y0 + top : y0 + low + 1, column].any()
        for column in (x0 - edge, min(x1 + edge, ink.mask.shape[1] - 1))
    ):
        return None  # most words end here: of a text layer's the box ends with its letters
    left = max(x0 - margin, 0)
    wide = ink.mask[y0 - 1 : y1 + 1, left : min(x1 + margin, ink.mask.shape[1])]
    depth = ink.depth[y0 - 1 : y1 + 1, left : min(x1 + margin, ink.mask.shape[1])]
    black = np.percentile(depth[wide > 0], _BLACK)
    deep = (depth >= _AS_BLACK * black).astype(
        np.uint8
    )  # what blurs letters together is lighter than they are
    near = np.minimum(deep[1:-1], deep[2:])  # a pen's line is two pixels thick
    if float(near[top : low + 1, x0 - left : x1 - left].any(axis=0).mean()) < _REACHED:
        return None
    return _best_line(near, wide[1:-1], (x0 - left, x1 - left), (top, low), word, scale)


def _best_line(
    near: Grid, bare: Grid, ends: tuple[int, int], band: tuple[int, int], word: Word, scale: float
) -> _Struck | None:
    columns = np.arange(near.shape[1])
    middle = (ends[0] + ends[1]) / 2
    offsets = np.arange(band[0], band[1] + 1)
    more = round(_BOTH * scale)  # of lines that cover the letters alike, the one that goes beyond them
    best: tuple[float, Grid, Grid] | None = None
    rise = round(_RISE * near.shape[0])
    for steps in range(-rise, rise + 1):
        slope = steps / (ends[1] - ends[0])
        rows = np.rint(offsets[:, None] + slope * (columns[None, :] - middle)).astype(int)
        inside = (rows >= band[0]) & (rows <= band[1])
        seen = near[np.clip(rows, 0, near.shape[0] - 1), columns[None, :]] * inside
        covered = seen[:, max(ends[0] - more, 0) : ends[1] + more].sum(axis=1)
        at = int(covered.argmax())
        if best is None or covered[at] > best[0]:
            best = (float(covered[at]), seen[at], rows[at])
    if best is None or best[0] < _REACHED * (ends[1] - ends[0]):
        return None
    _, seen, line = best
    inked = np.flatnonzero(bare[:, ends[0] : ends[1]].any(axis=1))
    high = int(inked[-1] - inked[0]) + 1
    far = np.abs(np.arange(bare.shape[0])[:, None] - line[None, :]) > _TALL * high
    letters: Grid = np.any(bare & far, axis=0)
    slack = round(_SLACK * scale)
    within = np.flatnonzero(letters[ends[0] - slack : ends[1] + slack]) + ends[0] - slack
    if not len(within):
        return None
    first, last = int(within[0]), int(within[-1])
    if float(seen[first : last + 1].mean()) < _COVERED:
        return None
    before = _run_length(seen[:first][::-1], letters[:first][::-1]) / scale
    behind = _run_length(seen[last + 1 :], letters[last + 1 :]) / scale
    return _Struck(word, before, behind)


def _run_length(seen: Grid, letters: Grid) -> int:
    """Columns in which there is the line and nothing else, up to the first that is not."""
    ends = np.flatnonzero((seen == 0) | letters)
    return int(ends[0]) if len(ends) else len(seen)


def _goes_on(last: _Struck, one: _Struck) -> bool:
    a, b = last.word.box, one.word.box
    high = a.y1 - a.y0
    gap = b.x0 - a.x1
    return (
        abs(a.y0 - b.y0) < 0.5 * high and -1 <= gap <= _WORD_GAP * high and last.behind + 0.5 >= min(gap, 3)
    )


def _is_by_hand(run: Sequence[_Struck]) -> bool:
    before, behind = run[0].before, run[-1].behind
    return min(before, behind) >= _BEYOND and before + behind >= _BOTH and max(before, behind) <= _ENDS


def _around(run: Sequence[_Struck]) -> Box:
    boxes = [one.word.box for one in run]
    return Box(
        min(b.x0 for b in boxes), min(b.y0 for b in boxes), max(b.x1 for b in boxes), max(b.y1 for b in boxes)
    )
