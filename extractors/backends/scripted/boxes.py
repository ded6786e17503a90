"""Checkboxes with the print that says what they are for: the label of each, and the question of a row of them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from extractors.backends.scripted.sheet import Line, Token
from schemas.document import Box, Mark, ReadDocument

_LABEL_POINTS = 26.0
"""A label begins within so many points of its box."""
_GAP = 1.3
"""A gap of so many heights of the line ends a label."""
_NARROW, _SPACES = 0.55, 1.5
"""The same before the first box of a row, where a question may stand before the label: of heights, and of the page's
usual spaces, which are wide in typewriter print."""
_SOME = 20
"""So few spaces tell nothing of the others."""
_MOST_WORDS = 14
_STACKED = 3.2
"""Boxes below one another stand at most so many sides apart, and the question as far above them."""
_ALIGNED = 6.0
_ASKED = re.compile(r"(.*[?:])\s*(\w.*)")
"""A question and its first answer, as a recogniser puts them together."""
_SQUARES = "☒☑☐□❏❐❑❒"
_MISREAD = 2
"""A recogniser makes at most so many letters of a box, glued to its label or apart."""


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A checkbox, its page, its label and the question that it may be an answer to."""

    page: int
    mark: Mark
    label: str
    question: str
    group: int

    @property
    def ticked(self) -> bool:
        return bool(self.mark.ticked)


def labelled_boxes(document: ReadDocument, lines: Sequence[Line]) -> list[LabelledBox]:
    """All boxes of a document that have a label."""
    found: list[LabelledBox] = []
    for page in document.pages:
        marks = [mark for mark in page.marks if mark.kind == "checkbox"]
        if marks:
            found += _of_page(
                page.number, marks, [line for line in lines if line.page == page.number], len(found)
            )
    return found


@dataclass(slots=True)
class _Placed:
    mark: Mark
    line: Line | None = None
    before: int = 0
    """Tokens of the line that end before the box."""


def _of_page(number: int, marks: Sequence[Mark], lines: Sequence[Line], first: int) -> list[LabelledBox]:
    placed = [_place(mark, lines) for mark in marks]
    rows: dict[int, list[_Placed]] = defaultdict(list)
    for one in placed:
        if one.line is not None:
            rows[one.line.index].append(one)
    by_index = {line.index: line for line in lines}
    order = [line.index for line in lines]
    found: list[LabelledBox] = []
    narrow = max(_NARROW, _SPACES * _usual_space(lines))
    for index, row in rows.items():
        line = by_index[index]
        row.sort(key=lambda one: one.mark.box.x0)
        right_of = _labels_stand_right(row)
        labels = [_label(line, row, at, right_of, narrow) for at in range(len(row))]
        question = _before(line, row[0], right_of, narrow) or _above(row[0], rows, by_index, order, index)
        asked = _ASKED.match(labels[0]) if not right_of else None
        if asked is not None:
            question, labels[0] = asked[1], asked[2]
        for one, label in zip(row, labels, strict=True):
            if label:
                found.append(
                    LabelledBox(number, one.mark, label, question, first * 1000 + number * 100000 + index)
                )
    return _stacked(found)


def _usual_space(lines: Sequence[Line]) -> float:
    """Between words, in heights of their line."""
    spaces = [
        (after.word.box.x0 - before.word.box.x1) / line.height
        for line in lines
        for before, after in pairwise(line.tokens)
        if before.cell == after.cell and line.height
    ]
    return median(spaces) if len(spaces) >= _SOME else 0.0


def _place(mark: Mark, lines: Sequence[Line]) -> _Placed:
    """The line that a box stands on: that of the nearest word beside it."""
    middle = (mark.box.y0 + mark.box.y1) / 2
    best: tuple[float, Line] | None = None
    for line in lines:
        if not line.top - 2 <= middle <= line.bottom + 2:
            continue
        for token in line.tokens:
            box = token.word.box
            slack = 0.15 * (box.y1 - box.y0)
            if not box.y0 - slack <= middle <= box.y1 + slack:
                continue
            far = max(box.x0 - mark.box.x1, mark.box.x0 - box.x1, 0.0)
            if far <= _LABEL_POINTS and (best is None or far < best[0]):
                best = (far, line)
    if best is None:
        return _Placed(mark)
    line = best[1]
    centre = (mark.box.x0 + mark.box.x1) / 2
    return _Placed(mark, line, sum((t.word.box.x0 + t.word.box.x1) / 2 < centre for t in line.tokens))


def _labels_stand_right(row: Sequence[_Placed]) -> bool:
    """Whether the labels of a row of boxes stand to their right.

    Print between two boxes is nearer to its own. Of a single box the ends tell: only where nothing stands behind it,
    what is before it is its label.
    """
    line = row[0].line
    assert line is not None
    votes = 0
    for left, right in pairwise(row):
        between = [
            t.word.box for t in _words(line, left, behind=True) if t.word.box.x1 <= right.mark.box.x0 + 2
        ]
        if between:
            after = between[0].x0 - left.mark.box.x1
            before = right.mark.box.x0 - between[-1].x1
            votes += (after < before) - (after > before)
    if votes:
        return votes > 0
    behind = _words(line, row[-1], behind=True)
    return bool(behind) and behind[0].word.box.x0 - row[-1].mark.box.x1 <= _LABEL_POINTS


