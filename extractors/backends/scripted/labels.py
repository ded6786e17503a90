"""Labels on the page, and how well one names a field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from extractors.backends.scripted.concepts import MODIFIERS, STOP, concepts_of, parts_of, raw_words
from extractors.backends.scripted.sheet import Line, Token
from extractors.validation.text import text_key
from schemas.tree import Leaf

_QUOTED = re.compile(r"['\"‘“]([^'\"’”]{2,40})['\"’”]")
_MAX_RUN = 7
_HEADING_REACH = 14

# Name parts that a label often leaves out: they weigh little. Others weigh 0.7, `MODIFIERS` 1.
_LIGHT = {
    "name": 0.2,
    "issue": 0.3,
    "gross": 0.3,
    "seller": 0.3,
    "doc": 0.5,
    "line": 0.1,
    "from": 0.4,
    "until": 0.4,
}
_OPTIONAL = frozenset({"from", "until", "percent"})
_PARTIES = frozenset({"buyer", "seller", "delivery"})


@dataclass(frozen=True, slots=True)
class Unit:
    """One part of a field's name: the concepts it may mean, or the bare word when it means none."""

    word: str
    concepts: frozenset[str]

    @property
    def weight(self) -> float:
        if self.concepts:
            return max(_LIGHT.get(c, 1.0 if c in MODIFIERS else 0.7) for c in self.concepts)
        return 1.0

    @property
    def required(self) -> bool:
        return bool(self.concepts) and self.concepts <= MODIFIERS and not self.concepts & _OPTIONAL

    def within(self, concepts: frozenset[str], words: frozenset[str]) -> bool:
        return bool(self.concepts & concepts) or self.word in words


@dataclass(frozen=True)
class Goal:
    """A leaf to be found: what its name and description say."""

    path: str
    leaf: Leaf
    order: int
    units: tuple[Unit, ...]
    hints: frozenset[str]
    hint_words: frozenset[str]
    quoted: frozenset[str]

    def means(self, *concepts: str) -> bool:
        """Whether the name of the field (not its description) has one of the concepts."""
        return any(unit.concepts.intersection(concepts) for unit in self.units)


def goal_of(path: str, leaf: Leaf, order: int) -> Goal:
    """The goal of a leaf; ``path`` without list positions."""
    units = []
    for part in parts_of(path):
        key = text_key(part)
        if key not in STOP:
            units.append(Unit(key, concepts_of(part) - {"line"}))
    own = frozenset().union(*(unit.concepts for unit in units)) if units else frozenset()
    about = frozenset().union(*(concepts_of(word) for word in parts_of(leaf.description)))
    quoted = frozenset(text_key(q) for q in _QUOTED.findall(leaf.description)) - {""}
    return Goal(path, leaf, order, tuple(units), about - own, raw_words(leaf.description), quoted)


@dataclass(slots=True)
class Run:
    """A label on the page: neighbouring words that mean something, up to a colon."""

    line: Line
    start: int
    end: int
    per_word: tuple[frozenset[str], ...]
    words: frozenset[str]
    context: frozenset[str] = field(default_factory=frozenset)

    @property
    def concepts(self) -> frozenset[str]:
        return frozenset().union(*self.per_word)

    @property
    def tokens(self) -> tuple[Token, ...]:
        return self.line.tokens[self.start : self.end]

    @property
    def key(self) -> str:
        return text_key("".join(t.text for t in self.tokens))

    @property
    def x0(self) -> float:
        return self.tokens[0].word.box.x0

    @property
    def x1(self) -> float:
        return self.tokens[-1].word.box.x1

    @property
    def firm(self) -> bool:
        """Whether its form says that it is a label: a colon, or a cell of its own."""
        alone = (self.start, self.end) in self.line.cells
        return self.tokens[-1].ends_label or alone or _is_colon(self.line, self.end)


def _is_colon(line: Line, position: int) -> bool:
    return position < len(line.tokens) and line.tokens[position].text in (":", "#", "=")


def find_runs(lines: list[Line], vocabulary: frozenset[str]) -> dict[int, list[Run]]:
    """All labels, by line. ``vocabulary`` are words of the schema that no concept covers."""
    found: dict[int, list[Run]] = {}
    for line in lines:
        runs = list(_runs_of(line, vocabulary))
        if runs:
            found[line.index] = runs
    _give_context(lines, found)
    return found


