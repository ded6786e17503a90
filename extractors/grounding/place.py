"""From the text of an answer to its leaves, each with its score and the words where it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from extractors.backends.base import LeafAnswer, Span, WindowAnswer
from extractors.decoding.row import Decoded
from extractors.grammar.spans import Place, SpanIndex
from extractors.grounding.evidence import Evidence
from schemas.outcome import ReviewReason
from schemas.tree import ArrayNode, Leaf, Node, ObjectNode


class _EndOfTextError(Exception):
    """The answer was cut off here."""


def read_answer(
    decoded: Decoded, tree: ObjectNode, index: SpanIndex, rules: Mapping[str, Span] | None = None
) -> WindowAnswer:
    """Walks an answer along the schema. A cut-off answer gives the leaves that are whole.

    Args:
        decoded: the answer.
        tree: its schema.
        index: of the window.
        rules: by path, where the scripted rules found values; evidence for a place where both found the same text.
    """
    walker = _Walker(decoded, index, rules or {})
    data: dict[str, Any] = {}
    try:
        walker.object(tree, "", data)
    except _EndOfTextError:
        return WindowAnswer(data, tuple(walker.leaves), True)
    return WindowAnswer(data, tuple(walker.leaves), decoded.truncated)


class _Walker:
    """Reads compact JSON whose keys and order are known, keeping track of characters."""

    def __init__(self, decoded: Decoded, index: SpanIndex, rules: Mapping[str, Span]) -> None:
        self.evidence = Evidence(index, rules)
        self.text = decoded.text
        self.scores = decoded.log_probabilities
        self.masses = decoded.log_masses
        self.ends = list(accumulate(len(p) for p in decoded.pieces))
        self.index = index
        self.at = 0
        self.leaves: list[LeafAnswer] = []
        self.last: Place | None = None
        self.lists = 0
        self.decoder = json.JSONDecoder()

    def object(self, node: ObjectNode, path: str, into: dict[str, Any]) -> None:
        for i, (name, child) in enumerate(node.fields):
            self._expect(("{" if i == 0 else ",") + json.dumps(name, ensure_ascii=False) + ":")
            self._node(child, f"{path}.{name}" if path else name, into, name)
        self._expect("}")

    def _node(self, node: Node, path: str, into: Any, key: Any) -> None:
        match node:
            case Leaf():
                _put(into, key, self._leaf(node, path))
            case ObjectNode():
                if self._try("null"):
                    _put(into, key, None)
                    return
                value: dict[str, Any] = {}
                _put(into, key, value)
                self.object(node, path, value)
            case ArrayNode():
                self._array(node, path, into, key)

    def _array(self, node: ArrayNode, path: str, into: Any, key: Any) -> None:
        items: list[Any] = []
        _put(into, key, items)
        if self._try("[]"):
            return
        self._expect("[")
        self.lists += 1
        while True:
            before = len(self.leaves)
            self._node(node.item, f"{path}.{len(items)}", items, None)
            if self._said_too_often(items, before):
                items.pop()
                del self.leaves[before:]
            if self._try("]"):
                self.lists -= 1
                return
            self._expect(",")

    def _said_too_often(self, items: list[Any], before: int) -> bool:
        """True when the last item repeats others and the page does not have its values that many times.

        A small model may go round in circles over a table; the same print cannot be two rows.
        """
        repeats = items.count(items[-1])
        return repeats > 1 and any(
            leaf.span is not None and self.index.occurrences(leaf.raw or "") < repeats
            for leaf in self.leaves[before:]
        )

    def _leaf(self, leaf: Leaf, path: str) -> Any:
        start = self.at
        try:
            value, self.at = self.decoder.raw_decode(self.text, start)
        except ValueError as error:
            raise _EndOfTextError from error
        score = self._sum(self.scores, start, self.at)
        mass = self._sum(self.masses, start, self.at) if self.masses is not None else None
        raw = None if value is None else value if isinstance(value, str) else json.dumps(value)
        span: Span | None = None
        reasons: tuple[str, ...] = ()
        signals = {"weakest": self._weakest(start, self.at)}
        if raw is not None and leaf.grounding == "span":
            place = self._place(raw, leaf, path, signals)
            if place is None:
                reasons = (ReviewReason.NOT_ON_PAGE.value,)
            else:
                span = Span(tuple(self.index.spelled(place)))
                self.last = place
        self.leaves.append(LeafAnswer(path, raw, score, span, reasons, mass, signals=signals))
        return value

    def _place(self, raw: str, leaf: Leaf, path: str, signals: dict[str, float]) -> Place | None:
        """Where a value stands, of all the places that have its text.

        Rows of a list follow the page: the first place behind the value before. A single field goes where most
        speaks for it; where nothing does, behind the value before, else to its first place. ``signals`` gets how
        many places there are, and how well the one that was chosen is labelled.
        """
        places = self.index.places(raw, leaf.kind)
        signals["places"] = float(len(places))
        in_list = self.lists > 0
        if len(places) < 2:
            if places and not in_list:
                signals["label"] = self.evidence.score(path, leaf, places[0])
            return places[0] if places else None
        last = self.last
        behind = [last is not None and self._behind(place, last) for place in places]
        scores = [0.0 if in_list else self.evidence.score(path, leaf, place) for place in places]
        # the first of the best: max keeps the earlier one of equals
        best = max(range(len(places)), key=lambda i: (scores[i], behind[i]))
        if not in_list:
            signals["label"] = scores[best]
        return places[best]

    def _behind(self, place: Place, last: Place) -> bool:
        if place.segment == last.segment:
            return place.start >= last.end
        first, end = self.index.order(last)
        # A text that goes on below ends behind what stands beside its first line: the rest of the row is there.
        return self.index.order(place)[0] > (first if last.segment >= len(self.index.pages) else end)

    def _sum(self, figures: Sequence[float], start: int, end: int) -> float:
        """Sum of the figures of the tokens that have a character in ``start`` to ``end``."""
        total, begin = 0.0, 0
        for piece_end, figure in zip(self.ends, figures, strict=True):
            if begin < end and piece_end > start:
                total += figure
            begin = piece_end
        return total

    def _weakest(self, start: int, end: int) -> float:
        """The least log-probability of the tokens that have a character in ``start`` to ``end``."""
        least, begin = 0.0, 0
        for piece_end, score in zip(self.ends, self.scores, strict=True):
            if begin < end and piece_end > start:
                least = min(least, score)
            begin = piece_end
        return least

    def _expect(self, text: str) -> None:
        if not self.text.startswith(text, self.at):
            raise _EndOfTextError
        self.at += len(text)

    def _try(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False


def _put(into: Any, key: Any, value: Any) -> None:
    if isinstance(into, list):
        into.append(value)
    else:
        into[key] = value
