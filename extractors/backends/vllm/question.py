"""A window as a request of vLLM's API, in the tokens that the model in process would read.

Without a picture the completions API takes the tokens themselves. With one there is only the chat API, which takes
text and makes the tokens anew, with the template of the served model. There is a trap in that: text of the page that
spells a special token (``<|im_end|>``) would become one. So each prompt is tokenised here as the server will do it;
where that gives other tokens than ours, special tokens on the page are taken apart by a space, in the prompt only. The
server tells the tokens that it made, and these must be the expected ones.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

from extractors.decoding.row import Request
from extractors.prompting.encode import around, content_of
from schemas.document import PageImage
from schemas.registry import LoadedSchema

COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"
SEED = 0


@dataclass(frozen=True, slots=True)
class Question(Request):
    """A request to a server.

    ``expected``: the prompt's tokens, as the server must tell them. ``content``: of the user's message, for the chat
    API; empty: the tokens themselves are sent. ``until``: when the document's time is over, as `time.monotonic` counts.
    """

    expected: tuple[int, ...] = ()
    content: tuple[dict[str, Any], ...] = ()
    until: float = 0.0

    @property
    def path(self) -> str:
        return CHAT if self.content else COMPLETIONS


def body_of(question: Question, model: str, max_tokens: int) -> dict[str, Any]:
    """The body of a request: greedy, under the grammar, with tokens and their log-probabilities told.

    What the server would else take from the model's generation_config.json is said here.
    """
    body: dict[str, Any] = {
        "model": model,
        "n": 1,
        "stream": False,
        "temperature": 0.0,
        "top_p": 1.0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "seed": SEED,
        "add_special_tokens": True,
        "skip_special_tokens": True,
        "spaces_between_special_tokens": False,
        "return_token_ids": True,
        "structured_outputs": {"grammar": question.grammar},
    }
    if not question.content:
        return body | {"prompt": list(question.expected), "max_tokens": max_tokens, "logprobs": 0}
    message = {"role": "user", "content": list(question.content)}
    return body | {
        "messages": [message],
        "max_completion_tokens": max_tokens,
        "logprobs": True,
        "top_logprobs": 0,
        "include_reasoning": False,  # a model that thinks first would do so outside the grammar
    }


def chat_of(
    processor: Any, schema: LoadedSchema, said: str, picture: PageImage, image: Any, ids: list[int], head: int
) -> tuple[tuple[dict[str, Any], ...], tuple[int, ...]]:
    """The content of the user's message, and the tokens that the server will make of it.

    Args:
        processor: of the model.
        schema: what is asked.
        said: what the page says, and the hint.
        picture: of the page, as bytes.
        image: its pixels.
        ids: the prompt's tokens in process.
        head: how many of them stand before what the page says.
    """
    tokenizer = processor.tokenizer
    before, after = around(processor, schema, with_image=True)
    expected = ids
    if tokenizer(before + said + after)["input_ids"] != tokenizer(before)["input_ids"] + ids[head:]:
        said = taken_apart(tokenizer, said)
        encoded = processor(text=[before + said + after], images=[[image]], return_tensors="pt")
        expected = encoded["input_ids"][0].tolist()
    url = f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"
    content = [
        {"type": "image_url", "image_url": {"url": url}} if part["type"] == "image" else part
        for part in content_of(schema, said, with_image=True)
    ]
    return tuple(content), tuple(expected)


def taken_apart(tokenizer: Any, text: str) -> str:
    """The text with a space behind the first character of each special token that it spells."""
    special = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    special = sorted({*special, *tokenizer.all_special_tokens}, key=len, reverse=True)
    if not special:
        return text
    return re.sub("|".join(map(re.escape, special)), lambda found: f"{found[0][0]} {found[0][1:]}", text)


def room_for_answer(question: Question, context: int | None) -> int:
    """How long the answer may be: as long as in process, and what the server's context has room for."""
    return min(question.max_tokens, (context or 1 << 30) - len(question.expected))
