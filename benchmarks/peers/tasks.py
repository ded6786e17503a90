"""What every engine is asked: windows of documents, and how the answer to one is judged."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from extractors.backends.base import Answer, LeafAnswer
from extractors.backends.scripted import ScriptedBackend
from extractors.decoding.guess import guess_of
from extractors.decoding.row import Decoded
from extractors.grammar.spans import SpanIndex
from extractors.grounding.place import read_answer
from extractors.options import ExtractOptions, ReadOptions
from extractors.prompting.meant import as_meant
from extractors.prompting.split import split_schema
from extractors.prompting.window import CountTokens, Window, windows_of
from extractors.reading import ReaderPool, document_ref
from extractors.validation.paths import leaf_at
from extractors.validation.validate import validate
from schemas.document import ReadDocument
from schemas.errors import DocumentError, ParquetryError
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema, load_schema
from schemas.tree import ArrayNode, Kind, Leaf, Node, ObjectNode

SHORT_CHARS = 40
"""Longest number, date or currency in the schema of the peers; our grammar lists those of the page."""
_BAD = {ReviewReason.INVALID_VALUE, ReviewReason.MISSING_REQUIRED, ReviewReason.ANSWER_TRUNCATED}


@dataclass(frozen=True, slots=True)
class Task:
    """One window of one document, the name of the schema, and what the model is shown of the rules' answer."""

    name: str
    document: ReadDocument
    window: Window
    schema_name: str
    hint: str = ""

    @property
    def schema(self) -> LoadedSchema:
        """The schema as written, by which answers are judged.

        Loaded anew, because a Pydantic class may not travel between processes.
        """
        return load_schema(self.schema_name)

    @property
    def asked(self) -> LoadedSchema:
        """The schema as the product asks it: every engine's prompt, grammar, guess and JSON schema are of this one."""
        return as_meant(self.schema)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer is worth.

    Attributes:
        complete: the engine ended it by itself, below the limit of tokens.
        valid: complete, strict JSON, and valid under the schema of the verbatim answer.
        typed: valid, and our validation finds every value of its type and none missing.
        values: how many were copied (nulls, choices and free text are none).
        invented: how many of them do not stand on the page as they are, neither as what the schema says nor as what
            was asked (a total that is a text: ``9.00`` of a printed ``RM9.00``).
    """

    complete: bool
    valid: bool
    typed: bool
    values: int
    invented: int


def read_documents(folder: Path, options: ReadOptions) -> Iterator[tuple[str, ReadDocument]]:
    """Every document below a folder that can be read and has words, by its path there."""
    with ReaderPool(options) as reader:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
            name = path.relative_to(folder).as_posix()
            try:
                document = reader.read(document_ref(path, name), path, options)
            except (DocumentError, ParquetryError):
                continue
            if any(page.words for page in document.pages):
                yield name, document


def tasks_of(
    documents: Iterable[tuple[str, ReadDocument]],
    schema_name: str,
    budget: int,
    count: CountTokens,
    *,
    hints: bool = False,
) -> list[Task]:
    """The windows of documents as the product cuts them.

    Args:
        documents: with their names.
        schema_name: a catalog schema, or a JSON Schema file.
        budget: tokens of document text per window.
        count: tokens of texts, under the model's tokenizer.
        hints: the model was trained with hints, so every engine's prompt has them.

    Raises:
        SystemExit: the schema is answered in several parts, which the peers cannot.
    """
    schema = load_schema(schema_name)
    asked = as_meant(schema)
    if len(split_schema(asked, count)) > 1:
        raise SystemExit(f"{schema_name} is too wide for one prompt; measure with a smaller schema.")
    tasks = []
    for name, document in documents:
        data = ScriptedBackend().answer([document], schema)[0].data if hints else {}
        for window in windows_of(document, budget, count):
            hint = guess_of(asked.tree, data, SpanIndex(window)).text if hints else ""
            tasks.append(Task(name, document, window, schema_name, hint))
    return tasks


def groups_of(tasks: Sequence[Task], size: int) -> list[list[int]]:
    """The numbers of tasks in groups of one schema each, at most ``size``: what goes through an engine together."""
    by_schema: dict[str, list[int]] = defaultdict(list)
    for number, task in enumerate(tasks):
        by_schema[task.schema_name].append(number)
    return [
        numbers[start : start + size]
        for numbers in by_schema.values()
        for start in range(0, len(numbers), size)
    ]


def json_schema_of(node: Node) -> dict[str, Any]:
    """The verbatim answer as a plain JSON Schema: what an engine can be held to that does not know the page.

    Every key is there, in order, every string and list is bounded, and what is copied is a string or null.
    """
    match node:
        case ObjectNode():
            made: dict[str, Any] = {
                "type": "object",
                "properties": {name: json_schema_of(child) for name, child in node.fields},
                "required": [name for name, _ in node.fields],
                "additionalProperties": False,
            }
            return {"anyOf": [made, {"type": "null"}]} if node.nullable else made
        case ArrayNode():
            return {
                "type": "array",
                "items": json_schema_of(node.item),
                "minItems": node.min_items,
                "maxItems": node.max_items,
            }
        case Leaf(kind=Kind.BOOLEAN):
            return {"type": ["boolean", "null"]}
        case Leaf(grounding="choice", choices=choices) if choices:
            return {"enum": [*choices, *([None] if node.nullable else [])]}
        case Leaf():
            longest = node.max_chars if node.kind is Kind.TEXT else min(node.max_chars, SHORT_CHARS)
            return {"anyOf": [{"type": "string", "minLength": 1, "maxLength": longest}, {"type": "null"}]}


def judge(text: str, complete: bool, task: Task) -> Verdict:
    """Holds an answer against schema, page and our own validation."""
    schema, index = task.schema, SpanIndex(task.window)
    try:
        data = json.loads(text, parse_constant=_refuse)
        jsonschema.validate(data, json_schema_of(schema.tree))
    except (ValueError, jsonschema.ValidationError):
        return Verdict(complete, False, False, 0, 0)
    compact = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    decoded = Decoded(compact, [compact], [0.0], [0.0], truncated=not complete)
    found = read_answer(decoded, task.asked.tree, index)
    copied = [leaf for leaf in found.leaves if leaf.span is not None or leaf.reasons]
    answer = Answer(found.data, found.leaves, found.truncated)
    reasons = set(validate(answer, schema, task.document, ExtractOptions()).reasons)
    return Verdict(
        complete,
        complete,
        complete and not reasons & _BAD,
        len(copied),
        sum(leaf.span is None and not _stands_as_written(leaf, schema.tree, index) for leaf in copied),
    )


def _stands_as_written(leaf: LeafAnswer, tree: ObjectNode, index: SpanIndex) -> bool:
    node = leaf_at(tree, leaf.path)
    return node is not None and leaf.raw is not None and bool(index.places(leaf.raw, node.kind))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
