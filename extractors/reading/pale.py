"""Thin pale lines: the ink of outlines that are too weak, or broken by too much grain, for `ink` to keep together.

Grain is told from lines by their length: along a line a mean over some points keeps its depth, and of grain little is
left. So less depth is enough there. Letters run together under it: outlines are all that is looked for in it.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from extractors.reading.ink import Grid, Ink, ink_depth

_ALONG_POINTS = 3.2
"""Length of the mean along a line."""
_SHARE = 0.5
"""Of the depth that is ink by itself, so much is, along a line."""
_LEAST = 7.0
_GRAIN = 4.0
"""A mean along a line is deeper than so many of its own deviations on bare paper."""
_AFRAID = 1.15
"""Ink is deeper than usual by this factor where the grain of the paper says so."""
_ITSELF = 0.55
"""Each pixel of a line has so much of the depth that the line must have."""


def pale_inks(ink: Ink) -> list[Ink]:
    """The ink of a page with its pale lines, at one depth or two: the deeper one where `ink` was afraid of grain.

    Blurred lines are fat at the lower depth, and grainy ones come apart at the higher.
    """
    depth = ink.depth
    length = ink.pixels(_ALONG_POINTS, 3) | 1
    along = cv2.max(cv2.blur(depth, (length, 1)), cv2.blur(depth, (1, length)))
    usual, least = ink_depth(depth), max(_LEAST, _bare(along))
    levels = {max(least, _SHARE * usual)}
    if ink.threshold > _AFRAID * usual:
        levels.add(max(least, usual))
    found = []
    for level in sorted(levels, reverse=True):
        mask = ((along >= level) & (depth >= _ITSELF * level)) | (ink.mask > 0)
        found.append(replace(ink, mask=mask.astype(np.uint8)))
    return found


def _bare(along: Grid) -> float:
    """How deep a mean along a line is on bare paper, at most: by the lower half of the page, where no print is."""
    low, middle = np.percentile(along[::3, ::3], (16, 50))
    return float(middle + _GRAIN * max(middle - low, 0.5))
