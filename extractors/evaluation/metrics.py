"""Comparing one extraction with its truth. The rules:

* What is compared are leaves. A leaf absent or null on both sides counts nowhere.
* A value is right when its printed text or its typed value equals the truth: numbers by value, dates by day,
  texts by their letters and digits (case, diacritics, punctuation and white space do not count).
* A right value is a true positive; a wrong one a false positive *and* a false negative; a missed one a false
  negative; an invented one a false positive.
* Rows of a list are aligned in order, so that as many leaves as possible are right; what is left over is
  missed or invented.
* A top-level field that the truth does not mention is unlabelled and not scored; null means "not on the
  document".
* Typed accuracy asks, of right dates and numbers only, whether the typed value itself is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from extractors.validation.paths import leaf_at, pattern_of
from extractors.validation.text import text_key
from extractors.validation.values import parse_leaf
from schemas.extraction import ExtractedField, Extraction
from schemas.tree import NUMERIC, Kind, Leaf, Node

Labels = Mapping[str, Any]
"""A truth: nested JSON as in the set's ``truth/<id>.json``."""

_DATES = {Kind.DATE, Kind.DATETIME, Kind.TIME}
_NOWHERE = 1_000_000
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:.*)?|\d\d:\d\d(?::\d\d.*)?")


@dataclass(slots=True)
class Counts:
    """True positives, false positives and false negatives of one field or of all."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """Share of the given values that are right; 0 when none was given."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 0.0

    @property
    def recall(self) -> float:
        """Share of the labelled values that were found right; 0 when none is labelled."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / total if total else 0.0

    def add(self, other: Counts) -> None:
        """Adds the counts of another document."""
        self.right += other.right
        self.wrong += other.wrong
        self.missed += other.missed


@dataclass(frozen=True, slots=True)
class Guess:
    """What was extracted for a leaf."""

    raw: Any
    value: Any

    @property
    def empty(self) -> bool:
        return self.raw in (None, "") and self.value in (None, "")


@dataclass(frozen=True, slots=True)
class Error:
    """One leaf that is not right."""

    path: str
    truth: Any
    raw: Any
    value: Any


@dataclass(slots=True)
class Judged:
    """One document against its truth."""

    fields: dict[str, Counts] = field(default_factory=dict)
    typed_right: int = 0
    typed: int = 0
    errors: list[Error] = field(default_factory=list)

    @property
    def perfect(self) -> bool:
        """Whether every labelled leaf is right and nothing was invented."""
        return not self.errors


def judge(
    truth: Labels, extraction: Extraction | None, tree: Node, skip: frozenset[str] = frozenset()
) -> Judged:
    """Judges one document.

    Args:
        truth: nested labels.
        extraction: what was extracted; ``None`` or an outcome without data misses everything.
        tree: of the schema, which says what is a number and what a date.
        skip: top-level fields whose labels are known to be wrong.
    """
    labelled = {name for name in truth if name not in skip}
    wanted = {p: v for p, v in flatten(truth) if p.partition(".")[0] in labelled}
    given = {p: g for p, g in _guesses(extraction) if p.partition(".")[0] in labelled and not g.empty}
    given = _aligned(wanted, given, tree)
    judged = Judged()
    for path in dict.fromkeys([*wanted, *given]):
        _judge_leaf(path, wanted.get(path), given.get(path), leaf_at(tree, path), judged)
    return judged


def _judge_leaf(path: str, truth: Any, guess: Guess | None, leaf: Leaf | None, judged: Judged) -> None:
    counts = judged.fields.setdefault(pattern_of(path), Counts())
    if truth is not None and guess is not None and is_right(truth, guess, leaf):
        counts.right += 1
        if leaf is not None and leaf.kind in NUMERIC | _DATES:
            judged.typed += 1
            judged.typed_right += same_value(truth, guess.value, leaf)
        return
    counts.wrong += guess is not None
    counts.missed += truth is not None
    judged.errors.append(Error(path, truth, guess.raw if guess else None, guess.value if guess else None))


def aligned(wanted: Mapping[str, Any], given: Mapping[str, Guess], tree: Node) -> dict[str, str]:
    """For the path of each given leaf the path of the truth that it answers, rows renumbered to those they match."""
    filled = {path: guess for path, guess in given.items() if not guess.empty}
    numbers = _row_numbers(wanted, filled, tree)
    return {path: _renumbered(path, numbers) for path in given}


def row_alignment(
    wanted: Mapping[str, Any], given: Mapping[str, Guess], tree: Node
) -> dict[str, dict[str, int]]:
    """By the path of each outermost list: rows labelled, given and matched; labelled cells, and how many are right."""
    filled = {path: guess for path, guess in given.items() if not guess.empty}
    found = {}
    for prefix, numbers in _row_numbers(wanted, filled, tree).items():
        rows, guessed = _rows(wanted, prefix), _rows(filled, prefix)
        right = sum(
            rest in rows[numbers[j]]
            and is_right(rows[numbers[j]][rest], guess, leaf_at(tree, f"{prefix}.0{rest}"))
            for j, row in enumerate(guessed)
            if numbers[j] < len(rows)
            for rest, guess in row.items()
        )
        found[prefix] = {
            "labelled": len(rows),
            "given": len(guessed),
            "matched": sum(number < len(rows) for number in numbers),
            "cells": sum(map(len, rows)),
            "cells_right": right,
        }
    return found


def verdicts(
    truth: Labels, fields: Sequence[ExtractedField], tree: Node, skip: frozenset[str] = frozenset()
) -> dict[str, bool]:
    """Whether each answered field that the truth speaks of is right, by its own path; nulls too.

    A null is right when the truth has nothing there; a row that aligns with none of the truth is wrong. Rows that
    were missed have no field, and none here. What lands is the typed value: where the label is typed too, that one
    must be right, and not only the printed text.
    """
    labelled = {name for name in truth if name not in skip}
    wanted = {p: v for p, v in flatten(truth) if p.partition(".")[0] in labelled}
    mine = {f.path: Guess(f.raw, f.value) for f in fields if f.path.partition(".")[0] in labelled}
    found = {}
    for path, at in aligned(wanted, mine, tree).items():
        guess = mine[path]
        expected, leaf = wanted.get(at), leaf_at(tree, path)
        found[path] = (
            expected is None if guess.empty else expected is not None and _lands_right(expected, guess, leaf)
        )
    return found


def _lands_right(truth: Any, guess: Guess, leaf: Leaf | None) -> bool:
    """Whether what would land is the truth; of a label as printed nothing better is known than `is_right`."""
    if leaf is not None and _is_typed(truth, leaf):
        return same_value(truth, guess.value, leaf)
    return is_right(truth, guess, leaf)


def _is_typed(truth: Any, leaf: Leaf) -> bool:
    """Whether a label of a number or date can be read in one way only."""
    if leaf.kind in NUMERIC:
        try:
            return Decimal(str(truth)).is_finite()
        except InvalidOperation:
            return False
    return leaf.kind in _DATES and bool(_ISO.fullmatch(str(truth)))


def is_right(truth: Any, guess: Guess, leaf: Leaf | None) -> bool:
    """Whether the printed text or the typed value equals the truth."""
    return same_value(truth, guess.raw, leaf) or same_value(truth, guess.value, leaf)


def same_value(truth: Any, guess: Any, leaf: Leaf | None) -> bool:
    """Whether a printed text or a typed value equals the truth."""
    if guess in (None, ""):
        return False
    if leaf is not None and leaf.kind in NUMERIC:
        left, right = _number(truth, leaf), _number(guess, leaf)
        if left is not None and right is not None:
            return left == right
    elif leaf is not None and leaf.kind in _DATES | {Kind.CURRENCY, Kind.BOOLEAN}:
        left_value, right_value = _typed(truth, leaf), _typed(guess, leaf)
        if left_value is not None and right_value is not None:
            return bool(left_value == right_value)
    return text_key(str(truth)) == text_key(str(guess)) and text_key(str(truth)) != ""


def _number(value: Any, leaf: Leaf) -> Decimal | None:
    """A truth or a typed value is a plain decimal; a printed text is read as the pipeline reads it."""
    if isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
        return number if number.is_finite() else None
    except InvalidOperation:
        parsed = parse_leaf(str(value), leaf).value
        return None if parsed is None else Decimal(str(parsed))


def _typed(value: Any, leaf: Leaf) -> Any:
    return value if isinstance(value, bool) else parse_leaf(str(value), leaf).value


def flatten(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested JSON with dotted paths, without nulls and empty texts."""
    if isinstance(node, Mapping):
        for name, child in node.items():
            yield from flatten(child, f"{path}.{name}" if path else str(name))
    elif isinstance(node, list):
        for i, child in enumerate(node):
            yield from flatten(child, f"{path}.{i}")
    elif node is not None and node != "":
        yield path, node


