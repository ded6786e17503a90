"""What stamps say: each is turned upright and cut out, so that the recogniser can read it as a line.

A text layer has no words for a stamp, and a recogniser passes over print that lies askew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from extractors.reading.ink import Grid, Pixels, colored_of
from extractors.reading.request import Raster, Strips
from extractors.reading.stamp_frames import main_tilt, segments_of, tilts_of
from schemas.document import Box, Mark

_MOST = 4
"""Stamps of a page that are read."""
_HEIGHT = 56
"""Pixels that a strip is high at most: the recogniser reads at 48."""
_INSET = 0.17
"""Share of its height and width that the frame of a stamp takes at most."""
_SIDES, _INKED, _ROW = 0.2, 0.06, (0.14, 0.5)
"""Of a strip: what is left out at the sides, ink in a row of pixels with letters, and how high lines are."""
_HIGH_WIDE = 0.36
"""A strip that is higher, of its width, has more than one line."""
_LETTERS = 3
_COLORED = (0.3, 0.97)
"""Share of coloured ink in a stamp that lies over black print."""
_TILTED = (2.2, 40.0)


def strips_of(pixels: Pixels, scale: float, marks: Sequence[Mark]) -> Strips | None:
    """The stamps of a page whose text is not known, print below them or not; ``None``: there are none.

    Args:
        pixels: of the upright page, rows by columns by blue, green, red.
        scale: pixels per point.
        marks: of the page.
    """
    stamps = [n for n, mark in enumerate(marks) if mark.kind == "stamp" and not mark.text]
    cut = [(n, _upright(pixels, marks[n].box, scale)) for n in stamps[:_MOST]]
    if not cut:
        return None
    width, height = max(strip.shape[1] for _, strip in cut), sum(strip.shape[0] for _, strip in cut)
    sheet = np.full((height, width, 3), 255, np.uint8)
    boxes: list[tuple[float, float, float, float]] = []
    owners: list[int] = []
    top = 0
    for n, strip in cut:
        h, w = strip.shape[:2]
        sheet[top : top + h, :w] = strip
        dx, dy = _INSET * h, _INSET * h
        mine = [(0.0, float(top), float(w), float(top + h)), (dx, top + dy, w - dx, top + h - dy)]
        mine += [(dx, top + y0, w - dx, top + y1) for y0, y1 in _rows(strip)]
        boxes += mine
        owners += [n] * len(mine)
        top += h
    return Strips(Raster(width, height, sheet.tobytes()), tuple(boxes), tuple(owners))


def with_texts(marks: Sequence[Mark], owners: Sequence[int], texts: Sequence[str]) -> tuple[Mark, ...]:
    """The marks with what was read in them: of several readings of one all, since a frame spoils some."""
    said: dict[int, list[str]] = {}
    for owner, text in zip(owners, texts, strict=False):
        if sum(char.isalnum() for char in text) >= _LETTERS and text not in said.setdefault(owner, []):
            said[owner].append(text)
    return tuple(
        replace(mark, text=" ".join(said[n])) if said.get(n) and mark.kind == "stamp" else mark
        for n, mark in enumerate(marks)
    )


def _rows(strip: Grid) -> list[tuple[float, float]]:
    """The lines of an upright stamp that has two or three, by the paper between them; none where it has one."""
    grey = cv2.cvtColor(strip, cv2.COLOR_BGR2GRAY)
    dark = grey <= cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0]
    high, wide = dark.shape
    middle = dark[:, round(_SIDES * wide) : round((1 - _SIDES) * wide)].mean(axis=1)
    inked = np.concatenate(([False], middle >= _INKED, [False]))
    edges = np.flatnonzero(inked[1:] != inked[:-1]).reshape(-1, 2)
    rows = [(float(y0) - 1, float(y1) + 1) for y0, y1 in edges.tolist() if y1 - y0 >= _ROW[0] * high]
    rows = [row for row in rows if row[1] - row[0] <= _ROW[1] * high]
    return rows if len(rows) > 1 else []


def _upright(pixels: Pixels, box: Box, scale: float) -> Grid:
    """A stamp turned so that its long side lies along the page, as a strip."""
    margin = 2.0
    x0, y0 = max(int((box.x0 - margin) * scale), 0), max(int((box.y0 - margin) * scale), 0)
    crop = pixels[y0 : int((box.y1 + margin) * scale) + 1, x0 : int((box.x1 + margin) * scale) + 1]
    crop = _without_print(crop)
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    dark = (grey <= level).astype(np.uint8)
    if not dark.any():
        return crop
    points = cv2.findNonZero(dark)
    (cx, cy), (w, h), _ = cv2.minAreaRect(points)
    corners = cv2.boxPoints(cv2.minAreaRect(points))
    long = max((corners[(i + 1) % 4] - corners[i] for i in range(2)), key=lambda side: float(np.hypot(*side)))
    angle = (math.degrees(math.atan2(float(long[1]), float(long[0]))) + 90) % 180 - 90
    framed = _tilt_of_frame(grey, scale, box)
    if framed is not None and abs(framed - angle) > 2.0:
        angle, (cx, cy) = framed, (crop.shape[1] / 2, crop.shape[0] / 2)
        w, h = _sides(crop.shape[1], crop.shape[0], abs(math.radians(framed)))
    wide, high = max(round(max(w, h)) + 4, 8), max(round(min(w, h)) + 4, 8)
    turn: Grid = cv2.getRotationMatrix2D((float(cx), float(cy)), angle, 1.0)
    turn[:, 2] += np.array([wide / 2 - cx, high / 2 - cy])
    strip = cv2.warpAffine(crop, turn, (wide, high), flags=cv2.INTER_LINEAR, borderValue=(255, 255, 255))
    most = _HEIGHT if high <= _HIGH_WIDE * wide else 2 * _HEIGHT
    if high > most:
        size = (max(round(wide * most / high), 8), most)
        strip = cv2.resize(strip, size, interpolation=cv2.INTER_AREA)
    return strip


def _without_print(crop: Pixels) -> Pixels:
    """The coloured ink alone, where a coloured stamp lies over black print."""
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    dark = grey <= cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0]
    colored = colored_of(crop) > 0
    if not dark.any() or not _COLORED[0] <= float((dark & colored).sum()) / float(dark.sum()) <= _COLORED[1]:
        return crop
    around = cv2.dilate(colored.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.where(around[..., None], crop, np.uint8(255))


def _tilt_of_frame(grey: Grid, scale: float, box: Box) -> float | None:
    """Degrees by which the lines of a frame fall; ``None`` where most lines are the page's, or there are none."""
    lines = segments_of(grey, scale)
    tilts = tilts_of(lines, 0.0)
    tilt = main_tilt(lines, tilts, _TILTED)
    if tilt is None:
        return None
    mine = lines[np.abs(tilts - tilt) <= 2.0]
    length = float(np.hypot(mine[:, 2] - mine[:, 0], mine[:, 3] - mine[:, 1]).sum())
    return tilt if length >= 1.5 * max(box.x1 - box.x0, box.y1 - box.y0) else None


def _sides(wide: int, high: int, turn: float) -> tuple[float, float]:
    """Sides of the rectangle, turned so, that just fits into a box of these sides."""
    cos, sin = math.cos(turn), math.sin(turn)
    spread = cos * cos - sin * sin
    if spread < 0.2:
        return float(wide), float(high)
    return max((wide * cos - high * sin) / spread, 8.0), max((high * cos - wide * sin) / spread, 8.0)
