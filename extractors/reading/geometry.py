"""Turning pages: boxes follow when a page is turned clockwise by quarter turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.document import Box, Word

Quad = NDArray[np.floating]
"""Corners of a line, from the top left one clockwise: shape (4, 2)."""


@dataclass(frozen=True, slots=True)
class Frame2D:
    """Width and height of a page in points, origin at the top left."""

    width: float
    height: float

    def turned(self, quarters: int) -> Frame2D:
        """The frame after ``quarters`` clockwise quarter turns."""
        return Frame2D(self.height, self.width) if quarters % 2 else self

    @property
    def longer(self) -> float:
        """The longer side, in points."""
        return max(self.width, self.height)


UNKNOWN_FRAME = Frame2D(612.0, 792.0)
"""Stands for the size of a page that could not be read at all (US Letter)."""


def turn_box(box: Box, frame: Frame2D, quarters: int) -> Box:
    """Where ``box`` of a page of size ``frame`` lies after the page was turned clockwise."""
    match quarters % 4:
        case 1:
            return Box(frame.height - box.y1, box.x0, frame.height - box.y0, box.x1)
        case 2:
            return Box(
                frame.width - box.x1, frame.height - box.y1, frame.width - box.x0, frame.height - box.y0
            )
        case 3:
            return Box(box.y0, frame.width - box.x1, box.y1, frame.width - box.x0)
        case _:
            return box


def turn_word(word: Word, frame: Frame2D, quarters: int) -> Word:
    """The word with its box turned, see `turn_box`, and its print with it."""
    if not quarters % 4:
        return word
    turned = (word.turned + quarters) % 4
    return Word(word.text, turn_box(word.box, frame, quarters), word.confidence, turned)


def clip_box(box: Box, frame: Frame2D) -> Box:
    """The box kept inside the page, corners in order."""
    x0, x1 = sorted((min(max(box.x0, 0.0), frame.width), min(max(box.x1, 0.0), frame.width)))
    y0, y1 = sorted((min(max(box.y0, 0.0), frame.height), min(max(box.y1, 0.0), frame.height)))
    return Box(x0, y0, x1, y1)


def sides_of(quad: Quad) -> tuple[float, float]:
    """Width and height of what four corners enclose."""
    width = max(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[2] - quad[3]))
    height = max(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[1] - quad[2]))
    return float(width), float(height)