def _guesses(extraction: Extraction | None) -> Iterator[tuple[str, Guess]]:
    if extraction is None or extraction.data is None:
        return
    for item in extraction.fields:
        yield item.path, Guess(item.raw, item.value)


def _aligned(wanted: dict[str, Any], given: dict[str, Guess], tree: Node) -> dict[str, Guess]:
    """``given`` with the rows of each outermost list renumbered to the rows of the truth they match best."""
    numbers = _row_numbers(wanted, given, tree)
    return {_renumbered(path, numbers): guess for path, guess in given.items()}


def _row_numbers(wanted: Mapping[str, Any], given: Mapping[str, Guess], tree: Node) -> dict[str, list[int]]:
    """By the path of a list: for each given row the row of the truth that it matches best, or one behind them."""
    prefixes = {prefix for path in (*wanted, *given) if (prefix := _list_prefix(path)) is not None}
    return {
        prefix: _places(_rows(wanted, prefix), _rows(given, prefix), prefix, tree)
        for prefix in sorted(prefixes)
    }


def _renumbered(path: str, numbers: Mapping[str, list[int]]) -> str:
    prefix = _list_prefix(path)
    if prefix is None:
        return path
    index, dot, rest = path[len(prefix) + 1 :].partition(".")
    rows = numbers.get(prefix, [])
    # A row without any value stands behind all others, labelled ones too: it aligns with none.
    row = rows[int(index)] if int(index) < len(rows) else _NOWHERE + int(index)
    return f"{prefix}.{row}{dot}{rest}"


