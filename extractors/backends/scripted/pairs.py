"""Fields that no label was found for, by the labels and values that are left over on the page.

A form prints pairs: a label with a colon and its value, a label over its box, a label beside it. Whatever a label
means, its form shows that it is one. Of the pairs that no field took, each field that is empty takes the one whose
label says most of what its name and description say: by the same words, by words of the same stem (``Medicines`` for
*medication*), by what is abbreviated (``Est. No.`` for *estimate number*), by the same concept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

from extractors.backends.scripted.columns import has_value_beside
from extractors.backends.scripted.concepts import MODIFIERS, STOP, concepts_of, parts_of
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.letterhead import is_call, names_street
from extractors.backends.scripted.likeness import Asked, are_common, asked_of, explains, rarity_of
from extractors.backends.scripted.scene import ID, Match, Scene
from extractors.backends.scripted.sheet import Line, Piece, numbers_item
from extractors.validation.text import text_key
from schemas.tree import Kind

_MAX_WORDS = 7
_LINES = 2
_LEADING = 2.5
_MODIFIED = 1.5
"""How many times as much one weighs that tells a field of another sort: *due*, *tax*, *delivery*."""
_COVERED = 0.4
"""How much of likeness hangs on how much of the field's name a label says."""
_UNKNOWN = 0.5
"""What a word of a label that a field does not say weighs, beside the rarest one that fields say."""
_LEAST = 0.45
"""Likeness from which on a label is an empty field's."""
_SURE, _WEAK = 0.65, 0.6
"""From which likeness on a label goes before what was found without one, or by a poor one, with a score below that."""
_SCORE, _SLOPE = 0.36, 0.25
_DIGITS = 3
"""That a number which identifies something has at least."""
_SORTS = ("name", "address", "phone", "mail")
"""Of these, a label that says no more is for the only field that is left."""
_LITTLE = frozenset(
    ["full", "complete", "home", "residential", "postal", "mailing", "street", "print", "printed", "private"]
)
_LETTERS = re.compile(r"[^\W\d_]")
_SHORT = re.compile(r"[^\W\d_]{2,}\.:?")


ValueOf = Callable[[Goal, Line, int, int], Piece | None]


@dataclass(frozen=True, slots=True)
class Label:
    """The words of a printed label, and where its value may stand: runs of tokens, the likeliest first."""

    words: tuple[str, ...]
    places: tuple[tuple[Line, int, int], ...]


def fill_leftovers(
    goals: Sequence[Goal],
    chosen: dict[str, Match],
    scene: Scene,
    value_of: ValueOf,
) -> None:
    """Gives empty fields the values of labels that are left over.

    Args:
        goals: all fields that are copied from the page and stand in no list.
        chosen: what was found, by path; added to.
        scene: the document.
        value_of: the value of a field in a run of tokens, if it can be one.
    """
    taken = {(m.piece.line, i) for m in chosen.values() for i in range(m.piece.start, m.piece.end)}
    asked = [asked_of(goal) for goal in goals]
    rarity = rarity_of(asked)
    floor = {path: _SURE for path, match in chosen.items() if match.score < _WEAK}
    wanted = [
        one
        for one in asked
        if (one.goal.path not in chosen or one.goal.path in floor) and not one.goal.means("address")
    ]
    if not wanted:
        return
    found = []
    labels = list(labels_of(scene))
    for label in labels:
        for one in wanted:
            alike = _alike(one, label.words, rarity)
            if alike < floor.get(one.goal.path, _LEAST):
                continue
            piece = _value(one.goal, label, value_of)
            if piece is None or (one.goal.means(*ID) and not _is_code(piece, scene)):
                continue
            if (piece.line, piece.start) not in taken:
                found.append((alike, one.goal, piece))
    found.sort(key=lambda one: (-one[0], one[1].order, one[2].line, one[2].start))
    for alike, goal, piece in found:
        at = {(piece.line, i) for i in range(piece.start, piece.end)}
        if not at & taken and (goal.path not in chosen or goal.path in floor):
            floor.pop(goal.path, None)
            chosen[goal.path] = Match(goal, piece, _SCORE + _SLOPE * (alike - _LEAST))
            taken |= at
    for goal, piece in _last_ones(
        [goal for goal in goals if goal.path not in chosen], labels, value_of, taken
    ):
        chosen[goal.path] = Match(goal, piece, _SCORE)


