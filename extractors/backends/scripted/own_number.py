"""The number of a document behind its title: ``PURCHASE ORDER: 1861727``, ``Order response  R3659487``.

On an invoice the word *order* labels the number of another document. On the order itself the same word is the title,
and tells itself apart by its print: larger than the rest, at the head of the first page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median

from extractors.backends.scripted.codes import code_in
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.letterhead import is_title
from extractors.backends.scripted.scene import ID, MIN_SCORE, Match, Scene
from extractors.backends.scripted.sheet import Line, Piece, Token
from extractors.validation.text import text_key
from schemas.tree import Kind

OWN = 0.9
"""Score of the number behind a title."""
_HEAD_LINES = 12
_LARGER = 1.2
"""How much higher than most words a title is."""
_TITLE_TOKENS = 4
_YEAR = re.compile(r"(?:19|20)\d\d")


def is_own_number(goal: Goal) -> bool:
    """Whether a field asks for the number of the document itself."""
    return (
        goal.kind is Kind.TEXT
        and goal.means("doc")
        and goal.means(*ID)
        and not goal.means("order", "buyer", "seller", "tax", "date")
    )


def refers(goal: Goal) -> bool:
    """Whether a field asks for the number of another document, which this one refers to."""
    return (
        goal.means(*ID) and not is_own_number(goal) and (goal.means("reference") or "reference" in goal.hints)
    )


def own_number(goal: Goal, scene: Scene) -> Piece | None:
    """The number behind the title of the first page, if it has one that a field for it can hold."""
    head = [line for line in scene.lines[:_HEAD_LINES] if line.page == scene.lines[0].page]
    titled = [(line, start, at) for line in head for start, at in _titles(line)]
    if not titled:
        return None
    usual = median(_height(token) for line in scene.lines for token in line.tokens)
    for line, start, at in titled:
        if _height(line.tokens[start]) >= _LARGER * usual:
            return code_in(goal, line, at, at + 1)
    return None


def behind_title(goals: Sequence[Goal], matches: Sequence[Match], scene: Scene) -> Piece | None:
    """The number behind the document's title, where a field asks for it and no label names it.

    Labels go before titles: where one names the document's number, a title in large print is that of another.
    """
    asked = {goal.path: goal for goal in goals if is_own_number(goal)}
    labelled = {match.goal.path for match in matches if match.score >= MIN_SCORE}
    return own_number(next(iter(asked.values())), scene) if asked and not asked.keys() & labelled else None


def is_its_own(match: Match, own: Piece | None) -> bool:
    """Whether the number of the document itself was found as one that it refers to."""
    return own is not None and match.piece.raw == own.raw and refers(match.goal)


def _height(token: Token) -> float:
    return token.word.box.y1 - token.word.box.y0


def _titles(line: Line) -> list[tuple[int, int]]:
    """Where titles begin that have a number behind them in their cell or as the next one, and where that stands."""
    found = []
    for start, _ in line.cells:
        end = start
        while end < len(line.tokens) and end - start < _TITLE_TOKENS and _entitles(line, end):
            end += 1
        while end < len(line.tokens) and not text_key(line.tokens[end].text):
            end += 1  # a colon that stands by itself
        if end == start or end == len(line.tokens) or not is_title(_said(line, start, end)):
            continue
        text = line.tokens[end].text
        alone = line.cell_end(end) == end + 1
        figures = sum(map(str.isdigit, text)) * 2 > len(text) > 2
        if alone and figures and not _YEAR.fullmatch(text):
            found.append((start, end))
    return found


def _entitles(line: Line, at: int) -> bool:
    text = line.tokens[at].text.rstrip(":")
    return text.isalpha() and is_title(text)


def _said(line: Line, start: int, end: int) -> str:
    return " ".join(token.text.rstrip(":") for token in line.tokens[start:end] if text_key(token.text))