def _list_prefix(path: str) -> str | None:
    steps = path.split(".")
    for i, step in enumerate(steps):
        if step.isdigit() and i:
            return ".".join(steps[:i])
    return None


def _rows(leaves: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for path, value in leaves.items():
        if path.startswith(f"{prefix}."):
            index, dot, rest = path[len(prefix) + 1 :].partition(".")
            if index.isdigit():
                found.setdefault(int(index), {})[dot + rest] = value
    return [found.get(i, {}) for i in range(max(found, default=-1) + 1)]


def _places(
    rows: list[dict[str, Any]], guessed: list[dict[str, Guess]], prefix: str, tree: Node
) -> list[int]:
    """For each guessed row its row of the truth, in order (dynamic programming), or a new one behind them."""

    def gain(i: int, j: int) -> int:
        return sum(
            rest in rows[i] and is_right(rows[i][rest], guess, leaf_at(tree, f"{prefix}.0{rest}"))
            for rest, guess in guessed[j].items()
        )

    gains = [[gain(i, j) for j in range(len(guessed))] for i in range(len(rows))]
    best = [[0] * (len(guessed) + 1) for _ in range(len(rows) + 1)]
    for i in range(len(rows) - 1, -1, -1):
        for j in range(len(guessed) - 1, -1, -1):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], gains[i][j] + best[i + 1][j + 1])
    places, free = [], len(rows)
    i = j = 0
    while j < len(guessed):
        if i < len(rows) and gains[i][j] and best[i][j] == gains[i][j] + best[i + 1][j + 1]:
            places.append(i)
            i, j = i + 1, j + 1
        elif i < len(rows) and best[i][j] == best[i + 1][j]:
            i += 1
        else:
            places.append(free)
            free, j = free + 1, j + 1
    return places
