"""Stamps: print that lies askew of the page, in a frame of its own or bare, or that was read running up the page.

A frame along the lines of the page is a box of a form, whatever it holds; only one that is round, or turned against the
page, is a stamp's. Stamps are set upon print: coloured ink is looked at by itself, and a frame whose shape is lost in
what it lies upon is put together from its lines (`stamp_frames`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import cv2
import numpy as np

from extractors.reading.ink import Grid, Ink
from extractors.reading.skew import estimate_slope
from extractors.reading.stamp_frames import frames_over_print
from extractors.reading.stamp_ovals import ovals_over_print
from schemas.document import Box, Mark, Word

_LONG, _SHORT = (30.0, 260.0), (11.0, 150.0)
_TILT = (2.2, 40.0)
"""Degrees against the lines of the page."""
_BARE_TILT = 3.2
_STRAIGHT = 0.8
"""A frame of colour along the page, around letters that are no words of the text layer."""
_ROUND = (0.955, 1.045)
"""Area of a filled oval against the ellipse in its tightest rectangle."""
_RECTANGLE = 0.93
_HOLLOW = 2.2
"""A frame encloses so many times its own ink."""
_LETTER_POINTS = (6.5, 26.0)
_LETTERS = 3
_ON_RULE = 5
"""The same of a stamp without a frame upon a rule: without its rule, a signature breaks into what look like letters."""
_JOINED = 1.5
"""Letters that run together askew are higher by this factor at most."""
_ALIKE = 1.45
"""Letters of one line of a stamp differ by this factor in height at most."""
_FRAME_TILT = (3.0, 40.0)
"""The same of frames that are put together from lines."""
_LEAST_COLOR = 60.0
"""Square points of coloured ink that are worth a look."""
_CROSSED = 1.9
"""Points that a stroke of print takes out of coloured ink which it crosses."""
_WRITTEN = 0.07
"""Share of ink inside a frame that has something in it."""
_RINGED = 5.0
"""What goes around a mark has so many times its area at most."""
_FILLED = 60
"""Grey levels of what is filled in."""
_MOST_COLOR = 0.6
"""Share of the ink of a page, or of a word, from which on colour is how it was printed."""
_TURNED_LETTERS = 3
_TURNED_WORDS = 2
_TURNED_REACH = 30.0
LEAST_SCORE = 0.5


def find_stamps(ink: Ink, words: Sequence[Word], taken: Sequence[Box]) -> list[Mark]:
    """The stamps of a page.

    Args:
        ink: of the page.
        words: on it.
        taken: boxes in points whose ink belongs to other marks.
    """
    skew = math.degrees(math.atan(estimate_slope(words)))
    found = _turned_words(words)
    found += _framed(*ink.components, ink.scale, skew)
    colored = _colored(ink, words)
    if colored is not None:
        layer = _closed(colored)
        straight = all(word.confidence is None for word in words)
        found += _framed(*layer.components, ink.scale, skew, colored.components[1], straight=straight)
        found += _over_print(layer, skew, found)
    found += _over_print(ink, skew, found)
    found += _round(ink, found)
    found = [mark for mark in found if not any(_is_around(mark.box, box) for box in taken)]
    if colored is not None:
        found += _bare(colored.mask, words, ink.scale, skew, [mark.box for mark in found] + list(taken))
    known = [mark.box for mark in found] + list(taken)
    print_ = [word.box for word in words if word.confidence is None]
    found += _bare(_blanked(ink.mask, print_, ink.scale), words, ink.scale, skew, known)
    known = [mark.box for mark in found] + list(taken)
    free = _blanked(ink.mask & (1 - np.minimum(ink.rules, 1)), print_, ink.scale)
    found += _bare(free, words, ink.scale, skew, known, least=_ON_RULE)
    return _merged(found)


def _colored(ink: Ink, words: Sequence[Word]) -> Ink | None:
    """The coloured ink that is no coloured print; ``None``: there is hardly any, or everything is."""
    share = float(ink.colored.sum()) / max(float(ink.mask.sum()), 1.0)
    if ink.colored.sum() < _LEAST_COLOR * ink.scale**2 or share > _MOST_COLOR:
        return None
    printed = []
    for word in words:
        x0, y0, x1, y1 = (
            int(value * ink.scale) for value in (word.box.x0, word.box.y0, word.box.x1, word.box.y1)
        )
        inked = float(ink.mask[y0 : y1 + 1, x0 : x1 + 1].sum())
        if (
            word.confidence is None
            and inked
            and ink.colored[y0 : y1 + 1, x0 : x1 + 1].sum() > _MOST_COLOR * inked
        ):
            printed.append(word.box)
    rest = _blanked(ink.colored, printed, ink.scale)
    mask = np.asarray(cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((2, 2), np.uint8)), dtype=np.uint8)
    return replace(ink, mask=mask, depth=ink.depth * mask, colored=mask)


def _closed(layer: Ink) -> Ink:
    """The same without the gaps where print crosses it."""
    reach = layer.pixels(_CROSSED, 2)
    closed = cv2.morphologyEx(layer.mask, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    mask = np.asarray(closed, dtype=np.uint8)
    depth = np.asarray(cv2.max(layer.depth, mask * _FILLED), dtype=np.uint8)
    return replace(layer, mask=mask, depth=depth, colored=mask)


def _blanked(mask: Grid, boxes: Sequence[Box], scale: float) -> Grid:
    rest: Grid = mask.copy()
    for box in boxes:
        rest[int(box.y0 * scale) : int(box.y1 * scale) + 2, int(box.x0 * scale) : int(box.x1 * scale) + 2] = 0
    return rest


def _is_around(frame: Box, box: Box) -> bool:
    """Whether a frame is what goes around another mark: a ring around words, a box."""
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    if not (frame.x0 <= x <= frame.x1 and frame.y0 <= y <= frame.y1):
        return False
    area = (frame.x1 - frame.x0) * (frame.y1 - frame.y0)
    return area <= _RINGED * max((box.x1 - box.x0) * (box.y1 - box.y0), 1.0)


def _over_print(ink: Ink, skew: float, found: Sequence[Mark]) -> list[Mark]:
    """Frames that are put together from their lines."""
    marks = []
    for box in frames_over_print(ink, skew, _FRAME_TILT):
        x, y, w, h = (round(v * ink.scale) for v in (box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0))
        inside = ink.mask[y + h // 4 : y + h - h // 4, x + w // 5 : x + w - w // 5]
        said = inside.size > 0 and float(inside.mean()) >= _WRITTEN
        if said and all(_gap(box, mark.box) > 0 for mark in found):
            marks.append(Mark("stamp", box, 0.85))
    return marks


def _round(ink: Ink, found: Sequence[Mark]) -> list[Mark]:
    """Round frames that print runs into."""
    return [
        Mark("stamp", box, 0.85)
        for box in ovals_over_print(ink)
        if all(_gap(box, mark.box) > 0 for mark in found)
    ]


def _turned_words(words: Sequence[Word]) -> list[Mark]:
    """Words of a recogniser that run up the page among words that do not."""
    tall = [word for word in words if word.confidence is not None and _is_turned(word)]
    if not tall or len(tall) > 0.5 * len(words):
        return []
    groups: list[list[Word]] = []
    for word in sorted(tall, key=lambda one: (one.box.x0, one.box.y0)):
        near = next((g for g in groups if any(_gap(word.box, one.box) <= _TURNED_REACH for one in g)), None)
        if near is None:
            groups.append([word])
        else:
            near.append(word)
    found = []
    for group in groups:
        letters = sum(sum(char.isalnum() for char in word.text) for word in group)
        if len(group) < _TURNED_WORDS and letters < 2 * _TURNED_LETTERS:
            continue
        box = _around([word.box for word in group])
        text = " ".join(word.text for word in group)
        found.append(Mark("stamp", box, 0.9 if letters >= 8 else 0.75, text=text))
    return found


def _is_turned(word: Word) -> bool:
    letters = sum(char.isalnum() for char in word.text)
    width, height = word.box.x1 - word.box.x0, word.box.y1 - word.box.y0
    return letters >= _TURNED_LETTERS and height >= 1.6 * width and height >= 3.0 * letters


def _framed(
    labels: Grid,
    stats: Grid,
    scale: float,
    skew: float,
    letters: Grid | None = None,
    *,
    straight: bool = False,
) -> list[Mark]:
    """Frames that are round or turned, with letters inside; ``straight``: also those along the page."""
    letters = stats if letters is None else letters
    width, height = stats[:, 2] / scale, stats[:, 3] / scale
    likely = (np.maximum(width, height) >= _LONG[0]) & (np.maximum(width, height) <= _LONG[1])
    likely &= (np.minimum(width, height) >= _SHORT[0]) & (np.minimum(width, height) <= _LONG[1])
    likely[0] = False
    found = []
    for label in map(int, np.flatnonzero(likely)):
        x, y, w, h, area = (int(value) for value in stats[label])
        if area > 0.5 * w * h:
            continue
        crop = (labels[y : y + h, x : x + w] == label).astype(np.uint8)
        score = _frame_score(crop, skew, straight=straight)
        if score <= 0 or not _letters_inside(letters, x, y, w, h, scale):
            continue
        box = Box(x / scale, y / scale, (x + w) / scale, (y + h) / scale)
        found.append(Mark("stamp", box, round(score, 3)))
    return found


def _frame_score(crop: Grid, skew: float, *, straight: bool = False) -> float:
    """How certainly a component is the frame of a stamp; 0: it is none."""
    drawn = cv2.copyMakeBorder(crop, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=0)
    contours, _ = cv2.findContours(
        cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)),
        cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE,
    )  # fmt: skip
    contour = max(contours, key=cv2.contourArea)
    area = float(cv2.contourArea(contour))
    if area < _HOLLOW * float(crop.sum()):
        return 0.0
    _, (a, b), _ = cv2.minAreaRect(contour)
    if min(a, b) < 1:
        return 0.0
    share = area / (a * b)
    if share >= _RECTANGLE:
        tilt = abs(_angle(contour) - skew)
        return 0.93 if _TILT[0] <= tilt <= _TILT[1] else _STRAIGHT if straight and tilt < _TILT[0] else 0.0
    if len(contour) >= 5:
        (_, axes, _) = cv2.fitEllipse(contour)
        oval = area / (math.pi / 4 * axes[0] * axes[1])
        if _ROUND[0] <= oval <= _ROUND[1] and 0.72 <= share <= 0.86:
            return 0.9
    return 0.0


def _angle(contour: Grid) -> float:
    """Degrees by which the long side of the tightest rectangle falls to the right."""
    (x, y), (w, h), _ = cv2.minAreaRect(contour)
    corners = cv2.boxPoints(((x, y), (w, h), _))
    sides = [corners[(i + 1) % 4] - corners[i] for i in range(2)]
    long = max(sides, key=lambda side: float(np.hypot(*side)))
    angle = math.degrees(math.atan2(float(long[1]), float(long[0])))
    return (angle + 90) % 180 - 90


def _letters_inside(stats: Grid, x: int, y: int, w: int, h: int, scale: float) -> bool:
    """Whether some letters stand in a frame; those that run together count by their width."""
    low, high = (size * scale for size in _LETTER_POINTS)
    cx, cy = stats[:, 0] + stats[:, 2] / 2, stats[:, 1] + stats[:, 3] / 2
    inside = (cx > x + 0.1 * w) & (cx < x + 0.9 * w) & (cy > y + 0.1 * h) & (cy < y + 0.9 * h)
    inside &= (stats[:, 3] >= low) & (stats[:, 3] <= _JOINED * high) & (stats[:, 2] <= 0.9 * w)
    inside &= (stats[:, 3] <= 0.8 * h) & (stats[:, 4] >= 0.15 * stats[:, 2] * stats[:, 3])
    return float(np.maximum(stats[inside, 2] / stats[inside, 3], 1).sum()) >= _LETTERS


def _bare(
    layer: Grid, words: Sequence[Word], scale: float, skew: float, taken: Sequence[Box], least: int = _LETTERS
) -> list[Mark]:
    """Rows of letters without a frame that lie askew of the page, ``least`` of them at least."""
    rest = _blanked(layer, taken, scale)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rest, connectivity=8)
    low, high = (size * scale for size in _LETTER_POINTS)
    letter = (
        (stats[:, 3] >= low)
        & (stats[:, 3] <= high)
        & (stats[:, 2] <= 1.6 * high)
        & (stats[:, 2] >= 0.15 * low)
    )
    letter &= stats[:, 4] >= 0.18 * stats[:, 2] * stats[:, 3]
    letter[0] = False
    if int(letter.sum()) < _LETTERS:
        return []
    usual = median([word.box.y1 - word.box.y0 for word in words]) * scale if words else 0.0
    mask = np.zeros(count, np.uint8)
    mask[letter] = 1
    only = mask[labels]
    reach = max(round(5.0 * scale), 3)
    joined = cv2.morphologyEx(
        only, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    )
    _, blobs, around, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    members = blobs[
        np.clip((stats[:, 1] + stats[:, 3] // 2), 0, blobs.shape[0] - 1),
        np.clip((stats[:, 0] + stats[:, 2] // 2), 0, blobs.shape[1] - 1),
    ]
    found = []
    for blob in range(1, len(around)):
        x, y, w, h, _ = (int(value) for value in around[blob])
        long, short = max(w, h) / scale, min(w, h) / scale
        if not (_LONG[0] <= long <= _LONG[1] and short >= _SHORT[0]):
            continue
        mine = [int(n) for n in np.flatnonzero(letter & (members == blob))]
        if len(mine) < least or not _is_row(stats, mine, usual, skew):
            continue
        box = Box(x / scale, y / scale, (x + w) / scale, (y + h) / scale)
        found.append(Mark("stamp", box, 0.8))
    return found


def _is_row(stats: Grid, letters: Sequence[int], usual: float, skew: float) -> bool:
    """Whether some letters stand in one straight row that is turned against the page."""
    if not _LETTERS <= len(letters) <= 40:
        return False
    heights = [float(stats[n, 3]) for n in letters]
    typical = median(heights)
    if max(heights) > _ALIKE * typical or min(heights) < typical / _ALIKE or typical < 0.8 * usual:
        return False
    xs = np.array([stats[n, 0] + stats[n, 2] / 2 for n in letters])
    ys = np.array([stats[n, 1] + stats[n, 3] / 2 for n in letters])
    if xs.max() - xs.min() < 1.6 * typical:
        return False
    slope, base = np.polyfit(xs, ys, 1)
    off = float(np.abs(ys - (slope * xs + base)).max())
    tilt = abs(math.degrees(math.atan(float(slope))) - skew)
    rise = abs(float(slope) - math.tan(math.radians(skew))) * (xs.max() - xs.min())
    return off <= 0.28 * typical and _BARE_TILT <= tilt <= _TILT[1] and rise >= 0.22 * typical


def _gap(one: Box, other: Box) -> float:
    across = max(one.x0 - other.x1, other.x0 - one.x1, 0.0)
    down = max(one.y0 - other.y1, other.y0 - one.y1, 0.0)
    return max(across, down)


def _around(boxes: Sequence[Box]) -> Box:
    return Box(
        min(b.x0 for b in boxes), min(b.y0 for b in boxes), max(b.x1 for b in boxes), max(b.y1 for b in boxes)
    )


def _merged(found: Sequence[Mark]) -> list[Mark]:
    """Stamps that lie in one another as one: a double frame, a frame and its letters."""
    out: list[Mark] = []
    for mark in sorted(found, key=lambda one: -(one.box.x1 - one.box.x0) * (one.box.y1 - one.box.y0)):
        near = next((n for n, one in enumerate(out) if _gap(one.box, mark.box) <= 3.0), None)
        if near is None:
            out.append(mark)
        else:
            one = out[near]
            text = one.text or mark.text
            out[near] = Mark("stamp", _around([one.box, mark.box]), max(one.score, mark.score), text=text)
    return out
