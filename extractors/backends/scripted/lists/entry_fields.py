"""The fields of entries: periods by their form, the other parts of their first lines by what stands there in most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations, zip_longest

from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.lists.blocks import Entry
from extractors.backends.scripted.lists.forms import goal_finder
from extractors.backends.scripted.lists.inner import Inner, fill_inner
from extractors.backends.scripted.lists.labelled import labelled_fields
from extractors.backends.scripted.lists.periods import Period
from extractors.backends.scripted.lists.roles import (
    Role,
    is_null_while_it_lasts,
    looks_like_organisation,
    looks_like_place,
    looks_like_title,
    organisation_evidence,
    role_of,
    title_evidence,
)
from extractors.backends.scripted.lists.splitting import BULLETS, Stretch, behind_marker
from extractors.backends.scripted.scene import Scene, fits
from extractors.backends.scripted.sheet import Line, Piece, join
from extractors.backends.scripted.tables import Row
from extractors.validation.values import parse_leaf
from schemas.tree import NUMERIC, Kind

_DATED, _NAMED, _LIKELY, _TOLD = 0.85, 0.7, 0.5, 0.8
_MOST_PARTS = 6
_BARS = frozenset("|·")
_DASHES = frozenset("-–—")
_LONG = 4
"""A line of fewer words is not full."""
_TRIM = f" ,;:|·–—-(){BULLETS}"
_HALF, _OFTEN = 0.5, 0.3
_MIXED = 0.34
"""Evidence for one meaning of a part must be so much more than for the other, as shares of all entries."""

Slot = tuple[int, int]
"""Number of the line and of the part on it."""


def rows_of(
    entries: Sequence[Entry], goals: Sequence[Goal], scene: Scene, lists: Sequence[Inner] = ()
) -> list[Row]:
    """A row for each entry; none at all where entries have little of what is asked for."""
    roles = {goal.path: role for goal in goals if (role := role_of(goal)) is not None}
    margin = max((line.tokens[-1].word.box.x1 for line in scene.lines), default=0.0)
    apart = Role.TITLE in roles.values() and Role.ORGANISATION in roles.values()
    parts = [_parts(entry, margin, apart) for entry in entries]
    meant = _meanings(parts, roles, goals)
    text = _first(goals, roles, Role.DESCRIPTION)
    if text is not None and not any(entry.body for entry in entries) and Role.TITLE not in roles.values():
        roles[text.path] = Role.TITLE  # of entries without more, all there is is what describes them
        meant = _meanings(parts, roles, goals)
    rows = []
    for entry, own in zip(entries, parts, strict=True):
        row: Row = {}
        _labelled(row, entry, goals, scene)
        used = {found.line for found, _ in row.values()}
        for goal in goals:
            if goal.path in row:
                continue
            found = _value(goal, roles.get(goal.path), entry, own, meant, used, scene)
            if found is not None and fits(goal, found[0]) is not None:
                row[goal.path] = found
        _exchange(row, goals, roles)
        fill_inner(row, entry, lists, scene)
        rows.append(row)
    wanted = min(2, len(goals) + len(lists))
    full = sum(len(row) >= wanted for row in rows)
    return [row for row in rows if row] if 2 * full >= len(rows) and full else []


def _exchange(row: Row, goals: Sequence[Goal], roles: Mapping[str, Role]) -> None:
    """Gives what stands where titles do to the organisation where it clearly names one, and the other way round."""
    title, organisation = _first(goals, roles, Role.TITLE), _first(goals, roles, Role.ORGANISATION)
    if title is None or organisation is None:
        return
    for one, other, fits_other, fits_one in (
        (title, organisation, looks_like_organisation, looks_like_title),
        (organisation, title, looks_like_title, looks_like_organisation),
    ):
        found = row.get(one.path)
        if (
            found is not None
            and other.path not in row
            and fits_other(found[0].raw)
            and not fits_one(found[0].raw)
        ):
            row[other.path] = (found[0], _LIKELY)
            del row[one.path]


def _value(
    goal: Goal,
    role: Role | None,
    entry: Entry,
    parts: Mapping[Slot, Piece],
    meant: Mapping[str, tuple[Slot, float]],
    used: set[int],
    scene: Scene,
) -> tuple[Piece, float] | None:
    if role is Role.LASTS:
        period = entry.dated[1] if entry.dated is not None else None
        if period is None or not period.is_range:
            return None
        return replace(period.whole, raw="true" if period.lasts else "false"), _DATED
    if role in (Role.START, Role.END, Role.PERIOD, Role.DATE):
        found = _date(goal, role, entry, scene)
        return (found, _DATED) if found is not None else None
    if role is Role.DESCRIPTION:
        return _description(entry)
    if goal.path in meant:
        slot, certainty = meant[goal.path]
        part = parts.get(slot)
        return (part, certainty) if part is not None and part.line not in used else None
    if goal.kind in NUMERIC:
        numbers = [c for line in entry.head for c in scene.values(line, goal.kind) if c.strength >= 1.0]
        return (numbers[0].piece, _LIKELY) if len(numbers) == 1 else None
    finder = goal_finder(goal)
    if finder is not None:
        return next(((one, _TOLD) for line in entry.lines for one in finder(line)), None)
    return None


def _date(goal: Goal, role: Role, entry: Entry, scene: Scene) -> Piece | None:
    """The part of the entry's period that a field asks for, where the field can hold it."""
    period = entry.dated[1] if entry.dated is not None else None
    if period is None:
        return None
    found = _end_of(goal, role, period)
    if found is None or goal.leaf.kind is Kind.TEXT:
        return found
    if goal.leaf.kind is Kind.INTEGER:
        year = found.raw[-4:]
        return Piece(year, found.words[-1:], found.line, found.end - 1, found.end) if year.isdigit() else None
    return found if parse_leaf(found.raw, goal.leaf, scene.style).value is not None else None