def _last_ones(
    goals: Sequence[Goal],
    labels: Sequence[Label],
    value_of: ValueOf,
    taken: Set[tuple[int, int]],
) -> Iterator[tuple[Goal, Piece]]:
    """Where one field of a sort is empty and one label is left that says no more than the sort: *Name*, *Address*."""
    for concept in _SORTS:
        empty = [
            goal
            for goal in goals
            if goal.means(concept) or (concept in goal.hints and goal.kind is Kind.TEXT)
        ]
        empty = [goal for goal in empty if concept == "address" or not goal.means("address")]
        bare = [label for label in labels if _says_only(label, concept)]
        if len(empty) != 1:
            continue
        values = (_value(empty[0], label, value_of) for label in bare)
        free = [piece for piece in values if piece is not None and (piece.line, piece.start) not in taken]
        if len(free) == 1:
            yield empty[0], free[0]


def _value(goal: Goal, label: Label, value_of: ValueOf) -> Piece | None:
    """The value of a field in the first of a label's places that has one."""
    return next((piece for place in label.places if (piece := value_of(goal, *place)) is not None), None)


def _says_only(label: Label, concept: str) -> bool:
    """Whether a label names a sort and at most whose it is by a word that says little: ``Home address``."""
    meant = [concepts_of(word.rstrip(".")) for word in label.words]
    return any(concept in one for one in meant) and all(
        one <= {concept} and (one or word in _LITTLE) for one, word in zip(meant, label.words, strict=True)
    )


def labels_of(scene: Scene) -> Iterator[Label]:
    """Everything on the pages that is a label by its form, in order."""
    heads = _table_heads(scene)
    for line in scene.lines:
        if line.index not in heads:
            for number, cell in enumerate(line.cells):
                yield from _labels_in(scene, line, number, cell)


def _labels_in(scene: Scene, line: Line, number: int, cell: tuple[int, int]) -> Iterator[Label]:
    start, end = cell
    if numbers_item(line.tokens[start].text):
        start += 1
    following = line.cells[number + 1 : number + 2]
    colon = next((i for i in range(start, end) if line.tokens[i].ends_label), None)
    if colon is not None:
        inside = [(line, colon + 1, end)] if colon + 1 < end else [(line, *place) for place in following]
        yield from _label(
            line, start, colon + 1, [*inside, *(_below(scene, line, cell) if not inside else ())]
        )
        return
    figure = next((i for i in range(start, end) if any(map(str.isdigit, line.tokens[i].text))), None)
    if figure is None:
        if line.index in scene.captions:
            yield from _label(line, start, end, _above(scene, line, cell))
            return
        over = scene.heads_columns(line)
        beside = [(line, *place) for place in following if not over and not _opens_label(line, place)]
        yield from _label(line, start, end, [*beside, *_below(scene, line, cell)])
    elif figure > start and line.tokens[figure].text[0].isalnum():
        yield from _label(line, start, figure, [(line, figure, end)])


def _is_code(piece: Piece, scene: Scene) -> bool:
    """Whether a value may be a number that identifies something, and is none of a house or a telephone."""
    text = scene.lines[piece.line].text
    return sum(map(str.isdigit, piece.raw)) >= _DIGITS and not names_street(text) and not is_call(text)


