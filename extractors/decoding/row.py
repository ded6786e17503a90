"""One answer as it is written: what is certain, what is proposed, what the model's logits make of it. No model here.

Each pass feeds the tokens that are already certain (the last choice, what the grammar forces after it) and a draft
from the page. The draft is accepted as far as it is what greedy decoding would have chosen, token by token under the
grammar's mask; the first token that differs is the choice itself, so a draft never changes the answer's definition.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import llguidance
import llguidance.numpy
import numpy as np
import numpy.typing as npt

from extractors.decoding.circles import Circles
from extractors.decoding.draft import continuation, open_value
from extractors.decoding.guess import Guess
from extractors.decoding.scores import Scores
from extractors.decoding.spelling import Spelling
from extractors.grammar.spans import SpanIndex
from extractors.prompting.encode import Encoded
from schemas.errors import BackendError

MAX_DRAFT = 32
"""Tokens proposed per pass: longer ones save a pass now and then, and every pass pays for what is refused."""
MIN_DRAFT = 8
MAX_DRAFT_CHARS = 200
CERTAIN = -2e-4
"""Log-probability from which on a token is taken without a mask, if it is allowed at all."""


@dataclass(frozen=True, slots=True)
class Request:
    """One window to answer.

    ``prompt``: of `extractors.prompting.encode.encode`. ``grammar``: Lark text of `grammar_of`. ``index``: what the
    window's values are copied from; source of drafts. ``max_tokens``: longest answer; reaching it sets
    ``truncated``. ``guess``: a likely answer, to draft from.
    """

    prompt: Encoded
    grammar: str
    index: SpanIndex
    max_tokens: int
    guess: Guess | None = None


@dataclass(slots=True)
class Decoded:
    """An answer: its text, and per token its text, its log-probability and the mass it was chosen from.

    ``log_probabilities``: under the grammar, 0 for what it forced. ``log_masses``: the logarithm of the share of the
    model's probability that the grammar allowed there; the rest was cut away; ``None``: not known. ``model_calls``:
    passes that this answer took part in.
    """

    text: str
    pieces: list[str] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    log_masses: list[float] | None = None
    truncated: bool = False
    model_calls: int = 0


class Row:
    """An answer in the making.

    Args:
        request: what is asked.
        matcher: at the start of its grammar.
        tokenizer: of the model.
        mask: scratch for one bitmask of the vocabulary, shared by rows that take turns.
        vocabulary: tokens that the grammar knows.
        drafts: propose what the page says next; off for the reference of tests.
    """

    def __init__(
        self,
        request: Request,
        matcher: llguidance.LLMatcher,
        tokenizer: Any,
        mask: Any,
        vocabulary: int,
        *,
        drafts: bool,
    ) -> None:
        self.request = request
        self.length = 0
        """Tokens of prompt and answer that are in the cache."""
        self.calls = 0
        self._matcher, self._tokenizer, self._mask, self._drafts = matcher, tokenizer, mask, drafts
        self._vocabulary = vocabulary
        self._tokens: list[int] = []
        self._scores: list[float] = []
        self._masses: list[float] = []
        self._spelling = Spelling(tokenizer)
        self._circles = Circles(request.index)
        self._reach = MAX_DRAFT
        """Tokens of the next draft at most: where drafts were refused, long ones are paid for in vain."""
        self._denied = False
        """The last choice says that the value which begins is not the string that was drafted."""
        self.pending = self._forced()
        self.draft: list[int] = []

    def is_over(self) -> bool:
        """Whether nothing more is to be written."""
        return self._is_full() or self._circles.seen_in(self._spelling.text)

    def _is_full(self) -> bool:
        return len(self._tokens) >= self.request.max_tokens or self._complete()

    def propose(self) -> list[int]:
        """Sets the draft of the next pass, and gives all tokens to be fed: certain ones, then the draft."""
        self.draft = self._continuation() if self._drafts else []
        return [*self.pending, *self.draft]

    def take(self, found: Scores) -> None:
        """Takes the draft as far as it is the greedy choice, then one choice.

        Args:
            found: after the last certain token and after each token of the draft, 1 + len(draft) positions.

        Raises:
            BackendError: the model gives no numbers to choose by.
        """
        self.calls += 1
        self.length += len(self.pending)
        step = 0
        while True:
            choice = self._choose(found, step)
            forced = self._forced()
            if step == len(self.draft) or choice != self.draft[step]:
                self.pending = [choice, *forced]
                self._learn(step, choice)
                return
            held = 1 + _agreement(forced, self.draft[step + 1 :])
            self.length += held
            step += held
            if held <= len(forced) or self._is_full():
                self.pending = forced[held - 1 :]
                self._learn(step)
                return

    def _learn(self, accepted: int, choice: int | None = None) -> None:
        """Makes the next draft as long as this one was good, and notes when a value was denied.

        Args:
            accepted: how many tokens of the draft were.
            choice: what came in place of the next one.
        """
        self._denied = False
        if not self.draft:
            return
        refused = len(self.draft) > accepted
        self._reach = min(max(MIN_DRAFT, 2 * accepted), MAX_DRAFT) if refused else MAX_DRAFT
        if refused and choice is not None:
            said = self._tokenizer.decode([choice])
            # A string would have begun in the same token as its colon, as the draft has it.
            self._denied = said.endswith(":") and self._tokenizer.decode([self.draft[accepted]]).startswith(
                said
            )

    def decoded(self) -> Decoded:
        """The answer as it stands."""
        end = len(self._tokens)
        while end and self._tokens[end - 1] == self._tokenizer.eos_token_id:
            end -= 1
        truncated = end > self.request.max_tokens or not self._complete()
        end = min(end, self.request.max_tokens)
        pieces = self._spelling.pieces[:end]
        return Decoded(
            "".join(pieces), pieces, self._scores[:end], self._masses[:end], truncated, model_calls=self.calls
        )

    def _choose(self, found: Scores, step: int) -> int:
        scores = found.at(step, self._vocabulary)
        choice = int(scores.argmax())
        peak = float(scores[choice])
        if not math.isfinite(peak):
            raise BackendError(
                "The model gave numbers that are none (NaN or infinite).",
                remedy="Its weights are damaged, or do not fit its number format: load them again, or in float32.",
            )
        everything = _log_sum(scores)
        score, mass = peak - everything, 0.0
        # Where nearly all probability is on one token that is allowed, no mask can change the choice, nor its
        # log-probability by more than what is left.
        if score < CERTAIN or not self._matcher.validate_tokens([choice]):
            choice, score, mass = self._choose_under_mask(found, step, scores, everything)
        self._consume([choice])
        self._write([choice], score, mass)
        return choice

    def _choose_under_mask(
        self, found: Scores, step: int, scores: npt.NDArray[np.float32], everything: float
    ) -> tuple[int, float, float]:
        """The best of what is allowed, its log-probability there, and the logarithm of the mass that is allowed."""
        allowed = self._allowed()
        # Often a handful of the vocabulary: to go through all of it again would cost more than the grammar does.
        left = scores[allowed]
        some = _log_sum(left)
        found.settle(step, allowed, left)
        best = int(left.argmax())
        return int(allowed[best]), float(left[best]) - _log_sum(left), min(some - everything, 0.0)

    def _allowed(self) -> npt.NDArray[np.intp]:
        """Which tokens may come next."""
        llguidance.numpy.fill_next_token_bitmask(self._matcher, self._mask, 0)
        bits = np.unpackbits(self._mask[0].view(np.uint8), bitorder="little", count=self._vocabulary)
        return np.flatnonzero(bits)

    def _write(self, tokens: Sequence[int], score: float = 0.0, mass: float = 0.0) -> None:
        self._tokens += tokens
        self._scores += [score] * len(tokens)
        self._masses += [mass] * len(tokens)
        self._spelling.add(tokens)

    def _forced(self) -> list[int]:
        """What the grammar forces now, taken."""
        if self._matcher.is_stopped():
            return []
        forced = list(self._matcher.compute_ff_tokens())
        if forced:
            self._consume(forced)
            self._write(forced)
        return forced

    def _consume(self, tokens: Sequence[int]) -> None:
        if not self._matcher.consume_tokens(list(tokens)):
            raise BackendError(f"The grammar refused its own tokens: {self._matcher.get_error()[:200]}")

    def _complete(self) -> bool:
        return self._matcher.is_stopped() or (
            self._matcher.is_accepting() and bool(self._tokens) and self._only_end()
        )

    def _only_end(self) -> bool:
        """True when the answer is complete: nothing but the end may follow."""
        return set(self._allowed()) <= {self._tokenizer.eos_token_id}

    def _continuation(self) -> list[int]:
        """What the guess, or else the page, says next, in the tokens that would be written."""
        text, guess = self._spelling.text, self.request.guess
        following = ""
        if guess is not None:
            following = guess.without_value(text) if self._denied else guess.continuation(text)
            following = following or guess.other(text)
        if not following and (prefix := open_value(text)):
            following = continuation(self.request.index, prefix)
        if not following:
            return []
        draft = self._split(following[:MAX_DRAFT_CHARS])[: self._reach]
        return draft[: self._matcher.validate_tokens(draft)]

    def _split(self, text: str) -> list[int]:
        ids = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return list(ids)


def _log_sum(scores: npt.NDArray[np.float32]) -> float:
    """Logarithm of the sum of exponentials."""
    peak = scores.max()
    return float(peak) + math.log(np.exp(scores - peak).sum(dtype=np.float64))


def _agreement(forced: Sequence[int], draft: Sequence[int]) -> int:
    """How many tokens of the two are the same from their beginning."""
    return next(
        (i for i, (a, b) in enumerate(zip(forced, draft, strict=False)) if a != b),
        min(len(forced), len(draft)),
    )
