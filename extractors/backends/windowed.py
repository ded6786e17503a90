"""What all backends with a model share: from documents to requests, from decoded texts to answers.

How a request is decoded, in this process or by a server, is all that a backend adds.
"""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Protocol

from extractors.backends.base import Answer, LeafAnswer, WindowAnswer
from extractors.backends.candidates import with_candidates
from extractors.backends.marked import decided_by_marks
from extractors.backends.scripted import ScriptedBackend
from extractors.backends.unsure import (
    lists_of,
    rows_by_rules,
    rules_sure,
    sums_by_rules,
    texts_by_rules,
    titles_by_rules,
    values_by_rules,
    without_calls,
)
from extractors.context import about
from extractors.decoding.guess import Guess, guess_of
from extractors.decoding.row import Decoded, Request
from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.grounding.merge import merge, value_key
from extractors.grounding.place import read_answer
from extractors.prompting.encode import count_tokens, encode
from extractors.prompting.meant import as_meant
from extractors.prompting.split import joined, split_schema
from extractors.prompting.window import Window, windows_of
from extractors.validation.paths import pattern_of
from extractors.validation.text import text_key
from schemas.document import ReadDocument
from schemas.errors import BackendError, ParquetryError, foreign
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema
from schemas.tree import Leaf, ObjectNode, leaves

log = logging.getLogger(__name__)

MAX_ANSWER_TOKENS = 1500
"""Of one answer; what is longer is cut off, and goes to review."""
PROGRESS_SECONDS = 15.0
"""Between two lines that tell how far a long document is."""


class Answering(Protocol):
    """What is known of the model that answers; see `extractors.models.load.LoadedModel`."""

    @property
    def model_id(self) -> str: ...
    @property
    def processor(self) -> Any: ...
    @property
    def window_tokens(self) -> int: ...
    @property
    def unsure_below(self) -> float: ...
    @property
    def hints(self) -> bool: ...
    @property
    def rows_unsure_below(self) -> float: ...
    @property
    def trained_under(self) -> frozenset[str]: ...


