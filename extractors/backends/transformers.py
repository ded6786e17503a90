"""The in-process backend: a Hugging Face image-text-to-text model under a grammar of schema and page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from extractors.backends.base import Answer, LeafAnswer, WindowAnswer
from extractors.backends.scripted import ScriptedBackend
from extractors.decoding.greedy import GreedyDecoder
from extractors.decoding.guess import guess_of
from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.grounding.merge import merge
from extractors.grounding.place import read_answer
from extractors.models.load import LoadedModel
from extractors.prompting.encode import count_tokens, encode
from extractors.prompting.split import joined, split_schema
from extractors.prompting.window import Window, windows_of
from schemas.document import ReadDocument
from schemas.errors import BackendError, ParquetryError
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema


class TransformersBackend:
    """Reads documents with a model in this process; not for several threads at once (one KV cache, all cores)."""

    def __init__(
        self, loaded: LoadedModel, *, max_answer_tokens: int = 1500, with_image: bool = True
    ) -> None:
        self.loaded = loaded
        self.max_answer_tokens = max_answer_tokens
        self.with_image = with_image
        self.decoder = GreedyDecoder(loaded.model, loaded.processor.tokenizer)
        self.rules = ScriptedBackend()  # drafts only: what it finds costs the model fewer passes

    @property
    def model_id(self) -> str:
        return self.loaded.model_id

    def answer(self, documents: Sequence[ReadDocument], schema: LoadedSchema) -> list[Answer]:
        """One answer per document, in order; see `extractors.backends.base.Backend`."""
        return [self._document(document, schema) for document in documents]

    def _document(self, document: ReadDocument, schema: LoadedSchema) -> Answer:
        began = time.perf_counter()
        counts = {"windows": 0, "model_calls": 0, "prompt_tokens": 0, "answer_tokens": 0}
        windows = windows_of(document, self.loaded.window_tokens, self._count)
        by_rules = self.rules.answer([document], schema)[0]
        answers = []
        for part in split_schema(schema, self._count):
            found = [self._window(document, window, part, by_rules, counts) for window in windows]
            answers.append(merge(found, part.tree) if found else WindowAnswer({}, (), False))
        data = answers[0].data if len(answers) == 1 else joined(schema.tree, [a.data for a in answers])
        seconds = {"model": round(time.perf_counter() - began, 3)}
        leaves = tuple(self._doubted(leaf) for answer in answers for leaf in answer.leaves)
        return Answer(data, leaves, any(a.truncated for a in answers), counts, seconds)

    def _doubted(self, leaf: LeafAnswer) -> LeafAnswer:
        if leaf.log_probability >= self.loaded.unsure_below:
            return leaf
        return replace(leaf, reasons=(*leaf.reasons, ReviewReason.MODEL_UNSURE.value))

    def _window(
        self,
        document: ReadDocument,
        window: Window,
        schema: LoadedSchema,
        by_rules: Answer,
        counts: dict[str, int],
    ) -> WindowAnswer:
        try:
            index = SpanIndex(window)
            prompt = encode(self.loaded.processor, schema, window, document, with_image=self.with_image)
            decoded = self.decoder.decode(
                prompt,
                grammar_of(schema.tree, index),
                index,
                self.max_answer_tokens,
                guess_of(schema.tree, by_rules.data, index),
            )
        except ParquetryError:
            raise
        except (RuntimeError, ValueError) as error:  # out of memory, a shape the model refuses
            raise BackendError(
                f"{document.ref.uri}: the model failed on window {window.index + 1} of {window.total}: {error}",
                remedy="Try again; if it stays, use smaller windows or another model.",
            ) from error
        counts["windows"] += 1
        counts["model_calls"] += decoded.model_calls
        counts["prompt_tokens"] += int(prompt.input_ids.shape[1])
        counts["answer_tokens"] += len(decoded.pieces)
        found = {leaf.path: leaf.span for leaf in by_rules.leaves if leaf.span is not None}
        return read_answer(decoded, schema.tree, index, found)

    def _count(self, texts: Sequence[str]) -> list[int]:
        processor: Any = self.loaded.processor
        return count_tokens(processor, list(texts))
