"""Boxes that a tick has spoiled, beside empty ones: of their form and size, so that their outline can be looked for.

A hook that runs far over a circle, or a cross in a worn square, leaves no outline that could be told by itself. Where
empty boxes stand in the same row or column, the outline of one of them is laid over the ink: where all of it is ink,
and little around it, there is another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from extractors.reading.ink import Grid, Ink

_COVERED = 0.93
"""Of the outline, so much is ink."""
_AROUND = 0.42
"""Of a line around the outline, so much may be ink: what a tick takes, and no letter of a bold word."""
_OVER = 2.3
"""A tick makes a component so many sides wide and high at most."""
_ASKEW = 0.04
"""Rise of a row on a page that lies askew."""
_STEPS = 48


@dataclass(frozen=True, slots=True)
class Outline:
    """Of a box: its upper left corner and side in pixels."""

    x: float
    y: float
    side: float
    round: bool


def is_level(one: Outline, other: Outline) -> bool:
    """Whether one stands beside or below the other, as far as a page may be askew."""
    across, down = abs(one.x - other.x), abs(one.y - other.y)
    return min(across - _ASKEW * down, down - _ASKEW * across) <= 0.5 * max(one.side, other.side)


def spoiled(ink: Ink, empty: Sequence[Outline]) -> Iterator[tuple[Outline, float, int]]:
    """Outlines like those of empty boxes, in ink that is no such box by itself.

    Yields:
        The outline, the share of it that is ink, and the label of its component.
    """
    labels, stats = ink.components
    for model in _kinds(empty):
        side, mine = model.side, [one for one in empty if _is_like(one, model)]
        wide, high = stats[:, 2], stats[:, 3]
        likely = (np.minimum(wide, high) >= 0.85 * side) & (np.maximum(wide, high) <= _OVER * side)
        likely[0] = False
        for label in map(int, np.flatnonzero(likely)):
            x, y, w, h, _ = (int(value) for value in stats[label])
            room = Outline(x + (w - side) / 2, y + (h - side) / 2, max(side, 0.6 * max(w, h)), model.round)
            if not any(is_level(room, one) and not _holds(one, x, y, w, h) for one in mine):
                continue
            crop = (labels[y : y + h, x : x + w] == label).astype(np.uint8)
            found = _laid_over(crop, side, model.round)
            if found is not None:
                left, top, covered = found
                yield Outline(x + left, y + top, side, model.round), covered, label


def _kinds(empty: Sequence[Outline]) -> list[Outline]:
    """One of each form and size."""
    kinds: list[Outline] = []
    for one in empty:
        if not any(_is_like(one, other) for other in kinds):
            kinds.append(one)
    return kinds


def _is_like(one: Outline, other: Outline) -> bool:
    return one.round == other.round and abs(one.side - other.side) <= 0.1 * other.side


def _holds(one: Outline, x: int, y: int, wide: int, high: int) -> bool:
    """Whether the middle of a box lies in a rectangle: it is the empty one itself."""
    middle = one.x + one.side / 2, one.y + one.side / 2
    return x <= middle[0] <= x + wide and y <= middle[1] <= y + high


def _laid_over(crop: Grid, side: float, is_round: bool) -> tuple[float, float, float] | None:
    """Where in a component an outline is all ink, and how much of it is."""
    pad = 4
    near = cv2.copyMakeBorder(crop, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    rows, columns = _points(side - 2, is_round)
    lefts = np.arange(pad - 1, max(near.shape[1] - pad - round(side) + 2, pad + 1))
    tops = np.arange(pad - 1, max(near.shape[0] - pad - round(side) + 2, pad + 1))
    at_row = (tops[:, None, None] + 1 + rows[None, None, :]).clip(0, near.shape[0] - 1)
    at_column = (lefts[None, :, None] + 1 + columns[None, None, :]).clip(0, near.shape[1] - 1)
    covered = near[at_row, at_column].mean(axis=2)
    top, left = (int(n) for n in np.unravel_index(int(covered.argmax()), covered.shape))
    best = float(covered[top, left])
    if best < _COVERED:
        return None
    out = 2.5  # beyond what the line is thick
    rows, columns = _points(side + 2 * out, is_round)
    at_row = (tops[top] - out + rows).round().astype(int).clip(0, near.shape[0] - 1)
    at_column = (lefts[left] - out + columns).round().astype(int).clip(0, near.shape[1] - 1)
    if float(near[at_row, at_column].mean()) > _AROUND:
        return None
    return float(lefts[left] - pad), float(tops[top] - pad), best


def _points(side: float, is_round: bool) -> tuple[Grid, Grid]:
    """Rows and columns of the points of an outline whose upper left corner is 0, 0."""
    if is_round:
        turns = np.linspace(0, 2 * math.pi, _STEPS, endpoint=False)
        return (
            np.rint(side / 2 + side / 2 * np.sin(turns)).astype(int),
            np.rint(side / 2 + side / 2 * np.cos(turns)).astype(int),
        )
    along = np.linspace(0, side, _STEPS // 4, endpoint=False)
    start, end = np.zeros(len(along)), np.full(len(along), side)
    rows = np.concatenate([start, along, end, side - along])
    columns = np.concatenate([along, end, side - along, start])
    return np.rint(rows).astype(int), np.rint(columns).astype(int)
