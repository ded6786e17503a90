"""Greedy decoding under an llguidance grammar, few passes: forced text and drafts ride along with a choice.

Each pass feeds the tokens that are already certain (the last choice, what the grammar forces after it) and a draft
from the page. The draft is accepted as far as it is what greedy decoding would have chosen, token by token under the
grammar's mask; the first token that differs is the choice itself, so a draft never changes the answer's definition.
In bf16 the shape of a pass moves logits a little, so near ties may fall differently from one-token passes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import llguidance
import llguidance.hf
import llguidance.numpy
import numpy as np
import torch

from extractors.decoding.draft import continuation, open_value
from extractors.decoding.guess import Guess
from extractors.grammar.spans import SpanIndex
from extractors.prompting.encode import SHAPE_STEP, Encoded
from schemas.errors import BackendError

MAX_DRAFT = 32
"""Tokens proposed per pass: longer ones save a pass now and then, and every pass pays for what is refused."""
MAX_DRAFT_CHARS = 200
CIRCLES = 3
"""An item said this often, and not that often on the page, ends the answer."""
_ITEM = re.compile(r"\{[^{}]*\}")


@dataclass(slots=True)
class Decoded:
    """An answer: its text, and per token its text and log-probability (0 for what the grammar forced)."""

    text: str
    pieces: list[str] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    truncated: bool = False
    model_calls: int = 0


class GreedyDecoder:
    """Decodes one window at a time with one KV cache.

    Args:
        model: a causal image-text-to-text model.
        tokenizer: its fast tokenizer.
        drafts: take drafts from the page; off for the reference of tests.
    """

    def __init__(self, model: Any, tokenizer: Any, *, drafts: bool = True) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.drafts = drafts
        self.guide = llguidance.hf.from_tokenizer(tokenizer)
        self.vocabulary = self.guide.vocab_size
        self.mask = llguidance.numpy.allocate_token_bitmask(1, self.vocabulary)

    def matcher(self, grammar: str) -> llguidance.LLMatcher:
        """A matcher at the start of a grammar.

        Raises:
            BackendError: llguidance refuses the grammar (too large, as a rule).
        """
        matcher = llguidance.LLMatcher(self.guide, llguidance.LLMatcher.grammar_from_lark(grammar))
        if matcher.is_error():
            raise BackendError(
                f"The grammar cannot be compiled: {matcher.get_error()[:300]}",
                remedy="Use smaller windows, or split the schema.",
            )
        return matcher

    @torch.inference_mode()
    def decode(
        self, prompt: Encoded, grammar: str, index: SpanIndex, max_tokens: int, guess: Guess | None = None
    ) -> Decoded:
        """The greedy answer to a prompt.

        Args:
            prompt: of `extractors.prompting.encode.encode`.
            grammar: Lark text of `extractors.grammar.compile.grammar_of`.
            index: what the window's values are copied from; source of drafts.
            max_tokens: longest answer; reaching it sets ``truncated``.
            guess: a likely answer, to draft from.
        """
        matcher = self.matcher(grammar)
        run = _Run(self, matcher, index, prompt, max_tokens, guess)
        return run.finish()

    def allowed(self, matcher: llguidance.LLMatcher) -> torch.Tensor:
        """Which tokens may come next: bool of shape (vocabulary,)."""
        llguidance.numpy.fill_next_token_bitmask(matcher, self.mask, 0)
        bits = np.unpackbits(self.mask[0].view(np.uint8), bitorder="little")[: self.vocabulary]
        return torch.from_numpy(bits.astype(bool))


class _Run:
    def __init__(
        self,
        decoder: GreedyDecoder,
        matcher: llguidance.LLMatcher,
        index: SpanIndex,
        prompt: Encoded,
        limit: int,
        guess: Guess | None,
    ) -> None:
        self.guess = guess
        self.decoder = decoder
        self.matcher = matcher
        self.index = index
        self.prompt = prompt
        self.limit = limit
        self.tokens: list[int] = []
        self.scores: list[float] = []
        self.calls = 0
        self.device = decoder.model.device
        self.cache: Any = None

    def finish(self) -> Decoded:
        pending = self._forced()
        while not self._done() and len(self.tokens) < self.limit and not self._in_circles():
            draft = self._draft()
            logits = self._forward(pending, draft)
            pending = self._accept(logits, draft)
        stopped = self._done()
        eos = self.decoder.tokenizer.eos_token_id
        while self.tokens and self.tokens[-1] == eos:
            self.tokens.pop()
            self.scores.pop()
        pieces = _pieces(self.decoder.tokenizer, self.tokens)
        return Decoded("".join(pieces), pieces, self.scores, not stopped, self.calls)

    def _in_circles(self) -> bool:
        """True when the answer repeats an item more often than the page can have it: a legal, endless loop."""
        if not self.tokens or "}" not in self.decoder.tokenizer.decode(self.tokens[-4:]):
            return False
        text = self.decoder.tokenizer.decode(self.tokens)
        item = next(reversed(_ITEM.findall(text)), "")
        repeats = text.count(item) if item else 0
        if repeats < CIRCLES:
            return False
        values = [v for v in json.loads(item).values() if isinstance(v, str)]
        return any(self.index.occurrences(value) < repeats for value in values)

    def _done(self) -> bool:
        return self.matcher.is_stopped() or (
            self.matcher.is_accepting() and bool(self.tokens) and self._only_end()
        )

    def _only_end(self) -> bool:
        """True when the answer is complete: nothing but the end may follow."""
        allowed = self.decoder.allowed(self.matcher)
        return int(allowed.sum()) <= int(allowed[self.decoder.tokenizer.eos_token_id])

    def _forced(self) -> list[int]:
        """What the grammar forces now, taken."""
        if self.matcher.is_stopped():
            return []
        forced = list(self.matcher.compute_ff_tokens())
        if forced:
            self._consume(forced)
            self.tokens += forced
            self.scores += [0.0] * len(forced)
        return forced

    def _consume(self, tokens: Sequence[int]) -> None:
        if not self.matcher.consume_tokens(list(tokens)):
            raise BackendError(f"The grammar refused its own tokens: {self.matcher.get_error()[:200]}")

    def _draft(self) -> list[int]:
        if not self.decoder.drafts:
            return []
        text = self.decoder.tokenizer.decode(self.tokens)
        following = self.guess.continuation(text)[:MAX_DRAFT_CHARS] if self.guess else ""
        if not following and (prefix := open_value(text)):
            following = continuation(self.index, prefix)
        if not following:
            return []
        ids = self.decoder.tokenizer(following, add_special_tokens=False, split_special_tokens=True)[
            "input_ids"
        ]
        return list(ids[:MAX_DRAFT])

    def _forward(self, pending: list[int], draft: list[int]) -> torch.Tensor:
        """Logits after the last certain token and after each token of the draft: (1 + len(draft), vocabulary)."""
        new = torch.tensor([pending + draft], dtype=torch.long)
        extra: dict[str, torch.Tensor] = {}
        padding = 0
        if self.cache is None:
            new = torch.cat([self.prompt.input_ids, new], dim=1)
            extra = {k: v.to(self.device) for k, v in self.prompt.extra.items()}
            padding = -new.shape[1] % SHAPE_STEP if self.device.type == "cpu" else 0
        end = new.shape[1]
        new = torch.nn.functional.pad(new, (0, padding), value=self.decoder.tokenizer.eos_token_id)
        out = self.decoder.model(
            input_ids=new.to(self.device),
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=torch.arange(end - 1 - len(draft), end, device=self.device),
            **extra,
        )
        self.calls += 1
        self.cache = out.past_key_values
        if padding:
            self.cache.crop(-padding)
        logits: torch.Tensor = out.logits[0].float().cpu()
        return logits

    def _accept(self, logits: torch.Tensor, draft: list[int]) -> list[int]:
        """Takes the draft as far as it is the greedy choice, then one choice. Returns what is not yet cached."""
        for step in range(len(draft) + 1):
            choice, score = self._choose(logits[step])
            self._consume([choice])
            self.tokens.append(choice)
            self.scores.append(score)
            if step == len(draft) or choice != draft[step] or self.matcher.is_stopped():
                unused = len(draft) - step
                if unused:
                    self.cache.crop(-unused)
                break
        return [self.tokens[-1], *self._forced()]

    def _choose(self, logits: torch.Tensor) -> tuple[int, float]:
        allowed = self.decoder.allowed(self.matcher)
        scores = logits[: self.decoder.vocabulary].masked_fill(~allowed, -torch.inf)
        log_probabilities = torch.log_softmax(scores, dim=-1)
        choice = int(log_probabilities.argmax())
        return choice, float(log_probabilities[choice])


def _pieces(tokenizer: Any, tokens: list[int]) -> list[str]:
    """Each token's text; bytes of a character that spans tokens go to the token that completes it."""
    pieces, shown = [], ""
    for end in range(1, len(tokens) + 1):
        text = tokenizer.decode(tokens[:end])
        if text.endswith("\ufffd") and end < len(tokens):
            pieces.append("")
            continue
        pieces.append(text[len(shown) :])
        shown = text
    return pieces
