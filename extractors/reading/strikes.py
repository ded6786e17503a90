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
_EITHER = 2.6
"""Together, of words that stand apart."""
_SECOND, _STEM = 2.5, 0.3
"""So many points beyond such a word, only ink of so many heights is a letter."""
_APART = 0.5
"""Words stand apart that have so many heights of paper on either side."""
_ENDS = 11.0
"""A line that goes on for so many points beyond its words is a rule."""
_DARK = 0.62
"""Share of ink in the box of a word at most: light letters on dark ground are not struck."""
_WORD_GAP = 0.9
"""Words in one line of a pen stand at most so many heights apart."""
_LETTERS = 2
_LEAST_HEIGHT = 5.0
_DASHES = "-–—_"
SCORE, LEAST_SCORE = 0.85, 0.65


@dataclass(frozen=True, slots=True)
class _Struck:
    word: Word
    before: float
    behind: float


def find_strikes(ink: Ink, words: Sequence[Word]) -> list[Mark]:
    """The words of a page that are struck out; a mark for each run of them, with their box.

    A word that stands apart, as a choice does, may also have two lines that part, or one that was read as its dash.
    """
    ways = [found for word in words if (found := _through(ink, word, word.box))]
    for word in words:
        bare = _undashed(word)
        if bare != word.box and (found := _through(ink, word, bare)):
            ways.append((None, found[1]))
    runs = _runs([either[0] for either in ways if either[0] is not None])
    marks = [Mark("strike", _around(run), SCORE) for run in runs if _is_by_hand(run, _BOTH)]
    rest = [either[1] for either in ways if either[1] is not None and not _is_marked(either[1].word, marks)]
    return marks + [
        Mark("strike", _around(run), LEAST_SCORE)
        for run in _runs(rest)
        if _is_by_hand(run, _EITHER) and _stands_apart(run, words)
    ]


def _runs(struck: Sequence[_Struck]) -> list[list[_Struck]]:
    runs: list[list[_Struck]] = []
    for one in struck:
        if runs and _goes_on(runs[-1][-1], one):
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _is_marked(word: Word, marks: Sequence[Mark]) -> bool:
    return any(
        mark.box.x0 <= word.box.x0 <= mark.box.x1 and mark.box.y0 <= word.box.y0 <= mark.box.y1
        for mark in marks
    )


def _stands_apart(run: Sequence[_Struck], words: Sequence[Word]) -> bool:
    """Whether no print is near some words on their line."""
    box = _around(run)
    near, middle = _APART * (box.y1 - box.y0), (box.y0 + box.y1) / 2
    own = [one.word for one in run]
    return not any(
        word.box.y0 <= middle <= word.box.y1
        and word.box.x0 < box.x1 + near
        and word.box.x1 > box.x0 - near
        and not any(word is one for one in own)
        for word in words
    )


def _through(ink: Ink, word: Word, box: Box) -> tuple[_Struck | None, _Struck | None] | None:
    """The line through a word, with how far it goes on at both ends, in points; ``None``: there is none.

    The second is the same if what is thin beside the word is a second line and no letter.
    """
    scale = ink.scale
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


def _undashed(word: Word) -> Box:
    """The box of a word without what a recogniser took for a dash before or behind it: the end of the line."""
    if word.confidence is None or len(word.text) < _LETTERS + 1:
        return word.box
    one = (word.box.x1 - word.box.x0) / len(word.text)
    before, behind = word.text[0] in _DASHES, word.text[-1] in _DASHES
    return Box(word.box.x0 + one * before, word.box.y0, word.box.x1 - one * behind, word.box.y1)


def _best_line(
    near: Grid, bare: Grid, ends: tuple[int, int], band: tuple[int, int], word: Word, scale: float
) -> tuple[_Struck | None, _Struck | None] | None:
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
    tall: Grid = (bare & far).sum(axis=0)
    letters: Grid = tall > 0
    bold = letters.copy()
    over = round(_SECOND * scale)
    for side in (slice(max(ends[0] - over, 0), ends[0]), slice(ends[1], ends[1] + over)):
        bold[side] = tall[side] >= _STEM * high
    slack = round(_SLACK * scale)
    return _ends(seen, letters, ends, slack, word, scale), _ends(seen, bold, ends, slack, word, scale)


def _ends(
    seen: Grid, letters: Grid, ends: tuple[int, int], slack: int, word: Word, scale: float
) -> _Struck | None:
    """How far a line goes on beyond the letters of a word that it covers; ``None``: it does not cover them."""
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


def _is_by_hand(run: Sequence[_Struck], both: float) -> bool:
    before, behind = run[0].before, run[-1].behind
    return min(before, behind) >= _BEYOND and before + behind >= both and max(before, behind) <= _ENDS


def _around(run: Sequence[_Struck]) -> Box:
    boxes = [one.word.box for one in run]
    return Box(
        min(b.x0 for b in boxes), min(b.y0 for b in boxes), max(b.x1 for b in boxes), max(b.y1 for b in boxes)
    )
