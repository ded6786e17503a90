"""The backend that asks a vLLM server: as the one in process, but for who decodes."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from extractors.backends.base import Answer
from extractors.backends.vllm.checking import Checker
from extractors.backends.vllm.handshake import Served, find_model, probe_document, probe_schema, prove
from extractors.backends.vllm.question import Question, body_of, chat_of, room_for_answer
from extractors.backends.vllm.reply import Reply, reply_of
from extractors.backends.vllm.served import load_served
from extractors.backends.vllm.server import Server
from extractors.backends.windowed import WindowedBackend, Work
from extractors.context import carried
from extractors.decoding.guess import Guess, guess_of
from extractors.decoding.guide import guide_of
from extractors.decoding.row import Decoded, Request
from extractors.grammar.spans import SpanIndex
from extractors.options import VllmOptions
from extractors.prompting.encode import hint_text, page_image
from extractors.prompting.window import Window, windows_of
from schemas.document import PageImage
from schemas.errors import BackendError
from schemas.registry import LoadedSchema

log = logging.getLogger(__name__)

SHORTEST_ANSWER = 16
"""Tokens that a prompt must leave room for."""


class VllmBackend(WindowedBackend):
    """Reads documents with a model that a vLLM server serves; for any number of threads.

    Args:
        model: ``vllm``, or ``vllm:NAME``.
        options: the server, and the folder of the model.
        cache: of fetched base weights.

    Raises:
        ModelError: the model's folder is not complete; the server does not serve the model, or does not keep to
            grammars.
        OutageError: the server does not answer.
    """

    one_at_a_time = False

    def __init__(self, model: str, options: VllmOptions, cache: Path) -> None:
        served = load_served(model, options, cache)
        super().__init__(served, max_answer_tokens=options.max_answer_tokens)
        self.options, self.name = options, served.name
        self._tokenizer = served.processor.tokenizer
        self._checker = Checker(guide_of(self._tokenizer), self._tokenizer)
        # Special tokens are switched off in the tokenizer itself while page text is cut: one thread at a time.
        self._tokenizing = threading.RLock()
        self._free = threading.BoundedSemaphore(options.concurrency)
        self._server = Server(options)
        self._pool = ThreadPoolExecutor(options.concurrency, thread_name_prefix="vllm")
        try:
            self.served = self._handshake()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends the connections to the server."""
        self._server.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _handshake(self) -> Served:
        """Who answers, and whether it keeps to grammars in both APIs."""
        self.served = find_model(self._server, self.name)
        kinds = [None, _white_page()] if self.with_image else [None]
        for image in kinds:
            document, schema = probe_document(image), probe_schema("of_the_prompt")
            work = Work(document, windows_of(document, 1000, self.count), Answer({}, ()), [[]])
            index = SpanIndex(work.windows[0])
            guess = guess_of(schema.tree, {}, index, {})
            prove(self.request(schema, work.windows[0], work, index, guess), self._reply, self._checker)
        log.info("%s serves %s with vLLM %s", self.options.url, self.name, self.served.version)
        return self.served

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        with self._tokenizing:
            return super().count(texts)

    def request(
        self, schema: LoadedSchema, window: Window, work: Work, index: SpanIndex, guess: Guess
    ) -> Question:
        """What is asked about one window: the request as in process, and how it is put to the server."""
        with self._tokenizing:
            made = super().request(schema, window, work, index, guess)
            ids: list[int] = made.prompt.input_ids[0].tolist()
            expected = tuple(ids)
            content: tuple[dict[str, Any], ...] = ()
            page = work.document.page(window.first_page)
            if self.with_image and page is not None and page.image is not None:
                said = window.text + hint_text(self._tokenizer, guess.text if self.with_hints else "")
                pixels = page_image(work.document, window.first_page)
                processor, head = self.loaded.processor, made.prompt.head
                content, expected = chat_of(processor, schema, said, page.image, pixels, ids, head)
        return Question(
            # the server sees to the picture: its tensors are not kept
            replace(made.prompt, extra={}, boxes=None),
            made.grammar,
            index,
            made.max_tokens,
            expected=expected,
            content=content,
            until=work.began_at + self.options.document_seconds,
        )

    def decoded(self, requests: Iterable[Request]) -> Iterator[tuple[int, Decoded]]:
        """The server's answers, each checked; so many at a time as are allowed over all threads."""
        numbered, asked = enumerate(requests), dict[Future[Decoded], int]()
        more = True
        try:
            while more or asked:
                while more and self._may_ask(bool(asked)):
                    try:
                        number, question = next(numbered, (-1, None))
                        if not isinstance(question, Question):
                            more = False
                            self._free.release()
                            break
                        future = self._pool.submit(carried(self._decoded), question)
                    except BaseException:
                        self._free.release()
                        raise
                    future.add_done_callback(lambda _: self._free.release())
                    asked[future] = number
                done, _ = wait(asked, return_when=FIRST_COMPLETED)
                for future in done:
                    yield asked.pop(future), future.result()
        finally:
            for future in asked:
                future.cancel()

    def _may_ask(self, has_others: bool) -> bool:
        """Takes one of the places at the server; who has answers to come waits for these instead."""
        return self._free.acquire(blocking=not has_others)

    def _decoded(self, question: Question) -> Decoded:
        reply = self._reply(question)
        with self._tokenizing:
            return self._checker.decoded(reply, question)

    def _reply(self, question: Question) -> Reply:
        room = room_for_answer(question, self.served.context)
        if room < SHORTEST_ANSWER:
            raise BackendError(
                f"A prompt of {len(question.expected)} tokens leaves no room for an answer: the server's limit is "
                f"{self.served.context}.",
                remedy="Start vLLM with a larger --max-model-len, or lower window_tokens in model.json.",
            )
        until = min(question.until, time.monotonic() + self.options.document_seconds)
        response = self._server.ask(question.path, body_of(question, self.name, room), until)
        return reply_of(response, question, self.name)


def _white_page() -> PageImage:
    side = 64
    file = io.BytesIO()
    Image.new("RGB", (side, side), "white").save(file, "PNG")
    return PageImage(file.getvalue(), "image/png", side, side)
