"""The scripted backend: from documents to answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import log
from time import perf_counter
from typing import Any

from extractors.backends.base import Answer, LeafAnswer, WindowAnswer
from extractors.backends.scripted.choices import choose, tell_shape
from extractors.backends.scripted.descriptions import told_words
from extractors.backends.scripted.fields import find_fields
from extractors.backends.scripted.labels import Goal, find_runs, goal_of, with_parties
from extractors.backends.scripted.levelled import Levelled
from extractors.backends.scripted.lists import Wanted, find_items, wanted_of
from extractors.backends.scripted.lists.groups import Grouped, group_rows, grouped_of
from extractors.backends.scripted.lists.shared import apart
from extractors.backends.scripted.marked import MarkedPages, answer_by_marks, marked_pages
from extractors.backends.scripted.marked_answer import Marked
from extractors.backends.scripted.scene import MIN_SCORE, Match, Scene
from extractors.backends.scripted.sheet import Line, Piece, read_sheet
from extractors.backends.scripted.tables import Row, find_rows
from extractors.grounding.merge import merge
from extractors.validation.values import DocumentStyle, document_style
from schemas.document import ReadDocument
from schemas.registry import LoadedSchema
from schemas.tree import ArrayNode, Kind, Leaf, Node, ObjectNode, leaves

RULES = "scripted-13"
"""Name and version of the rules; raised whenever they change what they answer to the same words at the same places.
That photographs are levelled for them counts as reading."""
_ABSENT = log(0.9)
"""Score of a null: nothing on the document came near."""
_BEST = 0.97
MARK = "mark"
"""Signal of an answer that a mark on the page decided: how certain the mark is."""
MAX_OTHERS = 16
"""Other candidates that a field is given with."""
WINDOW_PAGES = 50
"""So many pages are looked at as one; what is longer, in turn."""


class ScriptedBackend:
    """Finds values by their labels, columns and places, with no weights.

    ``log_probability`` of a value is the logarithm of its match score: how well the label names the field,
    times how typical the value's place and form are (0.35 to 0.97). It orders values; it is no probability.
    """

    @property
    def model_id(self) -> str:
        """Name and version of the rules."""
        return RULES

    def answer(self, documents: Sequence[ReadDocument], schema: LoadedSchema) -> list[Answer]:
        """One answer per document, in order; the same for the same document, always."""
        plan = _Plan(schema)
        return [plan.answer(document) for document in documents]


class _Plan:
    """A schema made ready: its single fields and its lists as goals."""

    def __init__(self, schema: LoadedSchema) -> None:
        self.tree = schema.tree
        self.singles: list[Goal] = []
        self.lists: dict[str, list[Goal]] = {}
        words: set[str] = set()
        asked = list(leaves(schema.tree))
        told = told_words([leaf.description for _, leaf in asked])
        for order, ((path, leaf), own) in enumerate(zip(asked, told, strict=True)):
            outer, is_list, inner = path.rpartition("[]")
            goal = goal_of(inner.lstrip(".") if is_list else path, leaf, order, own)
            words.update(unit.word for unit in goal.units if not unit.concepts and len(unit.word) > 2)
            words.update(goal.quoted_words | own)
            if not is_list:
                self.singles.append(goal)
            elif "[]" not in outer:
                self.lists.setdefault(outer, []).append(goal)
        self.wanted: dict[str, Wanted] = {}
        self.grouped: dict[str, Grouped | None] = {}
        self.singles = with_parties(self.singles)
        self.vocabulary = frozenset(words)

    def answer(self, document: ReadDocument) -> Answer:
        """The document's answer; of a long one by runs of pages, merged as the windows of a model are."""
        started = perf_counter()
        style = document_style(word.text for page in document.pages for word in page.words)
        rows: Counter[str] = Counter()
        answers = []
        for first in range(0, max(len(document.pages), 1), WINDOW_PAGES):
            pages = document.pages[first : first + WINDOW_PAGES]
            answers.append(self._window(replace(document, pages=pages), style, rows))
        merged = merge(answers, self.tree)
        return Answer(
            merged.data,
            merged.leaves,
            counts={"windows": len(answers), "model_calls": 0, "prompt_tokens": 0, "answer_tokens": 0},
            timings={"scripted": perf_counter() - started},
        )

    def _window(self, document: ReadDocument, style: DocumentStyle, rows: Counter[str]) -> WindowAnswer:
        """One run of pages; ``rows`` counts those of each list so far, over all of them."""
        straight = Levelled(document)
        document = straight.document
        lines = read_sheet(document)
        scene = Scene(
            lines, find_runs(lines, self.vocabulary), style, {}, self._marks(document, lines), self.vocabulary
        )
        wanted = [goal for goal in self.singles if goal.leaf.grounding != "choice"]
        matches, ranked = find_fields(wanted, scene)
        out: list[LeafAnswer] = []
        found = self._lists(scene, rows)
        data = self._write(self.tree, "", matches, scene, found, out)
        answers = straight.seen([_with_others(leaf, ranked.get(leaf.path, ())) for leaf in out])
        return WindowAnswer(data, tuple(answers), False)

    def _marks(self, document: ReadDocument, lines: Sequence[Line]) -> dict[str, Marked]:
        """By path, what marks on the pages answer."""
        asked = [goal for goal in self.singles if goal.leaf.grounding == "choice"]
        if not asked:
            return {}
        pages: MarkedPages = marked_pages(document, lines)
        found = ((goal.path, answer_by_marks(goal, asked, pages)) for goal in asked)
        return {path: marked for path, marked in found if marked is not None}

    def _lists(self, scene: Scene, rows: Counter[str]) -> dict[str, list[Row]]:
        """The items of every list; ``rows`` is moved on by them."""
        found = {}
        for path, node in _arrays(self.tree, ""):
            room = node.max_items - rows[path]
            found[path] = self._rows(node, path, self.lists.get(path, []), scene, room) if room > 0 else []
        found = apart(found, self.wanted, scene)
        rows.update({path: len(items) for path, items in found.items()})
        return found

    def _rows(self, node: ArrayNode, path: str, goals: list[Goal], scene: Scene, room: int) -> list[Row]:
        """The items of a list: with tables in them, of a table with figures, else of what else lists are printed as."""
        fields = [goal for goal in goals if goal.path]
        if path not in self.grouped:
            self.grouped[path] = grouped_of(node)
            self.wanted[path] = wanted_of(path, node, fields)
        grouped = self.grouped[path]
        items = group_rows(grouped, scene, room) if grouped is not None else []
        if items:
            return items
        found = find_rows(fields, scene, room) if goals else []
        return found or find_items(self.wanted[path], scene, room)

    def _write(
        self,
        node: Node,
        path: str,
        matches: dict[str, Match],
        scene: Scene,
        found: Mapping[str, list[Row]],
        out: list[LeafAnswer],
    ) -> Any:
        match node:
            case Leaf() if node.grounding == "choice":
                if (marked := scene.marked.get(path)) is not None:
                    return _marked_leaf(path, marked, out)
                goal = next(g for g in self.singles if g.path == path)
                raw, score = choose(goal, scene)
                return _leaf(path, raw, None, score, out)
            case Leaf():
                match_ = matches.get(path)
                if match_ is None:
                    return _leaf(path, None, None, None, out)
                return _leaf(path, match_.piece.raw, match_.piece, match_.score, out)
            case ObjectNode():
                data = {
                    name: self._write(child, f"{path}.{name}" if path else name, matches, scene, found, out)
                    for name, child in node.fields
                }
                if node.shapes:
                    tell_shape(node, path, data, out)
                return data
            case ArrayNode():
                rows = found[path]
                return [_item(node.item, f"{path}.{i}", "", row, out) for i, row in enumerate(rows)]