def _label(line: Line, start: int, end: int, places: Sequence[tuple[Line, int, int]]) -> Iterator[Label]:
    texts = [token.text for token in line.tokens[start:end]]
    words = [part for text in texts for part in _words(text)]
    if words and len(words) <= _MAX_WORDS and places:
        yield Label(tuple(words), tuple(places))


def _words(text: str) -> Iterator[str]:
    """The words of a printed one, folded; one in short keeps its dot."""
    short = "." if _SHORT.fullmatch(text) else ""
    for part in parts_of(text):
        key = text_key(part)
        if key and key not in STOP and _LETTERS.search(key):
            yield key + short


def _opens_label(line: Line, cell: tuple[int, int]) -> bool:
    """Whether a cell is a label itself: it ends with a colon, or is numbered as the boxes of a form are."""
    return line.numbers_cell(cell[0]) or any(t.ends_label for t in line.tokens[cell[0] : cell[1] + 1])


def _above(scene: Scene, line: Line, cell: tuple[int, int]) -> list[tuple[Line, int, int]]:
    """The cell that a caption stands under."""
    above = scene.lines[line.index - 1]
    return [(above, *other) for other in above.cells if _meet(line, cell, above, other)]


def _below(scene: Scene, line: Line, cell: tuple[int, int]) -> Iterator[tuple[Line, int, int]]:
    """The cell that stands under a label."""
    for below in scene.lines[line.index + 1 : line.index + 1 + _LINES]:
        if below.page != line.page or below.top - line.bottom > _LEADING * line.height:
            return
        for other in below.cells:
            if _meet(line, cell, below, other):
                if not _opens_label(below, other) and not has_value_beside(line, below, other[0], scene):
                    yield below, *other
                return


def _meet(line: Line, cell: tuple[int, int], other_line: Line, other: tuple[int, int]) -> bool:
    """Whether two cells stand over one another."""
    left, right = line.tokens[cell[0]].word.box.x0, line.tokens[cell[1] - 1].word.box.x1
    x0, x1 = other_line.tokens[other[0]].word.box.x0, other_line.tokens[other[1] - 1].word.box.x1
    return x0 < right and x1 > left


def _table_heads(scene: Scene) -> frozenset[int]:
    """The lines that head or belong to a table: under a line of words two or more with figures in its columns."""
    found: set[int] = set()
    last: Line | None = None
    for one, two in pairwise(scene.lines):
        if one.page != two.page or not _same_columns(one, two):
            last = None
        elif last is not None:
            found |= {last.index, one.index, two.index}
        elif not _has_figures(one) and _has_figures(two):
            last = one
    return frozenset(found)


def _has_figures(line: Line) -> bool:
    return any(map(str.isdigit, line.text))


def _same_columns(one: Line, two: Line) -> bool:
    """Whether as many cells of two lines meet as make a table of them."""
    meet = sum(any(_meet(one, cell, two, other) for other in two.cells) for cell in one.cells)
    return len(two.cells) > 2 and meet >= max(3, len(one.cells) - 1)


def _alike(one: Asked, words: Sequence[str], rarity: Mapping[str, float]) -> float:
    """How much of a label a field explains, 0 to 1, and the less the more of its name the label leaves out."""
    most = _UNKNOWN * max(rarity.values(), default=1.0)
    explained = weight = 0.0
    met: set[str] = set()
    for word in words:
        share, by = explains(word, one)
        tells = rarity.get(by, most) if by else most
        if share and by:
            met.add(by)
        elif concepts_of(word) & MODIFIERS:
            tells *= _MODIFIED
        explained += share * tells
        weight += tells
    if not met or (are_common(met) and (len(words) < 2 or not one.goal.means(*ID))):
        return 0.0
    name = [word for word in one.name if word in met or not are_common([word])]
    total = sum(rarity.get(word, most) for word in name)
    covered = sum(rarity.get(word, most) for word in name if word in met) / total if total else 1.0
    return explained / weight * (1 - _COVERED + _COVERED * covered)
