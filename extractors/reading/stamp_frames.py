"""Frames of stamps that lie over print: four straight lines askew of the page, found line by line.

What a stamp is set upon runs into its frame, and so the frame is no shape of its own any more. Its lines are still
there: two long ones side by side, and at least one across their ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from extractors.reading.ink import Grid, Ink
from schemas.document import Box

_SEEN_AT = 1.2
"""Pixels per point that lines are sought at."""
_LARGE = 26.0
"""Only shapes of this size can hold a line of a frame."""
_LINE, _SIDE = 30.0, 6.0
"""Length of a long line, and of a part of any, at least."""
_LONGEST = 230.0
_APART = (12.0, 110.0)
"""Distance of the long lines of a frame."""
_ALONG, _OFF = 14.0, 1.8
"""Parts of one line leave gaps up to so many points where print crosses it, and lie so far off it at most."""
_OVERLAP = 0.75
_ACROSS = 0.5
_NEAR_END = 5.0
_SPREAD = 1.6
"""Lines of one frame differ by so many degrees at most."""
_MOST = 3
"""A page with more of them is a bent form, and none of them a stamp."""

Segments = NDArray[np.float64]
"""A row for each: ``x0, y0, x1, y1`` in points."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """A line in the frame's own directions: where it lies across, and from where to where along."""

    off: float
    start: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.start


def segments_of(grey: Grid, scale: float) -> Segments:
    """The straight parts of a picture's edges, in points.

    Args:
        grey: rows by columns.
        scale: pixels per point.
    """
    found: Grid | None = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(grey)[0]
    if found is None:  # as OpenCV says that there is none
        return np.empty((0, 4))
    lines = np.asarray(found, dtype=np.float64).reshape(-1, 4) / scale
    return lines[np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]) >= _SIDE]


def tilts_of(lines: Segments, skew: float) -> Segments:
    """Of each line, by how many degrees it lies off the page's two directions, -45 to 45."""
    angles = np.degrees(np.arctan2(lines[:, 3] - lines[:, 1], lines[:, 2] - lines[:, 0])) - skew
    return (angles + 45) % 90 - 45


def main_tilt(lines: Segments, tilts: Segments, bounds: tuple[float, float]) -> float | None:
    """The tilt that the most length of line has, of those within bounds; ``None``: there is none."""
    tilted = (np.abs(tilts) >= bounds[0]) & (np.abs(tilts) <= bounds[1])
    if not tilted.any():
        return None
    lengths = np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1])
    weights = [float(lengths[tilted & (np.abs(tilts - tilt) <= _SPREAD)].sum()) for tilt in tilts[tilted]]
    return float(tilts[tilted][int(np.argmax(weights))])


def frames_over_print(ink: Ink, skew: float, bounds: tuple[float, float]) -> list[Box]:
    """The frames askew of a page.

    Args:
        ink: of the page.
        skew: degrees by which its lines fall.
        bounds: degrees that a frame lies askew, least and most.
    """
    labels, stats = ink.components
    large = np.maximum(stats[:, 2], stats[:, 3]) >= _LARGE * ink.scale
    large[0] = False
    if not large.any():
        return []
    picture = np.where(large[labels], 255 - ink.depth, 255).astype(np.uint8)
    share = min(_SEEN_AT / ink.scale, 1.0)
    lines = segments_of(
        cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), share * ink.scale
    )
    tilts = tilts_of(lines, skew)
    found: list[Box] = []
    for _ in range(_MOST + 2):
        tilt = main_tilt(lines, tilts, bounds)
        if tilt is None:
            break
        mine = np.abs(tilts - tilt) <= _SPREAD
        found += _frames(lines[mine], math.radians(tilt + skew))
        lines, tilts = lines[~mine], tilts[~mine]
    return found if len(found) <= _MOST else []


def _frames(lines: Segments, turn: float) -> list[Box]:
    """The rectangles that lines of one tilt make."""
    cos, sin = math.cos(turn), math.sin(turn)
    turned = np.stack(
        [
            lines[:, 0] * cos + lines[:, 1] * sin, lines[:, 1] * cos - lines[:, 0] * sin,
            lines[:, 2] * cos + lines[:, 3] * sin, lines[:, 3] * cos - lines[:, 2] * sin,
        ],
        axis=1,
    )  # fmt: skip
    flat = np.abs(turned[:, 2] - turned[:, 0]) >= np.abs(turned[:, 3] - turned[:, 1])
    along, across = _edges(turned[flat]), _edges(turned[~flat][:, [1, 0, 3, 2]])
    boxes: list[Box] = []
    taken: list[tuple[float, float, float, float]] = []
    long = [edge for edge in along if _LINE <= edge.length <= _LONGEST]
    pairs = [
        pair for pair in combinations(long, 2) if _APART[0] <= abs(pair[0].off - pair[1].off) <= _APART[1]
    ]
    for one, other in sorted(pairs, key=lambda pair: -abs(pair[0].off - pair[1].off)):
        shared = min(one.end, other.end) - max(one.start, other.start)
        if shared < _OVERLAP * max(one.length, other.length):
            continue
        top, bottom = sorted((one.off, other.off))
        start, end = min(one.start, other.start), max(one.end, other.end)
        closed = any(
            min(abs(side.off - start), abs(side.off - end)) <= _NEAR_END
            and min(side.end, bottom) - max(side.start, top) >= _ACROSS * (bottom - top)
            for side in across
        )
        inside = any(
            a - 4 <= start and end <= b + 4 and c - 4 <= top and bottom <= d + 4 for a, b, c, d in taken
        )
        if closed and not inside:
            taken.append((start, end, top, bottom))
            corners = [(u * cos - v * sin, u * sin + v * cos) for u in (start, end) for v in (top, bottom)]
            xs, ys = [x for x, _ in corners], [y for _, y in corners]
            boxes.append(Box(max(min(xs), 0.0), max(min(ys), 0.0), max(xs), max(ys)))
    return boxes


def _edges(lines: Segments) -> list[_Edge]:
    """Lines as edges, parts of one line united."""
    parts = sorted(
        ((y0 + y1) / 2, min(x0, x1), max(x0, x1)) for x0, y0, x1, y1 in lines.tolist()
    )  # fmt: skip
    groups: list[list[tuple[float, float, float]]] = []
    for part in parts:
        if groups and part[0] - groups[-1][0][0] <= _OFF:
            groups[-1].append(part)
        else:
            groups.append([part])
    edges = []
    for group in groups:
        runs: list[list[float]] = []
        for _, start, end in sorted(group, key=lambda part: part[1]):
            if runs and start - runs[-1][1] <= _ALONG:
                runs[-1][1] = max(runs[-1][1], end)
            else:
                runs.append([start, end])
        off = sum(part[0] for part in group) / len(group)
        edges += [_Edge(off, start, end) for start, end in runs]
    return edges