def _words(line: Line, one: _Placed, *, behind: bool) -> list[Token]:
    """The words of the line behind or before a box, without what a recogniser made of the box itself."""
    tokens = line.tokens[one.before :] if behind else line.tokens[: one.before]
    box = one.mark.box
    return [token for token in tokens if not _is_the_box(token, box)]


def _is_the_box(token: Token, box: Box) -> bool:
    """Whether a word is the box itself, as a text layer has it or a recogniser misread it."""
    word = token.word.box
    within = min(word.x1, box.x1) - max(word.x0, box.x0)
    return within > 0.6 * (word.x1 - word.x0) and (
        len(token.text) <= _MISREAD or not any(c.isalnum() for c in token.text) or token.text[0] in "[("
    )


def _label(line: Line, row: Sequence[_Placed], at: int, right: bool, narrow: float) -> str:
    one = row[at]
    tokens = _words(line, one, behind=right)
    if right:
        end = row[at + 1].mark.box.x0 if at + 1 < len(row) else float("inf")
        tokens = [token for token in tokens if token.word.box.x0 < end - 1]
        return _text(_run(tokens, one.mark.box.x1, _GAP * line.height, forward=True), one.mark.box)
    end = row[at - 1].mark.box.x1 if at else float("-inf")
    tokens = [token for token in tokens if token.word.box.x1 > end + 1]
    most = _GAP if at else narrow
    return _text(
        list(reversed(_run(list(reversed(tokens)), one.mark.box.x0, most * line.height, forward=False))),
        one.mark.box,
    )


def _run(tokens: Sequence[Token], edge: float, most: float, *, forward: bool) -> list[Token]:
    """Words from a box on, up to a gap wider than ``most`` points."""
    taken: list[Token] = []
    for token in tokens[:_MOST_WORDS]:
        box = token.word.box
        gap = box.x0 - edge if forward else edge - box.x1
        if gap > (_LABEL_POINTS if not taken else most):
            break
        taken.append(token)
        edge = box.x1 if forward else box.x0
    return taken


def _text(tokens: Sequence[Token], box: Box) -> str:
    """The label; of a word that begins in the box the first letter is the box."""
    texts = []
    for token in tokens:
        text = token.text
        over = token.word.box.x0 < box.x1 - 1 and token.word.box.x1 > box.x0 + 1
        if token.word.confidence is not None and (text[:1] in _SQUARES or text[-1:] in _SQUARES):
            text = text.strip(_SQUARES)
        elif token.word.confidence is not None and over and len(text) > _MISREAD:
            text = text[:-1] if token.word.box.x0 < box.x0 - (box.x1 - box.x0) else text[1:]
        elif (token.word.confidence is None and text[:1] in _SQUARES) or text[:1] == "[":
            text = text.split("]")[-1].lstrip(_SQUARES)
        texts.append(text)
    return " ".join(text for text in texts if text)


def _before(line: Line, first: _Placed, right: bool, narrow: float) -> str:
    """The print before the first box of a row, and before its label where that stands left: the question."""
    tokens = _words(line, first, behind=False)
    if not right:
        label = _run(list(reversed(tokens)), first.mark.box.x0, narrow * line.height, forward=False)
        tokens = tokens[: len(tokens) - len(label)]
    return " ".join(token.text for token in tokens[-_MOST_WORDS:])


def _above(
    first: _Placed,
    rows: dict[int, list[_Placed]],
    by_index: dict[int, Line],
    order: Sequence[int],
    index: int,
) -> str:
    """The line above a stack of boxes, if it stands near."""
    at = order.index(index)
    bottom, side = first.mark.box.y0, first.mark.box.y1 - first.mark.box.y0
    while at:
        at -= 1
        line = by_index[order[at]]
        if bottom - line.bottom > _STACKED * side:
            return ""
        row = rows.get(line.index)
        if row is None:
            left = first.mark.box.x0
            if line.tokens[0].word.box.x0 > left + 60 or line.tokens[-1].word.box.x1 < left - 20:
                continue
            return " ".join(token.text for token in line.tokens[:_MOST_WORDS])
        bottom = min(one.mark.box.y0 for one in row)
    return ""


def _stacked(found: list[LabelledBox]) -> list[LabelledBox]:
    """Boxes below one another, alone in their rows, are one group."""
    sizes: dict[int, int] = defaultdict(int)
    for one in found:
        sizes[one.group] += 1
    out: list[LabelledBox] = []
    typical = median([one.mark.box.y1 - one.mark.box.y0 for one in found]) if found else 0.0
    for one in sorted(found, key=lambda box: (box.page, box.mark.box.y0)):
        above = next(
            (
                other
                for other in reversed(out)
                if other.page == one.page
                and abs(other.mark.box.x0 - one.mark.box.x0) <= _ALIGNED
                and 0 < one.mark.box.y0 - other.mark.box.y0 <= _STACKED * typical
            ),
            None,
        )
        if above is not None and sizes[one.group] == 1:
            one = LabelledBox(one.page, one.mark, one.label, one.question, above.group)
        out.append(one)
    return out
