"""Greedy decoding under an llguidance grammar, many answers at a time and few passes for each.

An answer's prompt is computed once, its beginning (the schema) once for all answers. From then on one pass of the model
brings every answer in the making one choice further, or many, where the grammar forces text or a draft of the page's
own words holds (`extractors.decoding.row`). Answers join as soon as others are done.

On a CPU in bf16 the shape of a pass does not move a bit of the logits (AVX-512), or little (AMX); on a GPU near ties
may fall differently from one-token passes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import llguidance
import llguidance.numpy
import torch

from extractors.decoding.guide import guide_of
from extractors.decoding.passes import Passes, Prefixes
from extractors.decoding.row import Decoded, Request, Row
from schemas.errors import BackendError

CPU_ROWS = 4
"""Answers at a time on a CPU: a pass over a few tokens costs little more than one over one."""
CUDA_SHARE = 0.6
"""Of the free memory of a GPU that keys and values may take; the rest is for the passes themselves."""
CUDA_TOKENS = 4096
"""Of prompt and answer, by which the rows on a GPU are counted."""
MAX_ROWS = 64


@dataclass(slots=True)
class _Making:
    number: int
    request: Request
    row: Row | None = None


class _Waiting:
    """Requests that are yet to be begun: those put back first, then new ones, one looked at ahead."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._new = enumerate(requests)
        self._next: deque[_Making] = deque()

    def __bool__(self) -> bool:
        if not self._next and (new := next(self._new, None)) is not None:
            self._next.append(_Making(*new))
        return bool(self._next)

    def take(self) -> _Making:
        return self._next.popleft()

    def back(self, begun: Iterable[_Making]) -> None:
        self._next.extendleft(
            sorted((_Making(one.number, one.request) for one in begun), key=lambda m: -m.number)
        )


class GreedyDecoder:
    """Decodes windows with one model, a few at a time. Not thread-safe.

    Args:
        model: a causal image-text-to-text model.
        tokenizer: its fast tokenizer.
        drafts: take drafts from the page; off for the reference of tests.
        rows: answers at a time; ``None``: as many as suit the device.
        packed: how rows lie in a pass, see `Passes`.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        drafts: bool = True,
        rows: int | None = None,
        packed: bool | None = None,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.drafts = drafts
        self.packed = packed
        self.rows = rows or _rows_for(model)
        self.guide = guide_of(tokenizer)
        self._mask = llguidance.numpy.allocate_token_bitmask(1, self.guide.vocab_size)
        self._prefixes = Prefixes()

    def decode(self, request: Request) -> Decoded:
        """The greedy answer to one request. Raises as `answers`."""
        ((_, decoded),) = self.answers([request])
        return decoded

    def answers(self, requests: Iterable[Request]) -> Iterator[tuple[int, Decoded]]:
        """The greedy answers to requests, each with the number of its request, in the order they are done.

        Args:
            requests: what is asked; taken as there is room for them, so that they need not all be in memory.

        Raises:
            BackendError: a grammar is refused, the memory does not suffice for one answer, or the model gives no
                numbers to choose by.
        """
        waiting = _Waiting(requests)
        while waiting:
            making: dict[int, _Making] = {}
            passes = Passes(self.model, self.rows, self._prefixes, packed=self.packed)
            try:
                yield from self._work(waiting, passes, making)
                return
            except torch.OutOfMemoryError as error:
                # What was in the making begins anew: its keys and values are what the memory is full of.
                if len(making) <= 1 or self.rows == 1:
                    raise BackendError(
                        f"The memory does not suffice for one answer: {str(error).splitlines()[0]}",
                        remedy="Use smaller windows (window_tokens in model.json), a smaller model or more memory.",
                    ) from error
                waiting.back(making.values())
                self.rows = max(1, min(self.rows, len(making)) // 2)
            del passes
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _work(
        self, waiting: _Waiting, passes: Passes, making: dict[int, _Making]
    ) -> Iterator[tuple[int, Decoded]]:
        """Works until nothing waits and nothing is in the making; ``making`` is by place in the cache."""
        while waiting or making:
            for place in range(self.rows):
                while place not in making and waiting:
                    making[place] = one = waiting.take()
                    one.row = self._begin(one.request, passes, place)
                    if one.row.is_over():
                        yield making.pop(place).number, one.row.decoded()
            places = sorted(making)
            rows = [row for place in places if (row := making[place].row)]
            if not rows:
                continue
            tokens = [row.propose() for row in rows]
            keep = [len(row.draft) + 1 for row in rows]
            found = passes.step(places, [row.length for row in rows], tokens, keep)
            for place, row, logits in zip(places, rows, found, strict=True):
                row.take(logits)
                if row.is_over():
                    yield making.pop(place).number, row.decoded()

    def _begin(self, request: Request, passes: Passes, place: int) -> Row:
        """A row with its prompt computed, and its first choice taken."""
        row = Row(
            request,
            self.matcher(request.grammar),
            self.tokenizer,
            self._mask,
            self.guide.vocab_size,
            drafts=self.drafts,
        )
        if not row.is_over():
            fed = row.propose()
            logits, row.length = passes.prefill(place, request.prompt, fed, len(row.draft) + 1)
            row.take(logits)
        return row

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


def _rows_for(model: Any) -> int:
    """How many answers the device can hold: on a GPU by its free memory."""
    if model.device.type != "cuda":
        return CPU_ROWS
    text = model.config.get_text_config(decoder=True)
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    numbers = 2 * text.num_hidden_layers * text.num_key_value_heads * head
    free, _ = torch.cuda.mem_get_info(model.device)
    per_row = numbers * torch.finfo(model.dtype).bits // 8 * CUDA_TOKENS
    return int(max(1, min(MAX_ROWS, CUDA_SHARE * free // per_row)))
