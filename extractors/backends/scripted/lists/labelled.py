"""What labels with a colon tell of the fields of an item."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from extractors.backends.scripted.fields import values_of
from extractors.backends.scripted.labels import Goal, score
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Piece

NAMED = 0.6
"""A label names a field at least so well."""


def labelled_fields(
    goals: Sequence[Goal], index: int, scene: Scene, within: Container[int]
) -> Iterator[tuple[Goal, Piece, float]]:
    """The values behind the labels of a line, each for the field that its label names best, with how well it does.

    Args:
        goals: the fields.
        index: of the line.
        scene: the document.
        within: lines on which a value may stand.
    """
    for run in scene.runs.get(index, ()):
        if not run.tokens[-1].ends_label:
            continue
        best = max(goals, key=lambda goal: score(goal, run))
        named = score(best, run)
        if named < NAMED:
            continue
        found = next((one for one, _ in values_of(best, run, scene) if one.line in within), None)
        if found is not None:
            yield best, found, named
