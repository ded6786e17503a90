"""Hugging Face `generate` with a mask for every token: llguidance under our page grammar, or what outlines brings."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import llguidance
import llguidance.hf
import llguidance.numpy
import numpy as np
import torch
from transformers import LogitsProcessor, LogitsProcessorList

from benchmarks.peers.engine import Meter, NotHereError, Outcome, Written
from benchmarks.peers.tasks import Task, json_schema_of
from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.prompting.encode import encode

Constrain = Callable[[Sequence[Task]], Any]
"""A logits processor for some tasks that are answered together."""


class Generate:
    """`generate`, greedy, left-padded, with the KV cache that it makes itself.

    Args:
        model: a causal image-text-to-text model.
        processor: its processor.
        constrain: makes the logits processor of a batch.
        with_image: put the page image into the prompt; batches of one only.
    """

    def __init__(self, model: Any, processor: Any, constrain: Constrain, *, with_image: bool = False) -> None:
        self.model, self.processor, self.with_image = model, processor, with_image
        self.constrain = constrain

    @torch.inference_mode()
    def answer(self, tasks: Sequence[Task], max_tokens: int) -> Outcome:
        """See `Engine`."""
        began = time.perf_counter()
        tokenizer = self.processor.tokenizer
        prompts = [
            encode(self.processor, t.asked, t.window, t.document, with_image=self.with_image, hint=t.hint)
            for t in tasks
        ]
        ids, seen = _padded([p.input_ids[0] for p in prompts], tokenizer.pad_token_id)
        constraint = self.constrain(tasks)
        prepared = time.perf_counter()
        with Meter(self.model) as meter, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # rows that are done are fed padding, which matchers complain of
            out = self.model.generate(
                input_ids=ids,
                attention_mask=seen,
                **(prompts[0].extra if len(prompts) == 1 else {}),
                logits_processor=LogitsProcessorList([constraint]),
                max_new_tokens=max_tokens,
                do_sample=False,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        written = [_written(tokenizer, row) for row in out[:, ids.shape[1] :].tolist()]
        ended = time.perf_counter()
        return Outcome(
            written,
            seconds=ended - began,
            prepare=prepared - began,
            prefill=meter.prefill,
            decode=ended - prepared - meter.prefill,
            forward=meter.forward,
            calls=meter.calls,
            prompt_tokens=sum(int(p.input_ids.shape[1]) for p in prompts),
        )


def page_grammars(tokenizer: Any) -> Constrain:
    """The grammar that our own loop decodes under, by the processor that llguidance's documentation describes."""
    guide = llguidance.hf.from_tokenizer(tokenizer)

    def constrain(tasks: Sequence[Task]) -> Any:
        return _Masks(guide, [grammar_of(t.asked.tree, SpanIndex(t.window)) for t in tasks])

    return constrain


def outlines_schemas(model: Any, tokenizer: Any) -> Constrain:
    """The JSON schema of the documents by outlines and its llguidance backend, compiled once per schema.

    Its default backend, outlines_core, unrolls every bound of a string or list into one automaton over the vocabulary;
    schemas with strings of hundreds of characters and lists of hundreds of rows are not what that is for.

    Raises:
        NotHereError: outlines is not installed.
    """
    try:
        import outlines
        from outlines.backends import get_json_schema_logits_processor
    except ImportError as error:
        raise NotHereError("pip install outlines") from error
    wrapped = outlines.models.Transformers(model, tokenizer)
    made: dict[str, Any] = {}

    def constrain(tasks: Sequence[Task]) -> Any:
        name = tasks[0].schema_name
        if name not in made:
            # Without this llguidance allows white space anywhere, which costs the peer tokens.
            schema = {"x-guidance": {"whitespace_flexible": False}, **json_schema_of(tasks[0].asked.tree)}
            made[name] = get_json_schema_logits_processor("llguidance", wrapped, json.dumps(schema))
        made[name].reset()
        return made[name]

    return constrain


class _Masks(LogitsProcessor):
    """One grammar per row. Bits are unpacked by numpy: llguidance's torch kernel needs a C++ compiler at run time."""

    def __init__(self, guide: llguidance.LLTokenizer, grammars: Sequence[str]) -> None:
        self.matchers = [
            llguidance.LLMatcher(guide, llguidance.LLMatcher.grammar_from_lark(text)) for text in grammars
        ]
        self.mask = llguidance.numpy.allocate_token_bitmask(len(grammars), guide.vocab_size)
        self.vocabulary = guide.vocab_size
        self.begun = False

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        for row, matcher in enumerate(self.matchers):
            if self.begun and not matcher.is_stopped():
                matcher.consume_token(int(input_ids[row, -1]))
            llguidance.numpy.fill_next_token_bitmask(matcher, self.mask, row)
        self.begun = True
        bits = np.unpackbits(self.mask.view(np.uint8), axis=1, bitorder="little")[:, : scores.shape[1]]
        forbidden = torch.from_numpy(bits == 0)
        # The model may have more rows in its table than the tokenizer has tokens.
        scores[:, : forbidden.shape[1]].masked_fill_(forbidden, -torch.inf)
        scores[:, forbidden.shape[1] :] = -torch.inf
        return scores


def _padded(rows: Sequence[torch.Tensor], padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of different lengths as one tensor, padded on the left, and which of it is real."""
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), padding, dtype=torch.long)
    seen = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, width - len(row) :] = row
        seen[i, width - len(row) :] = 1
    return ids, seen


def _written(tokenizer: Any, tokens: list[int]) -> Written:
    end = tokenizer.eos_token_id
    complete = end in tokens
    kept = tokens[: tokens.index(end)] if complete else tokens
    return Written(tokenizer.decode(kept), len(kept), complete)