def _end_of(goal: Goal, role: Role, period: Period) -> Piece | None:
    if role is Role.START:
        return period.start
    if role is Role.PERIOD:
        return period.whole
    if role is Role.DATE:
        return None if period.lasts and goal.leaf.kind is not Kind.TEXT else period.end
    return None if period.lasts and is_null_while_it_lasts(goal) else period.end


def _description(entry: Entry) -> tuple[Piece, float] | None:
    """All that stands below the head of an entry, as one text."""
    if not entry.body:
        return None
    whole = join([(line, 0, len(line.tokens)) for line in entry.body])
    raw = whole.raw.strip(f" {BULLETS}")
    return replace(whole, raw=raw), _NAMED


def _labelled(row: Row, entry: Entry, goals: Sequence[Goal], scene: Scene) -> None:
    """Adds what labels within the entry tell: ``GPA: 3.6``."""
    own = {line.index for line in entry.lines}
    for index in sorted(own):
        for goal, found, named in labelled_fields(goals, index, scene, own):
            row.setdefault(goal.path, (found, _TOLD * named))


def _parts(entry: Entry, margin: float, apart: bool) -> dict[Slot, Piece]:
    """The parts of an entry's head by line and number, without its period.

    Args:
        entry: with its lines.
        margin: right edge of print; a line that has no room for another word goes on in the next one.
        apart: whether dashes may hold a title and an organisation apart.
    """
    found: dict[Slot, Piece] = {}
    number = 0
    open_part: tuple[Slot, Stretch] | None = None
    for line, below in zip_longest(entry.head, entry.head[1:]):
        if number and any(token.ends_label for token in line.tokens[:3]):
            continue
        own = list(_stretches(line, entry))
        if apart:
            own = [part for one in own for part in _at_dash(one)]
        if open_part is not None and own:
            slot, before = open_part
            found[slot] = _piece([before, own.pop(0)])
            number += not own
        kept = [(stretch, part) for stretch in own if any(map(str.isalpha, (part := _piece([stretch])).raw))]
        open_part = None
        for i, (stretch, part) in enumerate(kept[:_MOST_PARTS]):
            found[number, i] = part
            if stretch[2] == len(line.tokens) and _wraps(line, below, margin):
                open_part = ((number, i), stretch)
        number += bool(kept) and open_part is None
    return found


def _wraps(line: Line, below: Line | None, margin: float) -> bool:
    if below is None or below.page != line.page or len(line.tokens) < _LONG:
        return False
    box = below.tokens[0].word.box
    return line.tokens[-1].word.box.x1 + box.x1 - box.x0 > margin