class Work:
    """A document on its way: its windows, and the answers that are there by part of the schema."""

    def __init__(
        self,
        document: ReadDocument,
        windows: Sequence[Window],
        by_rules: Answer,
        found: list[list[tuple[int, WindowAnswer]]],
    ) -> None:
        self.document, self.windows, self.by_rules, self.found = document, windows, by_rules, found
        self.places = {leaf.path: leaf.span for leaf in by_rules.leaves if leaf.span is not None}
        self.counts = {"windows": 0, "model_calls": 0, "prompt_tokens": 0, "answer_tokens": 0}
        self.began = self.ended = self._told = time.perf_counter()
        self.began_at = time.monotonic()

    def take(self, asked: Asked, decoded: Decoded, tree: ObjectNode) -> None:
        """One window's answer to one part of the schema."""
        self.counts["windows"] += 1
        self.counts["model_calls"] += decoded.model_calls
        self.counts["prompt_tokens"] += asked.prompt_tokens
        self.counts["answer_tokens"] += len(decoded.pieces)
        self.found[asked.part].append((asked.place, read_answer(decoded, tree, asked.index, self.places)))
        self.ended = time.perf_counter()
        if self.ended - self._told > PROGRESS_SECONDS:
            self._told = self.ended
            total = len(self.windows) * len(self.found)
            with about(self.document.ref.sha256):
                log.info(
                    "%s: the model has read %d of %d windows",
                    self.document.ref.uri,
                    self.counts["windows"],
                    total,
                )


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is under way: the window of that place, for that part of the schema."""

    work: Work
    place: int
    part: int
    index: SpanIndex
    prompt_tokens: int


class WindowedBackend(ABC):
    """Reads documents window by window with a model that decodes under a grammar.

    Args:
        loaded: the model.
        max_answer_tokens: longest answer to a window.
        with_image: whether the model is shown the page.
    """

    one_at_a_time = True
    """Whether threads that want answers must take turns."""

    def __init__(
        self, loaded: Answering, *, max_answer_tokens: int = MAX_ANSWER_TOKENS, with_image: bool = True
    ) -> None:
        self.loaded = loaded
        self.max_answer_tokens = max_answer_tokens
        self.with_image = with_image
        # Their answer is a draft, and a hint to a model that was trained with hints.
        self.rules = ScriptedBackend()
        self.with_hints = loaded.hints

    @property
    def model_id(self) -> str:
        return self.loaded.model_id

    @abstractmethod
    def decoded(self, requests: Iterable[Request]) -> Iterator[tuple[int, Decoded]]:
        """The greedy answers to requests under their grammars, each with the number of its request, as they come.

        Raises:
            BackendError: the model failed.
        """

    def answer(self, documents: Sequence[ReadDocument], schema: LoadedSchema) -> list[Answer]:
        """One answer per document, in order; see `extractors.backends.base.Backend`."""
        parts = split_schema(as_meant(schema), self.count)
        works = [
            Work(
                document,
                windows_of(document, self.loaded.window_tokens, self.count),
                self._by_rules(document, schema),
                [[] for _ in parts],
            )
            for document in documents
        ]
        asked: dict[int, Asked] = {}
        try:
            for number, decoded in self.decoded(self._requests(works, parts, asked)):
                one = asked.pop(number)
                one.work.take(one, decoded, parts[one.part].tree)
        except ParquetryError:
            raise
        except (RuntimeError, ValueError) as error:  # a shape the model refuses
            names = ", ".join(dict.fromkeys(one.work.document.ref.uri for one in asked.values()))
            raise BackendError(
                f"The model failed on {names or 'the first document'}: {foreign(error)}",
                remedy="Try again; if it stays, use smaller windows or another model.",
            ) from error
        return [self._answer(work, schema, parts) for work in works]

    def _by_rules(self, document: ReadDocument, schema: LoadedSchema) -> Answer:
        """What the rules say; a slip of theirs costs a document its drafts and its hint, and not its answer."""
        try:
            return self.rules.answer([document], schema)[0]
        except Exception:
            with about(document.ref.sha256):
                log.exception("%s: the rules failed; the model reads without them", document.ref.uri)
            return Answer({}, ())

    def _requests(
        self, works: Sequence[Work], parts: Sequence[LoadedSchema], asked: dict[int, Asked]
    ) -> Iterator[Request]:
        """One request for each window of each document and each part of the schema, made when it is its turn."""
        numbers = count()
        for work in works:
            work.began, work.began_at = time.perf_counter(), time.monotonic()
            for place, window in enumerate(work.windows):
                index = SpanIndex(window)
                for part, schema in enumerate(parts):
                    guess = guess_of(schema.tree, work.by_rules.data, index, work.by_rules.others)
                    request = self.request(schema, window, work, index, guess)
                    tokens = int(request.prompt.input_ids.shape[1])
                    asked[next(numbers)] = Asked(work, place, part, index, tokens)
                    yield request

    def request(
        self, schema: LoadedSchema, window: Window, work: Work, index: SpanIndex, guess: Guess
    ) -> Request:
        """What is asked about one window, under one part of a schema."""
        prompt = encode(
            self.loaded.processor,
            schema,
            window,
            work.document,
            with_image=self.with_image,
            hint=guess.text if self.with_hints else "",
        )
        return Request(prompt, grammar_of(schema.tree, index), index, self.max_answer_tokens, guess)

    def _answer(self, work: Work, schema: LoadedSchema, parts: Sequence[LoadedSchema]) -> Answer:
        answers = []
        for part, found in zip(parts, work.found, strict=True):
            in_order = [answer for _, answer in sorted(found, key=lambda pair: pair[0])]
            answers.append(merge(in_order, part.tree) if in_order else WindowAnswer({}, (), False))
        data = answers[0].data if len(answers) == 1 else joined(schema.tree, [a.data for a in answers])
        kinds = {pattern_of(path): leaf for path, leaf in leaves(schema.tree)}
        said = _said(work.by_rules, kinds)
        merged = [
            replace(leaf, signals={**leaf.signals, **_agreement(leaf, said, kinds)})
            for answer in answers
            for leaf in answer.leaves
        ]
        known = schema.fingerprint in self.loaded.trained_under
        # Behind agreement: that the rules agree with themselves says nothing.
        for path in lists_of(schema.tree, of_values=not known):
            merged = rows_by_rules(
                path,
                data,
                merged,
                work.by_rules,
                self.loaded.rows_unsure_below,
                overlooked_below=-math.inf if known else self.loaded.unsure_below,
            )
        merged = texts_by_rules(as_meant(schema).tree, data, merged, work.by_rules, self.loaded.unsure_below)
        merged = without_calls(as_meant(schema).tree, data, merged, self.loaded.unsure_below)
        merged = sums_by_rules(as_meant(schema).tree, data, merged, work.by_rules, self.loaded.unsure_below)
        if not known:
            merged = values_by_rules(schema.tree, data, merged, work.by_rules, self.loaded.unsure_below)
        merged = titles_by_rules(schema.tree, data, merged, work.by_rules, self.loaded.unsure_below)
        merged = decided_by_marks(schema.tree, data, merged, work.by_rules)
        merged = with_candidates(merged, work.by_rules)
        if not known:
            merged = [replace(leaf, signals={**leaf.signals, "unknown_schema": 1.0}) for leaf in merged]
        found_leaves = tuple(map(self._doubted, merged))
        seconds = {"model": round(work.ended - work.began, 3)}
        return Answer(data, found_leaves, any(a.truncated for a in answers), dict(work.counts), seconds)

    def _doubted(self, leaf: LeafAnswer) -> LeafAnswer:
        if leaf.log_probability >= self.loaded.unsure_below:
            return leaf
        return replace(leaf, reasons=(*leaf.reasons, ReviewReason.MODEL_UNSURE.value))

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        processor: Any = self.loaded.processor
        return count_tokens(processor, list(texts))


def _said(by_rules: Answer, kinds: Mapping[str, Leaf]) -> dict[str, dict[str, float]]:
    """What the scripted rules found, by path pattern: each value, as `value_key`, with how sure they are of it."""
    found: dict[str, dict[str, float]] = {}
    for leaf in by_rules.leaves:
        if leaf.raw is not None:
            values, key = found.setdefault(pattern_of(leaf.path), {}), _key(leaf, kinds)
            values[key] = max(rules_sure(leaf), values.get(key, 0.0))
    return found


def _key(leaf: LeafAnswer, kinds: Mapping[str, Leaf]) -> str:
    known, raw = kinds.get(pattern_of(leaf.path)), leaf.raw or ""
    return value_key(raw, known) if known is not None else text_key(raw) or raw


def _agreement(
    leaf: LeafAnswer, said: Mapping[str, Mapping[str, float]], kinds: Mapping[str, Leaf]
) -> dict[str, float]:
    """Whether the rules found the same value, or (also where the model found none) another, and how sure they are."""
    theirs = said.get(pattern_of(leaf.path), {})
    same = theirs.get(_key(leaf, kinds)) if leaf.raw is not None else None
    sure = max(theirs.values(), default=0.0) if same is None else same
    return {
        "rules_same": float(same is not None),
        "rules_other": float(bool(theirs) and same is None),
        "rules_sure": sure,
    }
