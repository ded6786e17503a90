"""Our decoding loop as an engine: what `extractors.backends.transformers` does with a window."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from benchmarks.peers.engine import Meter, Outcome, Written
from benchmarks.peers.tasks import Task
from extractors.backends.scripted import ScriptedBackend
from extractors.decoding.greedy import GreedyDecoder
from extractors.decoding.guess import guess_of
from extractors.decoding.row import Decoded, Request
from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.prompting.encode import encode


class Ours:
    """The product's loop. ``batch`` answers at a time; ``drafts`` off makes it the reference of tests."""

    def __init__(
        self, model: Any, processor: Any, *, batch: int = 1, with_image: bool = False, drafts: bool = True
    ) -> None:
        self.model, self.processor, self.with_image = model, processor, with_image
        self.decoder = GreedyDecoder(model, processor.tokenizer, drafts=drafts, rows=batch)
        self.rules = ScriptedBackend()

    def answer(self, tasks: Sequence[Task], max_tokens: int) -> Outcome:
        """See `Engine`."""
        began = time.perf_counter()
        requests = [self._request(task, max_tokens) for task in tasks]
        prepared = time.perf_counter()
        with Meter(self.model) as meter:
            answers = decode(self.decoder, requests)
        ended = time.perf_counter()
        return Outcome(
            [Written(a.text, len(a.pieces), not a.truncated) for a in answers],
            seconds=ended - began,
            prepare=prepared - began,
            prefill=meter.prefill,
            decode=ended - prepared - meter.prefill,
            forward=meter.forward,
            calls=meter.calls,
            prompt_tokens=sum(int(r.prompt.input_ids.shape[1]) for r in requests),
        )

    def _request(self, task: Task, max_tokens: int) -> Request:
        asked = task.asked
        by_rules = self.rules.answer([task.document], task.schema)[0]
        index = SpanIndex(task.window)
        return Request(
            encode(
                self.processor,
                asked,
                task.window,
                task.document,
                with_image=self.with_image,
                hint=task.hint,
            ),
            grammar_of(asked.tree, index),
            index,
            max_tokens,
            guess_of(asked.tree, by_rules.data, index, by_rules.others),
        )


def decode(decoder: GreedyDecoder, requests: Sequence[Request]) -> list[Decoded]:
    """The answers in the order of the requests. The one place that knows how the decoder is called."""
    answers = dict(decoder.answers(requests))
    return [answers[number] for number in range(len(requests))]
