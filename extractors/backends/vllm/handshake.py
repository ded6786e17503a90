"""Before any document: does the server serve the model, in our tokens, and does it keep to grammars?

A grammar is sent that asks for words which are in no prompt and which no model would say by itself; so an answer in
it is proof that the server honours grammars of our forms. The log-probabilities must be those that the grammar left.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from extractors.backends.vllm.checking import GUARDED, Checker
from extractors.backends.vllm.question import Question
from extractors.backends.vllm.reply import OLDEST, Reply
from extractors.backends.vllm.server import Server
from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.prompting.window import windows_of
from schemas.document import Box, DocumentRef, Page, PageImage, ReadDocument, Word
from schemas.errors import BackendError, ModelError, OutageError
from schemas.registry import LoadedSchema, from_json_schema

PROBE_TOKENS = 400
"""That the answer to the probe may have: a token a byte, and then some."""


@dataclass(frozen=True, slots=True)
class Served:
    """``version`` of vLLM as it says; ``context``: most tokens of prompt and answer, if it says so."""

    version: str
    context: int | None


def find_model(server: Server, name: str) -> Served:
    """The server's version, and the model or adapter of that name.

    Raises:
        ModelError: it does not serve it.
        OutageError: it does not answer.
    """
    try:
        version = server.get("/version")
        listed = server.get("/v1/models")
    except BackendError as error:
        raise OutageError(f"The server is not as it should be. {error}", remedy=error.remedy) from error
    said = version.get("version") if isinstance(version, dict) else None
    models = listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(said, str) or not isinstance(models, list):
        raise ModelError(
            "The server does not speak vLLM's API: it tells no version or no models.",
            remedy=f"Set vllm.url to a vLLM server of version {OLDEST} or later.",
        )
    cards = {one["id"]: one for one in models if isinstance(one, dict) and isinstance(one.get("id"), str)}
    if name not in cards:
        names = ", ".join(_shown(one) for one in list(cards)[:20]) or "none"
        raise ModelError(
            f"The vLLM server does not serve {name!r}; it serves: {names}.",
            remedy="Correct vllm.model, or start the server with --served-model-name or --lora-modules.",
        )
    parent = str(cards[name].get("parent"))
    return Served(_shown(said), _context(cards[name]) or _context(cards.get(parent, {})))


def _shown(said: str) -> str:
    """A name that a server gives, fit for a terminal."""
    return "".join(c if c.isprintable() else "?" for c in said[:80])


def _context(card: dict[str, Any]) -> int | None:
    """What a model's card says; an adapter's says it of the model that it is put on."""
    found = card.get("max_model_len")
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def probe_document(image: PageImage | None) -> ReadDocument:
    """A page of a few words, with a picture or without."""
    words = tuple(
        Word(text, Box(50.0 + 60 * i, 50.0, 100.0 + 60 * i, 60.0)) for i, text in enumerate(["Blue", "12.50"])
    )
    page = Page(1, 612.0, 792.0, "text_layer", words, image=image)
    return ReadDocument(DocumentRef("parquetry's own probe", "0" * 64, 1, "application/pdf"), (page,), 1)


def probe_schema(word: str) -> LoadedSchema:
    """A schema with leaves of all kinds that grammars have, under names that no model thinks of."""
    fields: dict[str, Any] = {
        f"t{word}": {"type": ["string", "null"]},
        f"s{word}": {"type": ["number", "null"]},
        f"k{word}": {"enum": [f"a{word}", f"b{word}"]},
        f"r{word}": {
            "type": "array",
            "items": {"type": "object", "properties": {f"n{word}": {"type": ["string", "null"]}}},
        },
    }
    return from_json_schema({"title": "probe", "type": "object", "properties": fields}, "probe")


def prove(question: Question, ask: Callable[[Question], Reply], checker: Checker) -> None:
    """Asks a probe under a grammar that has nothing to do with its prompt.

    Raises:
        ModelError: the server does not honour it, or tells log-probabilities of something else.
    """
    schema, document = probe_schema(secrets.token_hex(4)), probe_document(None)
    index = SpanIndex(windows_of(document, 1000, lambda texts: [len(text) for text in texts])[0])
    grammar = grammar_of(schema.tree, index)
    asked = replace(question, grammar=grammar, index=index, guess=None, max_tokens=PROBE_TOKENS)
    try:
        reply = ask(asked)
        decoded = checker.decoded(reply, asked)
    except BackendError as error:
        raise ModelError(
            f"The vLLM server failed the test that comes before any document. {error}",
            remedy=error.remedy
            if GUARDED in error.remedy
            else f"{error.remedy} For grammars: {GUARDED}".strip(),
        ) from error
    if decoded.truncated:
        raise ModelError("The vLLM server cuts off answers of a few words.", remedy="Raise --max-model-len.")
    if not checker.scores_are_constrained(reply, asked):
        raise ModelError(
            "The server's log-probabilities are from before the grammar: they say nothing about the answer.",
            remedy="Start vLLM with --logprobs-mode raw_logprobs (its default), of a version that masks first.",
        )
