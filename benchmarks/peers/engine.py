"""What an engine is, what it gives, and the meter that sees the passes of a torch model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from benchmarks.peers.tasks import Task

PREFILL_TOKENS = 64
"""A pass over so many tokens of one answer computes a prompt; drafts and forced text are shorter."""

Weights = Literal["base", "embedded"]


class NotHereError(Exception):
    """A peer, or its weights, are not installed; the message says how to get them."""


class EngineFailedError(Exception):
    """An engine died or raised; the message is one line, ``details`` its traceback if it had the time."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True, slots=True)
class Spec:
    """One row of the table.

    Attributes:
        key: unique, short: ``ours-8``.
        label: for people.
        kind: which engine: ``ours``, ``generate``, ``outlines``, ``llama``.
        batch: answers at a time.
        constraint: what holds its answers, for people.
        weights: ``base`` (untuned), or ``embedded`` (with its adapter merged).
        with_image: the page image is in the prompt.
        gguf: for llama.cpp, the number format of the weights.
    """

    key: str
    label: str
    kind: str
    batch: int
    constraint: str
    weights: Weights = "embedded"
    with_image: bool = False
    gguf: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all engines of one run have in common. ``max_tokens``: longest answer. ``threads``: of the model."""

    cache: Path
    max_tokens: int
    threads: int


@dataclass(slots=True)
class Written:
    """One answer: its text, how many tokens it has, whether it ended by itself."""

    text: str
    tokens: int
    complete: bool


@dataclass(slots=True)
class Outcome:
    """What an engine made of some tasks that went through it together.

    Attributes:
        written: an answer per task.
        seconds: all of it, from the read document to the text.
        prepare: of these, prompt, index of the page, grammar and the guess of the rules.
        prefill: of these, in passes over prompts; ``None`` where the engine does not show it.
        decode: of these, in all other passes and between them.
        forward: of these, in the model, prompts included; ``None`` where the engine does not show it.
        calls: passes of the model.
        prompt_tokens: of all tasks, what is shared counted for each.
    """

    written: list[Written]
    seconds: float
    prepare: float
    prefill: float | None
    decode: float | None
    forward: float | None
    calls: int
    prompt_tokens: int


class Engine(Protocol):
    """Answers tasks of one schema together, greedily. Built once per process; `answer` is what is measured."""

    def answer(self, tasks: Sequence[Task], max_tokens: int) -> Outcome:
        """Answers to some tasks, at most as many as its batch."""
        ...


@dataclass
class Meter:
    """Counts and times the passes of a torch model while it is entered."""

    model: Any
    calls: int = 0
    prefill: float = 0.0
    forward: float = 0.0
    _began: float = 0.0
    _hooks: list[Any] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._hooks = [
            self.model.register_forward_pre_hook(self._before, with_kwargs=True),
            self.model.register_forward_hook(self._after, with_kwargs=True),
        ]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hook in self._hooks:
            hook.remove()

    def _before(self, _model: Any, _args: Any, _kwargs: Any) -> None:
        self._began = time.perf_counter()

    def _after(self, _model: Any, _args: Any, kwargs: dict[str, Any], _out: Any) -> None:
        taken = time.perf_counter() - self._began
        self.calls += 1
        self.forward += taken
        ids = kwargs.get("input_ids")
        if ids is not None and ids.shape[-1] >= PREFILL_TOKENS:
            self.prefill += taken