def _stretches(line: Line, entry: Entry) -> Iterator[Stretch]:
    """The parts of a line: its cells, and what bars in them hold apart."""
    first = behind_marker(line)[1] if entry.marked and line is entry.lines[0] else 0
    taken = range(0)
    if entry.dated is not None and entry.dated[0] is line:
        whole = entry.dated[1].whole
        taken = range(whole.start, whole.end)
    start: int | None = None
    for i in range(first, len(line.tokens) + 1):
        ends = i == len(line.tokens) or i in taken or line.tokens[i].text in _BARS
        ends = ends or (start is not None and line.tokens[i].cell != line.tokens[start].cell)
        glued = not ends and line.tokens[i].text[:1] == "|"
        if (ends or glued) and start is not None:
            yield line, start, i
            start = None
        if i < len(line.tokens) and i not in taken and line.tokens[i].text not in _BARS and start is None:
            start = i


def _at_dash(stretch: Stretch) -> list[Stretch]:
    """A part in two, at a dash between what names an organisation and what does not."""
    line, start, end = stretch
    for i in range(start + 1, end - 1):
        if line.tokens[i].text in _DASHES:
            left, right = _piece([(line, start, i)]).raw, _piece([(line, i + 1, end)]).raw
            if looks_like_organisation(left) != looks_like_organisation(right):
                return [(line, start, i), (line, i + 1, end)]
    return [stretch]


def _piece(stretches: Sequence[Stretch]) -> Piece:
    """A part without what holds it apart from others."""
    whole = join(stretches)
    balanced = whole.raw.count("(") == whole.raw.count(")")
    raw = whole.raw.strip(_TRIM if not balanced else _TRIM.replace("(", "").replace(")", ""))
    return replace(whole, raw=raw)


def _meanings(
    parts: Sequence[Mapping[Slot, Piece]], roles: Mapping[str, Role], goals: Sequence[Goal]
) -> dict[str, tuple[Slot, float]]:
    """By field, the part that it is in all entries, with how certain that is."""
    evidence: dict[Role, dict[Slot, float]] = {role: defaultdict(float) for role in Role}
    often: dict[Slot, int] = defaultdict(int)
    for own in parts:
        for slot, part in own.items():
            often[slot] += 1
            evidence[Role.ORGANISATION][slot] += organisation_evidence(part.raw) / len(parts)
            evidence[Role.TITLE][slot] += title_evidence(part.raw) / len(parts)
            evidence[Role.PLACE][slot] += looks_like_place(part.raw) / len(parts)
    slots = sorted(slot for slot, count in often.items() if count >= _OFTEN * len(parts))[:_MOST_PARTS]
    found: dict[str, tuple[Slot, float]] = {}
    place = _first(goals, roles, Role.PLACE)
    if place is not None and slots:
        best = max(slots, key=lambda slot: evidence[Role.PLACE][slot])
        if evidence[Role.PLACE][best] >= 0.5:
            found[place.path] = (best, _NAMED)
    slots = [slot for slot in slots if slot not in {one for one, _ in found.values()}]
    slots = [slot for slot in slots if evidence[Role.PLACE][slot] < 0.5]
    title, organisation = _first(goals, roles, Role.TITLE), _first(goals, roles, Role.ORGANISATION)
    if title is not None and organisation is not None:
        return found | _told_apart(slots, title, organisation, evidence)
    only = title or organisation
    if only is not None and slots:
        role = roles[only.path]
        best = max(slots, key=lambda slot: (evidence[role][slot], -slot[0], -slot[1]))
        if only is title or evidence[role][best] >= _HALF:
            found[only.path] = (best, _NAMED if evidence[role][best] else _LIKELY)
    return found


def _first(goals: Sequence[Goal], roles: Mapping[str, Role], role: Role) -> Goal | None:
    return next((goal for goal in goals if roles.get(goal.path) is role), None)


def _told_apart(
    slots: Sequence[Slot],
    title: Goal,
    organisation: Goal,
    evidence: Mapping[Role, Mapping[Slot, float]],
) -> dict[str, tuple[Slot, float]]:
    """Which part is the title and which the organisation, by what speaks for it in all entries; none by chance."""
    speaks, names = evidence[Role.TITLE], evidence[Role.ORGANISATION]

    def weight(one: Slot, other: Slot) -> float:
        return speaks[one] + names[other] - speaks[other] - names[one]

    pairs = sorted(permutations(slots, 2), key=lambda pair: (-weight(*pair), pair))
    if not pairs:
        if len(slots) == 1 and max(speaks[slots[0]], names[slots[0]]) > 0:
            goal = title if speaks[slots[0]] >= names[slots[0]] else organisation
            return {goal.path: (slots[0], _LIKELY)}
        return {}
    one, other = pairs[0]
    if weight(one, other) < _MIXED:
        return {}
    return {title.path: (one, _NAMED), organisation.path: (other, _NAMED)}
