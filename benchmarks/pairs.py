"""Generated schemas and documents, as odd as they come, and what must hold of any answer to one about the other.

Everything is drawn from a `random.Random`, also from one that hypothesis makes, which then finds small examples.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from extractors.backends.base import Backend, LeafAnswer
from extractors.options import ExtractOptions
from extractors.reading.text import normalise_text
from extractors.validation.conform import conform
from extractors.validation.paths import leaf_at
from extractors.validation.validate import route, validate
from schemas.document import Box, DocumentRef, Page, ReadDocument, Word
from schemas.errors import BackendError
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema, from_json_schema
from schemas.tree import NUMERIC, ArrayNode, Kind, Leaf, Node, ObjectNode

LEAVES: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "string", "maxLength": 12},
    {"type": "string", "pattern": r"^[A-Z]{2}-?\d+$"},
    {"type": "string", "format": "email"},
    {"type": "string", "format": "date"},
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "time"},
    {"type": "integer"},
    {"type": "number"},
    {"type": "boolean"},
    {"enum": ["invoice", 'order "x"', "a\\b"]},
    {"enum": [1, 2, 10]},
    {"type": "string", "x-parquetry": {"kind": "currency"}},
    {"type": "string", "maxLength": 20, "x-parquetry": {"grounding": "free"}},
]
TOKENS = [
    "Total", "Date:", "Müller", "ﬁrst", "naïve", "e\u0301t\u00e9", "中文", "שלום", "co\u00adop", '"quoted"', "C:\\path",
    "{}[]", '","x":"9', "null", "<|im_end|>", "AB-1234", "CD99", "jane.roe@mill.com", "25/12/2018", "26/02/1808:28",
    "2018-01-02T10:30:00Z", "12", "Dec", "2019", "10:30", "$1,234.50", "RM9.00", "(3.20)", "-5.00", "1'234.50",
    "19%", "EUR", "€", "0", "x" * 40, "12345/1", "👩\u200d👩", "1.234.567,89", "x1y2", "yes", "invoice",
]  # fmt: skip
GROUPED = ["1 234,56", "12 345 678", "999 000.5"]
WIDTH = 6.0


@dataclass(frozen=True, slots=True)
class Pair:
    """A schema and a document; ``groups`` are words that are one number only together, as (page, box) each."""

    schema: LoadedSchema
    document: ReadDocument
    groups: tuple[frozenset[tuple[int, Box]], ...]


@dataclass(slots=True)
class Verdict:
    """What became of a pair: ``end`` is valid, truncated or refused; ``faults`` says what must never be."""

    end: str
    values: int = 0
    faults: list[str] = field(default_factory=list)


def make_pair(chance: random.Random) -> Pair:
    """A pair, whatever may come."""
    document, groups = _document(chance)
    return Pair(from_json_schema(_object(chance, 0), "pair"), document, groups)


def _object(chance: random.Random, depth: int) -> dict[str, Any]:
    names = chance.sample(["alpha", "b", "total", "dåte", 'q"uote', "c_d", "E"], chance.randint(1, 4))
    return {"type": "object", "properties": {name: _schema(chance, depth + 1) for name in names}}


def _schema(chance: random.Random, depth: int) -> dict[str, Any]:
    shape = chance.choice(["leaf", "leaf", "leaf", "optional", "union", "object", "array", "rows"])
    if depth > 2 or shape == "leaf":
        return chance.choice(LEAVES)
    match shape:
        case "optional":
            return {"anyOf": [_schema(chance, depth + 1), {"type": "null"}]}
        case "union":
            return {"anyOf": [chance.choice(LEAVES), chance.choice(LEAVES)]}
        case "object":
            return _object(chance, depth)
        case "array":
            return {"type": "array", "items": chance.choice(LEAVES), "maxItems": chance.randint(1, 5)}
    return {"type": "array", "items": _object(chance, depth), "minItems": chance.randint(0, 2)}


def _document(chance: random.Random) -> tuple[ReadDocument, tuple[frozenset[tuple[int, Box]], ...]]:
    pages: list[Page] = []
    groups: list[frozenset[tuple[int, Box]]] = []
    for number in range(1, chance.randint(1, 2) + 1):
        words: list[Word] = []
        for row in range(chance.randint(0, 6)):
            x, y = 40.0, 40.0 + 16 * row
            for _ in range(chance.randint(1, 6)):
                grouped = chance.random() < 0.1
                text = chance.choice(GROUPED if grouped else TOKENS)
                parts = normalise_text(text).split()
                made = []
                for part in parts:
                    made.append(Word(part, Box(x, y, x + WIDTH * len(part), y + 10)))
                    x += WIDTH * (len(part) + 1)
                words += made
                if grouped:
                    groups.append(frozenset((number, word.box) for word in made))
                x += chance.choice([0.0, 0.0, 30.0])
        pages.append(Page(number, 612.0, 792.0, "text_layer", tuple(words)))
    ref = DocumentRef("memory://pair.pdf", "0" * 64, 1, "application/pdf")
    return ReadDocument(ref, tuple(pages), len(pages)), tuple(groups)


def judge(pair: Pair, backend: Backend) -> Verdict:
    """Lets a backend answer, and holds the answer against everything that must be so whatever the model."""
    try:
        (answer,) = backend.answer([pair.document], pair.schema)
    except BackendError:
        return Verdict("refused")
    verdict = Verdict("truncated" if answer.truncated else "valid")
    validated = validate(answer, pair.schema, pair.document, ExtractOptions())
    accepted = route(validated, ExtractOptions())
    if answer.truncated:
        if accepted or ReviewReason.ANSWER_TRUNCATED not in validated.reasons:
            verdict.faults.append("a truncated answer would land")
    else:
        verdict.faults += _misfits(pair.schema.tree, answer.data, "")
    if accepted and not conform(validated.data, pair.schema).valid:
        verdict.faults.append("invalid data would land")
    for leaf in answer.leaves:
        node = leaf_at(pair.schema.tree, leaf.path)
        if leaf.raw is not None and node is not None and node.grounding == "span":
            verdict.values += 1
            verdict.faults += _misplaced(leaf, node, pair)
    return verdict


def _misfits(node: Node, value: Any, path: str) -> Iterator[str]:
    """Where a raw answer has not the form of its schema: every object with its keys, texts and nulls at its ends."""
    match node:
        case ObjectNode() if isinstance(value, dict):
            if list(value) != [name for name, _ in node.fields]:
                yield f"{path}: keys {list(value)}"
            for name, child in node.fields:
                yield from _misfits(child, value.get(name), f"{path}.{name}")
        case ArrayNode() if isinstance(value, list):
            if len(value) > node.max_items:
                yield f"{path}: {len(value)} items"
            for i, item in enumerate(value):
                yield from _misfits(node.item, item, f"{path}.{i}")
        case Leaf(kind=Kind.BOOLEAN) if isinstance(value, bool):
            pass
        case Leaf(choices=choices) if choices and value in choices:
            pass
        case Leaf(choices=(), grounding="span" | "free") if isinstance(value, str) and value.strip() == value:
            pass
        case _ if value is not None or (isinstance(node, ObjectNode) and not node.nullable and not path):
            yield f"{path}: {value!r}"


def _misplaced(leaf: LeafAnswer, node: Leaf, pair: Pair) -> Iterator[str]:
    raw = leaf.raw or ""
    if leaf.span is None:
        yield f"{leaf.path}: {raw!r} has no place"
        return
    if " ".join(word.text for _, word in leaf.span.words) != raw:
        yield f"{leaf.path}: the words of its place do not spell {raw!r}"
    touched = []
    for number, word in leaf.span.words:
        page = pair.document.page(number)
        on_page = page.words if page is not None else ()
        whole = next((w for w in on_page if word.text in w.text and _inside(word.box, w.box)), None)
        if whole is None:
            yield f"{leaf.path}: {word.text!r} does not stand in its box"
            return
        touched.append((number, whole))
    if node.kind in NUMERIC:
        first, last = leaf.span.words[0][1], leaf.span.words[-1][1]
        before, after = touched[0][1].text.split(first.text), touched[-1][1].text.split(last.text)
        if (len(before) == 2 and _goes_on(before[0][::-1])) or (len(after) == 2 and _goes_on(after[1])):
            yield f"{leaf.path}: {raw!r} is a piece of a number"
        places = {(number, word.box) for number, word in touched}
        if any(group & places and not group <= places for group in pair.groups):
            yield f"{leaf.path}: {raw!r} is a piece of a number grouped by spaces"


def _inside(part: Box, whole: Box) -> bool:
    return (
        whole.x0 - 0.01 <= part.x0 <= part.x1 <= whole.x1 + 0.01
        and (part.y0, part.y1) == (whole.y0, whole.y1)
        and part.x1 > part.x0
    )


def _goes_on(text: str) -> bool:
    """Whether a number would go on in this direction: a digit, or a separator and a digit."""
    return text[:1].isdigit() or (text[:1] in ".,'" and text[1:2].isdigit())
