"""Choices that were ruled out by hand: of options printed side by side or below one another, what no line goes through.

Words under a line are often misread. So what is left over counts: one option without a line, while a line goes through
each of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from extractors.backends.base import Span
from extractors.backends.scripted.sheet import Line, Token
from schemas.document import Box, Mark, Page

_NEAR_LINES = 3
"""Options below one another stand within so many lines."""
_MOST_QUESTION = 14


@dataclass(frozen=True, slots=True)
class Run:
    """Words that stand together, all of them under a line or none.

    Attributes:
        struck: the line through them.
        before: the print before them on their line.
    """

    page: int
    line: int
    text: str
    struck: Mark | None
    before: str
    tokens: tuple[Token, ...]

    @property
    def span(self) -> Span:
        return Span(tuple((self.page, token.word) for token in self.tokens))


def struck_runs(pages: Sequence[Page], lines: Sequence[Line]) -> list[list[Run]]:
    """The print around each place with struck words, as runs; no places where nothing is struck."""
    strikes = [(page.number, mark) for page in pages for mark in page.marks if mark.kind == "strike"]
    if not strikes:
        return []
    rows: dict[int, list[Run]] = {}
    for at, line in enumerate(lines):
        mine = [mark for number, mark in strikes if number == line.page and _on(line, mark.box)]
        if mine:
            rows[at] = _runs(line, mine)
    places: list[list[int]] = []
    for at in sorted(rows):
        if places and at - places[-1][-1] <= _NEAR_LINES and lines[at].page == lines[places[-1][-1]].page:
            places[-1].append(at)
        else:
            places.append([at])
    return [_around(place, rows, lines) for place in places]


def _around(place: Sequence[int], rows: dict[int, list[Run]], lines: Sequence[Line]) -> list[Run]:
    """All runs from a few lines before the first struck word to a few behind the last."""
    first, last = max(place[0] - _NEAR_LINES, 0), min(place[-1] + _NEAR_LINES, len(lines) - 1)
    found: list[Run] = []
    for at in range(first, last + 1):
        if lines[at].page == lines[place[0]].page:
            found += rows.get(at) or _runs(lines[at], ())
    return found


def _on(line: Line, box: Box) -> bool:
    middle = (box.y0 + box.y1) / 2
    return line.top <= middle <= line.bottom and any(_under(token, box) for token in line.tokens)


def _under(token: Token, box: Box) -> bool:
    word = token.word.box
    x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
    return box.x0 - 1 <= x <= box.x1 + 1 and box.y0 - 1 <= y <= box.y1 + 1


def _runs(line: Line, strikes: Sequence[Mark]) -> list[Run]:
    found: list[Run] = []
    through = [next((mark for mark in strikes if _under(t, mark.box)), None) for t in line.tokens]
    start = 0
    for at in range(1, len(line.tokens) + 1):
        if at < len(line.tokens) and through[at] is through[start] and (
            through[start] is not None or line.tokens[at].cell == line.tokens[start].cell
        ):  # fmt: skip
            continue
        tokens = line.tokens[start:at]
        before = " ".join(token.text for token in line.tokens[max(start - _MOST_QUESTION, 0) : start])
        text = " ".join(token.text for token in tokens)
        found.append(Run(line.page, line.index, text, through[start], before, tokens))
        start = at
    return found


def _saying(choice: str, runs: Sequence[Run], same: Callable[[str, str], float]) -> Run | None:
    """Of the runs without a line, the one that says a choice best."""
    free = [run for run in runs if run.struck is None]
    return max(free, key=lambda run: same(choice, run.text), default=None)


def left_over(
    choices: Sequence[str], places: Sequence[Sequence[Run]], same: Callable[[str, str], float], least: float
) -> tuple[str, float, Span] | None:
    """The choice that is left where a line goes through each of the others, with its certainty and place.

    Args:
        choices: of the field.
        places: as `struck_runs` gives them.
        same: how well a print says a choice, 0..1.
        least: what that must be.
    """
    found = []
    for runs in places:
        struck = [run for run in runs if run.struck is not None]
        left = [
            (c, run)
            for c in choices
            if (run := _saying(c, runs, same)) is not None and same(c, run.text) >= least
        ]
        if len(left) != 1 or any(same(left[0][0], one.text) >= least for one in struck):
            continue
        choice, run = left[0]
        beside = [one for one in struck if one.line == run.line]
        others = [c for c in choices if c != choice]
        said = [c for c in others if any(same(c, one.text) >= least for one in struck)]
        if len(said) == len(others) or len(beside) == len(others):  # misread words count on their line
            marks = [one.struck for one in struck if one.struck is not None]
            certain = min(mark.score for mark in marks)
            found.append((choice, certain if said else 0.9 * certain, run.span))
    return found[0] if len({choice for choice, _, _ in found}) == 1 else None
