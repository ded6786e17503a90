"""How good a model in training is on development windows: loss of their answers, F1 of what it writes itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from extractors.decoding.greedy import GreedyDecoder
from extractors.decoding.row import Request
from extractors.evaluation.metrics import Counts, flatten
from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.training.dataset import Example
from extractors.training.packing import Sample, plain_attention
from extractors.validation.text import text_key

MAX_ANSWER_TOKENS = 1000


def decoded_f1(model: Any, tokenizer: Any, windows: Sequence[tuple[Example, Sample]]) -> float:
    """Micro F1 over the leaves of windows, written greedily under their grammars, as in production.

    A leaf is right when it stands at its place with the target's letters and digits; rows of lists are not aligned, so
    this is a little stricter than an evaluation.

    Args:
        model: the image-text-to-text model, in evaluation mode.
        tokenizer: its tokenizer.
        windows: examples and what they are as tokens.
    """
    requests = []
    for example, sample in windows:
        index = SpanIndex(example.window)
        requests.append(
            Request(sample.prompt, grammar_of(example.schema.tree, index), index, MAX_ANSWER_TOKENS)
        )
    counts = Counts()
    with plain_attention(model):
        for number, decoded in GreedyDecoder(model, tokenizer).answers(requests):
            counts.add(_compared(windows[number][0].answer, decoded.text))
    return round(counts.f1, 5)


def _compared(target: str, written: str) -> Counts:
    wanted = dict(flatten(json.loads(target)))
    try:
        given = dict(flatten(json.loads(written)))
    except ValueError:  # cut off at its limit
        given = {}
    right = sum(
        path in given and text_key(str(given[path])) == text_key(str(value)) for path, value in wanted.items()
    )
    return Counts(right, len(given) - right, len(wanted) - right)