def _arrays(node: Node, path: str) -> Iterator[tuple[str, ArrayNode]]:
    """The outermost lists of a schema with their paths."""
    if isinstance(node, ArrayNode):
        yield path, node
    elif isinstance(node, ObjectNode):
        for name, child in node.fields:
            yield from _arrays(child, f"{path}.{name}" if path else name)


def _item(node: Node, path: str, inner: str, row: Row, out: list[LeafAnswer]) -> Any:
    """One row of a table in the shape of the list's item."""
    match node:
        case Leaf():
            found = row.get(inner)
            if found is not None and node.kind is Kind.BOOLEAN and found[0].raw in ("true", "false"):
                return _leaf(path, found[0].raw, None, found[1], out)
            if found is None or node.grounding == "choice":
                absent = node.choices[0] if node.choices and not node.nullable else None
                return _leaf(path, absent, None, MIN_SCORE if absent else None, out)
            return _leaf(path, found[0].raw, found[0], found[1], out)
        case ObjectNode():
            data = {
                name: _item(child, f"{path}.{name}", f"{inner}.{name}" if inner else name, row, out)
                for name, child in node.fields
            }
            if node.shapes:
                tell_shape(node, path, data, out)
            return data
        case ArrayNode():
            items: list[Any] = []
            while _has(row, at := f"{inner}.{len(items)}"):
                items.append(_item(node.item, f"{path}.{len(items)}", at, row, out))
            return items


def _has(row: Row, at: str) -> bool:
    """Whether a row tells anything of an item of a list in it."""
    return at in row or any(key.startswith(f"{at}.") for key in row)


def _with_others(leaf: LeafAnswer, ranked: Sequence[Match]) -> LeafAnswer:
    others = [(m.piece.raw, m.piece.span) for m in ranked if m.piece.raw != leaf.raw]
    return replace(leaf, others=tuple(others[:MAX_OTHERS])) if others else leaf


def _marked_leaf(path: str, marked: Marked, out: list[LeafAnswer]) -> str | None:
    """An answer by a mark: its certainty is the score and, for whoever takes the answer over, a signal."""
    score = log(min(max(marked.score, 0.01), _BEST))
    out.append(LeafAnswer(path, marked.raw, score, marked.span, signals={MARK: round(marked.score, 3)}))
    return marked.raw


def _leaf(
    path: str, raw: str | None, piece: Piece | None, score: float | None, out: list[LeafAnswer]
) -> str | None:
    log_probability = _ABSENT if score is None else log(min(max(score, 0.01), _BEST))
    out.append(LeafAnswer(path, raw, log_probability, piece.span if piece is not None else None))
    return raw
