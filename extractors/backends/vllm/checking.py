"""Never unguarded: each answer of a server is held against the grammar that it was asked under, here once more.

The tokens are replayed as decoding in process would have written them. So the scores mean the same, 0 for what the
grammar forced; an answer that goes round in circles ends where it would have ended; and a token that the grammar does
not allow makes the whole answer void.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import llguidance
import llguidance.numpy
import numpy as np

from extractors.backends.vllm.question import Question
from extractors.backends.vllm.reply import Reply
from extractors.decoding.circles import Circles
from extractors.decoding.row import Decoded
from extractors.decoding.spelling import Spelling
from schemas.errors import BackendError, foreign

GUARDED = 'Start vLLM with --structured-outputs-config \'{"backend": "guidance"}\'; see docs/serving.md.'
SLACK = 0.02
"""Nats by which a server's log-probability may lie below what it must be: it computes in bf16, and rounds."""


class Checker:
    """Holds answers against grammars. Not thread-safe: the tokenizer is shared.

    Args:
        guide: of `extractors.decoding.guide.guide_of`.
        tokenizer: the same one.
    """

    def __init__(self, guide: llguidance.LLTokenizer, tokenizer: Any) -> None:
        self._guide, self._tokenizer = guide, tokenizer

    def decoded(self, reply: Reply, question: Question) -> Decoded:
        """The answer as decoding in process gives it; what the grammar cut away of the probability is not known.

        Raises:
            BackendError: the grammar cannot be compiled, the answer is outside it, or its text is of other tokens.
        """
        tokens, scores = self._without_end(reply)
        if not all(0 <= token < self._guide.vocab_size for token in tokens):
            raise _outside("it has tokens that the vocabulary does not have")
        matcher = self._matcher(question.grammar)
        if (held := matcher.validate_tokens(tokens)) < len(tokens):
            raise _outside(f"token {held + 1} of {len(tokens)} is not allowed")
        spelling, circles, kept = Spelling(self._tokenizer), Circles(question.index), list[float]()

        def take(count: int, forced: bool) -> None:
            at = len(kept)
            matcher.consume_tokens(tokens[at : at + count])
            spelling.add(tokens[at : at + count])
            kept.extend([0.0] * count if forced else scores[at : at + count])

        take(self._forced(matcher, tokens), True)
        circling = False
        while len(kept) < len(tokens) and not (circling := circles.seen_in(spelling.text)):
            take(1, False)
            take(self._forced(matcher, tokens[len(kept) :]), True)
        whole = matcher.is_accepting() and not circling
        if not reply.cut and not circling:
            if not whole:
                raise _outside("it ends before it is complete")
            _parsed(spelling.text)
            if spelling.text != reply.text:
                raise BackendError(
                    "The server spells its tokens in another way than the tokenizer of vllm.folder.",
                    remedy="Set vllm.folder to the folder of the very model that the server serves.",
                )
        return Decoded(spelling.text, spelling.pieces, kept, None, reply.cut or circling, model_calls=1)

    def scores_are_constrained(self, reply: Reply, question: Question) -> bool:
        """Whether the log-probabilities are of what the grammar left, not of all that the model might have said.

        Of k tokens that are allowed the likeliest has at least a k-th of the probability.
        """
        matcher = self._matcher(question.grammar)
        mask = llguidance.numpy.allocate_token_bitmask(1, self._guide.vocab_size)
        for token, score in zip(*self._without_end(reply), strict=True):
            llguidance.numpy.fill_next_token_bitmask(matcher, mask, 0)
            allowed = int(np.unpackbits(mask[0].view(np.uint8)).sum())
            if score < -math.log(max(allowed, 1)) - SLACK:
                return False
            matcher.consume_tokens([token])
        return True

    def _without_end(self, reply: Reply) -> tuple[list[int], list[float]]:
        """Tokens and scores without the token that ends an answer."""
        end = len(reply.tokens)
        while end and reply.tokens[end - 1] == self._tokenizer.eos_token_id:
            end -= 1
        return reply.tokens[:end], reply.scores[:end]

    def _forced(self, matcher: llguidance.LLMatcher, tokens: Sequence[int]) -> int:
        """How many of the next tokens were no choice: the grammar left one text, however it is cut into tokens."""
        if matcher.is_stopped():
            return 0
        forced = matcher.compute_ff_tokens()
        count = min(len(forced), len(tokens))
        if count and list(forced[:count]) == list(tokens[:count]):
            return count
        if not forced:
            return 0
        room, count = len(matcher.compute_ff_bytes()), 0
        for token in tokens:
            room -= len(self._guide.decode_bytes([token]))
            if room < 0:
                break
            count += 1
        return count

    def _matcher(self, grammar: str) -> llguidance.LLMatcher:
        matcher = llguidance.LLMatcher(self._guide, llguidance.LLMatcher.grammar_from_lark(grammar))
        if matcher.is_error():
            raise BackendError(
                f"The grammar cannot be compiled: {foreign(matcher.get_error()[:300])}",
                remedy="Use smaller windows, or split the schema.",
            )
        return matcher


def _parsed(text: str) -> None:
    try:
        if isinstance(json.loads(text), dict):
            return
    except ValueError as error:
        raise _outside("it is no JSON") from error
    raise _outside("it is no JSON object")


def _outside(what: str) -> BackendError:
    return BackendError(
        f"The server's answer is outside the grammar that it was given: {what}. Nothing of it is taken.",
        remedy=GUARDED,
    )
