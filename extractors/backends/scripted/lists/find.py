"""What a list has on a document, where no table with figures is its."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.lists.blocks import entries_of, references_of
from extractors.backends.scripted.lists.entry_fields import rows_of
from extractors.backends.scripted.lists.grids import labelled_rows, text_rows
from extractors.backends.scripted.lists.inner import inner_lists
from extractors.backends.scripted.lists.roles import Role, role_of
from extractors.backends.scripted.lists.sections import sections_of
from extractors.backends.scripted.lists.slips import slip_rows
from extractors.backends.scripted.lists.values import find_values
from extractors.backends.scripted.lists.wanted import Wanted
from extractors.backends.scripted.lists.works import fields_of_works, works_of
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Line
from extractors.backends.scripted.tables import Row
from schemas.tree import NUMERIC, Kind

_DATES = (Role.START, Role.END, Role.PERIOD, Role.DATE)
_WORKS = frozenset({"publications", "references"})
_SUMS = frozenset({"amount", "net", "gross", "tax"})
_PLAIN = frozenset(
    ["skills", "languages", "keywords", "authors", "interests", "participants", "attachments", "allergies",
     "ingredients", "directors", "memberships"]
)  # fmt: skip
"""Topics whose items are a name first, whatever else is asked of them."""


def find_items(wanted: Wanted, scene: Scene, room: int) -> list[Row]:
    """The items of a list, each by the paths of its fields (empty for single values); at most ``room``."""
    if wanted.leaf is not None:
        if wanted.leaf.grounding != "span":
            return []
        return [{"": found} for found in find_values(wanted, scene, room)]
    goals = [goal for goal in wanted.goals if "[]" not in goal.path and goal.leaf.grounding != "free"]
    copied = [goal for goal in goals if goal.leaf.grounding == "span"]
    told = [goal for goal in goals if goal in copied or role_of(goal) is Role.LASTS]
    if not copied:
        return []
    return (
        slip_rows(goals, scene, room)
        or text_rows(copied, scene, room)
        or labelled_rows(copied, scene, room)
        or _entries(wanted, told, scene)[:room]
        or _names(wanted, copied, scene, room)
    )


def _entries(wanted: Wanted, goals: Sequence[Goal], scene: Scene) -> list[Row]:
    """The entries of the sections whose heading names the list."""
    if sum(goal.kind in NUMERIC and goal.leaf.kind is not Kind.INTEGER for goal in goals) > 1:
        return []  # figures stand in tables
    lists = inner_lists(wanted)
    dated = any(role_of(goal) in _DATES for goal in goals)
    if wanted.topics & _WORKS and "title" in fields_of_works(goals):
        return [
            row
            for section in sections_of(wanted, scene.lines)
            for row in works_of(references_of(section.lines), goals, lists)
        ]
    figures = any(goal.kind in NUMERIC for goal in goals)
    return [
        row
        for section in sections_of(wanted, scene.lines)
        for row in rows_of(
            entries_of(_before_sum(section.lines) if figures else section.lines, dated), goals, scene, lists
        )
    ]


def _before_sum(lines: Sequence[Line]) -> list[Line]:
    """The lines of a section up to one that begins with the name of a sum."""
    return list(takewhile(lambda line: not line.tokens[0].concepts & _SUMS, lines))


def _names(wanted: Wanted, goals: Sequence[Goal], scene: Scene, room: int) -> list[Row]:
    """Items of which the page tells no more than their names."""
    main = [goal for goal in goals if role_of(goal) is Role.TITLE or wanted.named(goal.path) >= 1.0]
    if not main or not (wanted.topics & _PLAIN or len(goals) == 1):
        return []
    goal = main[0]
    single = replace(goal, leaf=replace(goal.leaf, format=None))
    as_values = replace(wanted, node=replace(wanted.node, item=goal.leaf), single=single)
    return [{goal.path: found} for found in find_values(as_values, scene, room)]
