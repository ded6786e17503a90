"""What a server answers, taken strictly: whatever is missing or of another kind is an error that says so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extractors.backends.vllm.question import Question
from schemas.errors import BackendError, foreign

OLDEST = "0.11"
"""Of vLLM: structured outputs under that name, and token ids in the response."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its tokens with the log-probability of each, its text, and whether the length limit cut it off."""

    tokens: list[int]
    scores: list[float]
    text: str
    cut: bool


def reply_of(response: Any, question: Question, model: str) -> Reply:
    """The answer in a response of either API.

    Raises:
        BackendError: it is not what was asked for.
    """
    choices = _get(response, "choices", list)
    if len(choices) != 1:
        raise _wrong(f"{len(choices)} answers instead of one")
    choice = choices[0]
    if (named := _get(response, "model", str)) != model:
        raise _wrong(f"an answer of the model {foreign(named[:80])}, and {model!r} was asked")
    finish = choice.get("finish_reason") if isinstance(choice, dict) else None
    if finish not in ("stop", "length"):
        raise _wrong(f"an answer that ended as {foreign(str(finish)[:40])}")
    tokens = _numbers(_get(choice, "token_ids", list), "token_ids")
    if len(tokens) > question.max_tokens:  # to check them takes time, and they were not asked for
        raise _wrong(f"{len(tokens)} tokens, and {question.max_tokens} were asked for at most")
    told = response if question.content else choice
    prompt = _numbers(_get(told, "prompt_token_ids", list), "prompt_token_ids")
    if prompt != list(question.expected):
        raise BackendError(
            f"The server made other tokens of the prompt than we would: {_first_other(prompt, question)}.",
            remedy="Start vLLM with the folder that vllm.folder names: its tokenizer, processor and chat template.",
        )
    if question.content:
        text = _get(_get(choice, "message", dict), "content", str)
        given = [_get(one, "logprob", float) for one in _get(_logprobs(choice), "content", list)]
    else:
        text = _get(choice, "text", str)
        given = _get(_logprobs(choice), "token_logprobs", list)
    scores = [_score(one) for one in given]
    if len(scores) != len(tokens):
        raise _wrong(f"{len(scores)} log-probabilities for {len(tokens)} tokens")
    return Reply(tokens, scores, text, finish == "length")


def _logprobs(choice: Any) -> Any:
    found = choice.get("logprobs")
    if not isinstance(found, dict):
        raise BackendError(
            "The server gives no log-probabilities, so that nothing says how sure an answer is.",
            remedy="Start vLLM without --max-logprobs 0, and with nothing before it that drops them.",
        )
    return found


def _score(value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or value > 1e-3
    ):
        raise _wrong("a log-probability that is none")
    return min(float(value), 0.0)


def _get(holder: Any, name: str, kind: type) -> Any:
    value = holder.get(name) if isinstance(holder, dict) else None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind):
        raise _wrong(f"no {name}")
    return value


def _numbers(values: list[Any], name: str) -> list[int]:
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in values):
        raise _wrong(f"{name} that are no numbers")
    return values


def _first_other(prompt: Sequence[int], question: Question) -> str:
    ours = question.expected
    at = next(
        (i for i, (a, b) in enumerate(zip(prompt, ours, strict=False)) if a != b), min(len(prompt), len(ours))
    )
    return f"{len(prompt)} instead of {len(ours)}, other from number {at + 1} on"


def _wrong(what: str) -> BackendError:
    return BackendError(
        f"The server's response has {what}.",
        remedy=f"Ask a vLLM server of version {OLDEST} or later, without a proxy that changes what it says.",
    )
