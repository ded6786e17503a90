"""Words as a recogniser reads them off a photograph: upright boxes around print that is slanted there."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from schemas.document import Box

Place = Callable[[float, float], tuple[float, float]]
"""Where a point of the paper is seen."""
Corners = tuple[tuple[float, float], ...]


def turned(degrees: float) -> Place:
    """By a camera that was held askew."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return lambda x, y: (300 + cosine * x - sine * y, 300 + sine * x + cosine * y)


def from_one_side(paper: Corners, seen: Corners) -> Place:
    """By a camera that sees four corners of the paper there."""
    matrix = cv2.getPerspectiveTransform(np.array(paper, dtype=np.float32), np.array(seen, dtype=np.float32))

    def place(x: float, y: float) -> tuple[float, float]:
        u, v, w = matrix @ (x, y, 1)
        return float(u / w), float(v / w)

    return place


def box_seen(box: Box, place: Place) -> Box:
    """The upright box around what a box of the paper has become."""
    corners = ((box.x0, box.y0), (box.x1, box.y0), (box.x0, box.y1), (box.x1, box.y1))
    xs, ys = zip(*(place(*corner) for corner in corners), strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))