def _runs_of(line: Line, vocabulary: frozenset[str]) -> Iterator[Run]:
    def speaks(token: Token) -> bool:
        return bool(token.concepts) or text_key(token.text) in vocabulary

    i = 0
    while i < len(line.tokens):
        if not speaks(line.tokens[i]):
            i += 1
            continue
        end = last = i + 1
        while end < len(line.tokens) and end - i < _MAX_RUN:
            token = line.tokens[end]
            if line.tokens[end - 1].ends_label or token.cell != line.tokens[i].cell:
                break
            if speaks(token):
                last = end + 1
            elif any(c.isdigit() for c in token.text) or end - last >= 1:
                break
            end += 1
        tokens = line.tokens[i:last]
        yield Run(
            line,
            i,
            last,
            tuple(_read_together([t.concepts for t in tokens])),
            frozenset(text_key(part) for t in tokens for part in parts_of(t.text)),
        )
        i = last


def _read_together(per_word: list[frozenset[str]]) -> list[frozenset[str]]:
    """``incl. VAT`` means gross and ``excl. VAT`` net; neither means the tax."""
    union = frozenset().union(*per_word)
    if "tax" in union and ("incl" in union or "excl" in union):
        new = frozenset({"gross"}) if "incl" in union else frozenset({"net"})
        per_word = [c - {"tax", "incl", "excl"} for c in per_word] + [new]
    return [c - {"incl", "excl"} for c in per_word]


def _give_context(lines: list[Line], found: dict[int, list[Run]]) -> None:
    """A heading (``Buyer``) over a block stands for the labels in the block (``Name:``)."""
    headings: list[Run] = []
    for line in lines:
        for run in found.get(line.index, ()):
            parties = run.concepts & _PARTIES
            above = [
                h
                for h in headings
                if h.line.page == line.page
                and 0 < line.index - h.line.index <= _HEADING_REACH
                and abs(h.x0 - run.x0) < 40
            ]
            if parties:
                run.context = parties
                if run.firm and run.end == line.cell_end(run.start):
                    headings.append(run)
            elif above:
                run.context = above[-1].context
        headings = headings[-8:]


def score(goal: Goal, run: Run) -> float:
    """How well the label names the field, 0 to 1."""
    concepts = run.concepts
    if run.key in goal.quoted:
        return 0.95
    in_name = [unit for unit in goal.units if unit.within(concepts, run.words)]
    in_context = [u for u in goal.units if u not in in_name and u.concepts & run.context]
    if not in_name or not any(unit.weight >= 0.5 or len(goal.units) == 1 for unit in in_name):
        party = [u for u in in_name if u.concepts & _PARTIES]
        if not (party and run.firm) and not (in_name and in_context):
            return 0.0
    matched = sum(unit.weight for unit in (*in_name, *in_context))
    matched += 0.35 * len((concepts & goal.hints) - MODIFIERS)
    missing, factor = 0.0, 1.0
    for unit in goal.units:
        if unit in in_name or unit in in_context:
            continue
        missing += 0.5 * unit.weight
        if unit.required:
            factor = 0.3
    own = frozenset().union(*(unit.concepts for unit in goal.units)) if goal.units else frozenset()
    named = {unit.word for unit in goal.units}
    extra = 0.0
    for token_concepts, token in zip(run.per_word, (*run.tokens, None), strict=False):
        extra += _extra(token_concepts, token, own, named, goal)
    strangers = (run.context - concepts - own) & _PARTIES
    extra += 1.0 * len(strangers)
    return factor * matched / (matched + missing + extra) if matched else 0.0


def _extra(
    concepts: frozenset[str], token: Token | None, own: frozenset[str], named: set[str], goal: Goal
) -> float:
    """How much a word of the label speaks against the field."""
    if concepts & own:
        return 0.0
    if not concepts:
        key = text_key(token.text) if token is not None else ""
        return 0.0 if not key or key in named or key in STOP or key in goal.hint_words else 0.25
    if concepts & goal.hints:
        return 0.5 if concepts <= MODIFIERS else 0.0
    if concepts <= {"doc"}:
        return 0.15
    return 1.0 if concepts & MODIFIERS else 0.4
