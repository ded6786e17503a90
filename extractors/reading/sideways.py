"""Print that runs down or up a page whose lines run across it, such as a received stamp: where it stands, what is kept.

In the page as it stands the detector finds pieces of such print, as tall boxes; in a piece of the page that was turned
by a quarter it finds its lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from extractors.reading.geometry import Quad, sides_of

_MOST, _TALL = 4, 200
"""Regions of a page that are turned and read again, and tall boxes, the longest, that are looked at for them."""
_LONG = 2.2
"""Tall boxes beside one another are worth a look where they are so much longer than one of them is thick."""
_LINES = 2.5
"""And so many times as long as the lines of the page are high: a lone 1 is tall and no print that runs down."""
_AROUND, _BESIDE = 2.5, 2.0
"""Tall boxes within so many of their thicknesses, along the print and across, are of one region."""
_MORE, _WIDER = 0.6, 1.5
"""A region reaches further by this share of its length, and by so many thicknesses to its sides."""
_ALONE = 2.0
"""A line is so much longer than high; what is shorter only goes with a line."""
_LETTERS, _ALL_LETTERS = 3, 5
"""Letters and digits of a line, and of all lines of a region."""
_SCORE = 0.7
_GAP = 3.0
"""Heights between a piece and the line that it goes with."""
_LEVEL = 0.5
_COVERED = 0.5
"""A line found across the page that lies to this share under one along it was a piece of that."""

Edges = tuple[float, float, float, float]
Region = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of a turned region: its corners there, what was read, and how surely."""

    quad: Quad
    text: str
    score: float


def regions_of(tall: Sequence[Quad], line: float, width: int, height: int) -> list[Region]:
    """Where print may run down or up a page.

    Args:
        tall: corners of boxes that are taller than wide, in pixels.
        line: height of a usual line of the page.
        width: of the page.
        height: of the page.
    """
    boxes = sorted(
        ((_edges(quad), sides_of(quad)[0]) for quad in tall), key=lambda box: box[0][1] - box[0][3]
    )
    found = []
    for group in _beside_one_another(boxes[:_TALL]):
        x0, y0 = (min(edges[at] for edges, _ in group) for at in (0, 1))
        x1, y1 = (max(edges[at] for edges, _ in group) for at in (2, 3))
        thick, long = max(thickness for _, thickness in group), y1 - y0
        if long >= max(_LONG * thick, _LINES * line):
            more, wider = _MORE * long, _WIDER * thick
            left, top = max(int(x0 - wider), 0), max(int(y0 - more), 0)
            found.append((left, top, min(int(x1 + wider) + 1, width), min(int(y1 + more) + 1, height)))
    found.sort(key=lambda region: region[1] - region[3])
    return found[:_MOST]


def kept(pieces: Sequence[Piece]) -> list[int]:
    """Which lines of a turned region are print, and not pieces of the lines that cross it."""
    chosen = [at for at, piece in enumerate(pieces) if _stands_alone(piece)]
    if sum(letters_in(pieces[at].text) for at in chosen) < _ALL_LETTERS:
        return []
    left = [at for at, piece in enumerate(pieces) if at not in chosen and piece.score >= _SCORE]
    for one in chosen:  # grows while it is walked along
        joined = [at for at in left if _goes_with(pieces[at].quad, pieces[one].quad)]
        chosen += joined
        left = [at for at in left if at not in joined]
    return sorted(chosen)


def way_of(down: Sequence[Piece], up: Sequence[Piece]) -> tuple[bool, list[int]]:
    """Whether the lines of a region run up the page, and which of them are print, read that way.

    Args:
        down: as they read when they run down.
        up: the same lines, as they read when they run up.
    """
    ways = [(pieces, kept(pieces)) for pieces in (down, up)]
    sure = [sum(pieces[at].score * letters_in(pieces[at].text) for at in chosen) for pieces, chosen in ways]
    runs_up = sure[1] > sure[0]
    return runs_up, ways[runs_up][1]


def on_page(quad: Quad, region: Region) -> Quad:
    """Corners in a region that was turned counter-clockwise, as corners on the page, clockwise from the top left."""
    _, y0, x1, _ = region
    points = np.stack([x1 - quad[:, 1], y0 + quad[:, 0]], axis=1)
    return np.asarray(np.roll(points, 1, axis=0), dtype=np.float32)


def uncovered(quads: Sequence[Quad], sideways: Sequence[Quad]) -> list[int]:
    """Which lines of the page are no pieces of print that runs along it."""
    strips = [_edges(quad) for quad in sideways]
    return [
        at for at, quad in enumerate(quads) if all(_share(_edges(quad), strip) < _COVERED for strip in strips)
    ]


def _beside_one_another(boxes: Sequence[tuple[Edges, float]]) -> list[list[tuple[Edges, float]]]:
    """Boxes, with their thickness, in groups of such as are near to one another."""
    left, groups = list(boxes), []
    while left:
        group = [left.pop()]
        for one in group:  # grows while it is walked along
            near = [box for box in left if _near(one, box)]
            left = [box for box in left if not _near(one, box)]
            group += near
        groups.append(group)
    return groups


def letters_in(text: str) -> int:
    """Letters and digits."""
    return sum(map(str.isalnum, text))


def _stands_alone(piece: Piece) -> bool:
    x0, y0, x1, y1 = _edges(piece.quad)
    return piece.score >= _SCORE and letters_in(piece.text) >= _LETTERS and x1 - x0 >= _ALONE * (y1 - y0)


def _goes_with(quad: Quad, line: Quad) -> bool:
    a, b = _edges(quad), _edges(line)
    low = min(a[3] - a[1], b[3] - b[1])
    level = min(a[3], b[3]) - max(a[1], b[1]) >= _LEVEL * low
    return level and max(a[0] - b[2], b[0] - a[2]) <= _GAP * (b[3] - b[1])


def _edges(quad: Quad) -> Edges:
    (x0, y0), (x1, y1) = quad.min(axis=0), quad.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _near(one: tuple[Edges, float], other: tuple[Edges, float]) -> bool:
    (a, thick), (b, thick_too) = one, other
    reach = thick + thick_too
    across = max(a[0] - b[2], b[0] - a[2]) <= _BESIDE * reach
    return across and max(a[1] - b[3], b[1] - a[3]) <= _AROUND * reach


def _share(inner: Edges, outer: Edges) -> float:
    width = min(inner[2], outer[2]) - max(inner[0], outer[0])
    height = min(inner[3], outer[3]) - max(inner[1], outer[1])
    area = max((inner[2] - inner[0]) * (inner[3] - inner[1]), 1e-6)
    return max(width, 0.0) * max(height, 0.0) / area
