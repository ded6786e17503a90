"""Labelled documents to training examples.

A labelled folder has ``docs/<id>.*``, ``truth/<id>.json`` (nested values; a missing key is unlabelled, ``null`` is
"not on the document") and ``splits.json`` (lists of ids). Corrections of reviewers are exported in the same form.
An example is one window of one document: what the prompt shows, and the answer as text of that window.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.grammar.spans import SpanIndex
from extractors.prompting.meant import as_meant
from extractors.prompting.window import CountTokens, Window, windows_of
from extractors.training.align import target_of
from extractors.validation.text import text_key
from schemas.document import ReadDocument
from schemas.errors import UsageError
from schemas.registry import LoadedSchema
from schemas.tree import ArrayNode, Leaf, Node, ObjectNode

MISSING = object()


@dataclass(frozen=True, slots=True)
class Example:
    """One window and its answer. ``schema`` has only the fields whose label is known for this document."""

    document: ReadDocument
    window: Window
    schema: LoadedSchema
    answer: str
    filled: int


def split_ids(folder: Path, split: str) -> list[str]:
    """The ids of a split of a labelled folder, in file order; none where the split is not in the file.

    Raises:
        UsageError: there is no such folder, or its ``splits.json`` is not lists of ids.
    """
    if not folder.is_dir():
        raise UsageError(
            f"{folder} is no folder.", remedy="Give a folder with docs/, truth/ and splits.json."
        )
    path = folder / "splits.json"
    splits = _read_json(path)
    listed = splits.get(split, []) if isinstance(splits, dict) else None
    if not isinstance(listed, list):
        raise UsageError(f"{path}: {split!r} is no list of ids.", remedy='Write {"train": ["id", ...]}.')
    return [str(i) for i in listed]


def documents_of(folder: Path, split: str, dev_split: str, hold_out: float) -> tuple[list[str], list[str]]:
    """The ids to train on and those for development.

    Where ``splits.json`` is missing, every document with a truth counts; where there is no development split, the share
    ``hold_out`` is held out of the others, chosen by their names.

    Raises:
        UsageError: as `split_ids`; or the folder has no labelled document.
    """
    if folder.is_dir() and hold_out and not (folder / "splits.json").exists():
        train = sorted(path.stem for path in (folder / "truth").glob("*.json"))
        dev: list[str] = []
    else:
        train, dev = split_ids(folder, split), split_ids(folder, dev_split)
    if not train and hold_out:
        raise UsageError(
            f"{folder} has no labelled document.",
            remedy="Put documents into docs/<id>.pdf and their labels into truth/<id>.json.",
        )
    if dev or not hold_out or len(train) < 2:
        return train, dev
    held = held_out(train, hold_out)
    return [i for i in train if i not in held], [i for i in train if i in held]


def held_out(ids: Sequence[str], share: float) -> set[str]:
    """The ids, by their hashes, that are kept for development: at least one of two or more."""
    return set(sorted(ids, key=_drawn)[: max(1, round(len(ids) * share))]) if len(ids) > 1 else set()


def _drawn(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()


def truth_of(folder: Path, identity: str) -> dict[str, Any]:
    """The labels of a document, without those that the folder's ``skip_fields.json`` names as slips.

    Raises:
        UsageError: the document has no truth file, or it is not an object of labels.
    """
    path = folder / "truth" / f"{identity}.json"
    labels = _read_json(path)
    if not isinstance(labels, dict):
        raise UsageError(f"{path} is no object of labels.", remedy='Write {"field": "value", ...}.')
    skips = folder / "skip_fields.json"
    skipped = _read_json(skips).get(identity, []) if skips.exists() else []
    return {k: v for k, v in labels.items() if k not in skipped}


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path}: {error.strerror or error}.", remedy="A labelled folder needs it."
        ) from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}.", remedy="Correct the file.") from error


def examples_of(
    document: ReadDocument,
    truth: dict[str, Any],
    schema: LoadedSchema,
    budget: int,
    count_tokens: CountTokens,
) -> list[Example]:
    """All windows of a document with their answers.

    A labelled value that no window has (the recogniser misread it beyond recognition) is taken out of the schema
    for this document: it would teach the model to say null to what a person can read.
    """
    schema = as_meant(schema)
    windows = windows_of(document, budget, count_tokens)
    indexes = [SpanIndex(w) for w in windows]
    tree = _labelled(schema.tree, truth)
    assert isinstance(tree, ObjectNode | None)
    if tree is None:
        return []
    answers = _answers(tree, truth, document, indexes)
    lost = {
        name
        for name, child in tree.fields
        if isinstance(child, Leaf) and truth.get(name) is not None and all(a[name] is None for a in answers)
    }
    kept = tuple((n, c) for n, c in tree.fields if n not in lost)
    if not kept:
        return []
    shown = dataclasses.replace(schema, tree=ObjectNode(kept))
    out = []
    for window, answer in zip(windows, answers, strict=True):
        answer = {k: v for k, v in answer.items() if k not in lost}
        spans = {n for n, c in kept if not (isinstance(c, Leaf) and c.grounding == "choice")}
        filled = sum(1 for k, v in answer.items() if k in spans and v not in (None, []))
        text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        out.append(Example(document, window, shown, text, filled))
    return out


def shuffled_fields(example: Example, chance: random.Random) -> Example:
    """The same example with its top-level fields in another order, so that the model follows the schema."""
    fields = list(example.schema.tree.fields)
    chance.shuffle(fields)
    answer = json.loads(example.answer)
    text = json.dumps({n: answer[n] for n, _ in fields}, ensure_ascii=False, separators=(",", ":"))
    schema = dataclasses.replace(example.schema, tree=ObjectNode(tuple(fields)))
    return dataclasses.replace(example, schema=schema, answer=text)


def choose_windows(
    examples: Sequence[Example], chance: random.Random, most: int, empty_share: float
) -> Iterator[Example]:
    """The windows of one document for one epoch: the fullest first, an empty one now and then."""
    full = sorted((e for e in examples if e.filled), key=lambda e: (-e.filled, e.window.index))
    yield from full[:most]
    empty = [e for e in examples if not e.filled]
    if empty and (chance.random() < empty_share or not full):
        yield chance.choice(empty)


def _labelled(node: Node, truth: Any) -> Node | None:
    """The part of a tree that a truth labels; a missing key is unlabelled."""
    if not isinstance(node, ObjectNode):
        return node
    if not isinstance(truth, dict):
        return node
    fields = []
    for name, child in node.fields:
        if name not in truth:
            continue
        value = truth[name]
        shape = list if isinstance(child, ArrayNode) else dict if isinstance(child, ObjectNode) else None
        if shape is not None and value is not None and not isinstance(value, shape):
            continue  # the label is no list, or no object: nobody knows what was meant
        if isinstance(child, ArrayNode) and isinstance(child.item, ObjectNode) and isinstance(value, list):
            rows = [set(item) for item in value if isinstance(item, dict)]
            named = set.intersection(*rows) if rows else set()
            item_fields = tuple((n, c) for n, c in child.item.fields if n in named or not value)
            if not item_fields:
                continue
            child = dataclasses.replace(child, item=ObjectNode(item_fields))
        elif isinstance(child, ObjectNode) and isinstance(value, dict):
            part = _labelled(child, value)
            if part is None:
                continue
            child = part
        fields.append((name, child))
    return dataclasses.replace(node, fields=tuple(fields)) if fields else None


def _answers(
    tree: ObjectNode, truth: dict[str, Any], document: ReadDocument, indexes: Sequence[SpanIndex]
) -> list[dict[str, Any]]:
    """The answer of each window.

    A field that some window has as it is labelled is looked for like that in all of them: what is only much like it,
    the number of the next invoice, is another's. Rows may be misread where a page was recognised.
    """
    recognised = any(word.confidence is not None for page in document.pages for word in page.words)
    strict = [_Aligner(index, loose=False).object(tree, truth, "") for index in indexes]
    loose = [_Aligner(index, loose=True).object(tree, truth, "") for index in indexes]
    exact = {
        name
        for name, child in tree.fields
        if (isinstance(child, ArrayNode) and not recognised)
        or (not isinstance(child, ArrayNode) and any(_says(answer[name]) for answer in strict))
    }
    return [
        {name: (one if name in exact else other)[name] for name, _ in tree.fields}
        for one, other in zip(strict, loose, strict=True)
    ]


def _says(value: Any) -> bool:
    """Whether anything at all is said."""
    if isinstance(value, dict):
        return any(map(_says, value.values()))
    return value not in (None, [])


class _Aligner:
    """A truth as the text of one window."""

    def __init__(self, index: SpanIndex, *, loose: bool) -> None:
        self.index, self.loose = index, loose

    def object(self, tree: ObjectNode, truth: Any, path: str) -> dict[str, Any]:
        known = truth if isinstance(truth, dict) else {}
        return {
            name: self.value(child, known.get(name), f"{path}.{name}" if path else name)
            for name, child in tree.fields
        }

    def value(self, node: Node, value: Any, path: str) -> Any:
        match node:
            case Leaf(grounding="choice"):
                return _choice(node, value)
            case Leaf(grounding="free"):
                return None if value is None else str(value)[: node.max_chars]
            case Leaf():
                return self.text(node, value, path, None)
            case ObjectNode():
                return self.object(node, value, path)
            case ArrayNode():
                return self.rows(node, value or [], path)

    def text(self, leaf: Leaf, value: Any, path: str, after: int | None) -> str | None:
        if value is None:
            return None
        return target_of(value, leaf, self.index, path, after=after, loose=self.loose)

    def rows(self, node: ArrayNode, labels: Sequence[Any], path: str) -> list[Any]:
        """The rows that stand in the window, in order; one that is printed once is no row twice."""
        kept: list[Any] = []
        cursor = 0
        for label in labels:
            got, place = self.row(node.item, label, path, cursor)
            if not _worth(got, label) or not self._is_there(node.item, got, kept.count(got)):
                continue
            kept.append(got)
            cursor = max(cursor, place)
        return kept

    def row(self, item: Node, label: Any, path: str, cursor: int) -> tuple[Any, int]:
        """One row, its values looked for behind its first one; and where that one stands."""
        if isinstance(item, Leaf) and item.grounding == "span":
            got = self.text(item, label, path, cursor)
            return got, self._place(item, got, cursor)
        if not isinstance(item, ObjectNode):
            return self.value(item, label, path), cursor
        known = label if isinstance(label, dict) else {}
        row: dict[str, Any] = {}
        at = None
        for name, child in item.fields:
            if not isinstance(child, Leaf) or child.grounding != "span":
                row[name] = self.value(child, known.get(name), f"{path}.{name}")
                continue
            row[name] = self.text(child, known.get(name), f"{path}.{name}", cursor if at is None else at)
            if at is None and row[name] is not None:
                at = self._place(child, row[name], cursor)
        return row, cursor if at is None else at

    def _place(self, leaf: Leaf, text: str | None, cursor: int) -> int:
        """Where a text stands: the first place behind ``cursor``, else the first of all, as a word's number."""
        places = [self.index.order(place)[0] for place in self.index.places(text or "", leaf.kind)]
        return min(places, key=lambda at: (at < cursor, at), default=cursor)

    def _is_there(self, item: Node, got: Any, times: int) -> bool:
        leaves = [(item, got)] if isinstance(item, Leaf) else []
        if isinstance(item, ObjectNode) and isinstance(got, dict):
            leaves = [(child, got[name]) for name, child in item.fields if isinstance(child, Leaf)]
        texts = [v for leaf, v in leaves if leaf.grounding == "span" and isinstance(v, str)]
        return all(self.index.occurrences(text) > times for text in texts)


def _choice(leaf: Leaf, value: Any) -> Any:
    """The choice that a label names, whatever its case and signs."""
    if value is None or isinstance(value, bool):
        return value
    key = text_key(value if isinstance(value, str) else json.dumps(value))
    return next((choice for choice in leaf.choices if text_key(choice) == key), None)


def _worth(got: Any, label: Any) -> bool:
    """A row belongs to a window when its first value and most of it stand there (numbers alone stand anywhere)."""
    if not isinstance(got, dict):
        return got is not None
    said = [name for name in got if isinstance(label, dict) and _says(label.get(name))]
    found = [name for name in said if _says(got[name])]
    return bool(said) and said[0] in found and 2 * len(found) > len(said)
