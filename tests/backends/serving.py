"""A real HTTP server that speaks vLLM's API (as of 0.32) over a tiny model: greedy, token by token, masked first.

It knows nothing of our decoding: the model's own cache, llguidance by the way that vLLM takes, one token a step. What
it does wrong on purpose is a `Fault`, taken by the next requests for an answer.
"""

from __future__ import annotations

import base64
import io
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import llguidance
import llguidance.hf
import llguidance.numpy
import numpy as np
import torch
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from PIL import Image
from starlette.concurrency import run_in_threadpool

Fault = Callable[[dict[str, Any], "TinyServer"], Response | None]
"""Sees the body of a request; gives the response, or changes the body and gives none."""

KEY = "sk-of-the-tests"


@dataclass
class TinyServer:
    """The server and what it was asked.

    ``names``: of models and adapters that it lists. ``faults``: for the next requests, one each; ``always``: for all.
    """

    model: Any
    processor: Any
    names: list[str] = field(default_factory=lambda: ["tiny"])
    context: int = 8192
    faults: list[Fault | None] = field(default_factory=list)
    always: Fault | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    most_at_a_time: int = 0
    well: bool = True

    def __post_init__(self) -> None:
        self.guide = llguidance.hf.from_tokenizer(self.processor.tokenizer, len(self.processor.tokenizer))
        self._turn, self._count, self._busy = threading.Lock(), threading.Lock(), 0
        self.app = FastAPI()
        self.app.get("/health")(lambda: Response(status_code=200 if self.well else 503))
        self.app.get("/version")(lambda: {"version": "0.32.0"})
        self.app.get("/v1/models", response_model=None)(self._models)
        self.app.post("/v1/completions", response_model=None)(self._asked)
        self.app.post("/v1/chat/completions", response_model=None)(self._asked)
        self._server = uvicorn.Server(
            uvicorn.Config(self.app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def start(self) -> TinyServer:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def reset(self) -> TinyServer:
        """Honest again, and asked nothing yet."""
        self.faults.clear()
        self.bodies.clear()
        self.always, self.well, self.most_at_a_time = None, True, 0
        self.names, self.context = ["tiny"], 8192
        return self

    def stop_soon(self) -> None:
        """Takes no more connections, and lets no answer out any more."""
        self._server.force_exit = self._server.should_exit = True

    def stop(self) -> None:
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(10)

    async def _models(self, request: Request) -> Response:
        if refused := _refused(request):
            return refused
        base, *adapters = self.names
        cards: list[dict[str, Any]] = [{"id": base, "object": "model", "max_model_len": self.context}]
        cards += [{"id": name, "object": "model", "parent": base, "max_model_len": None} for name in adapters]
        return JSONResponse({"object": "list", "data": cards})

    async def _asked(self, request: Request) -> Response:
        if refused := _refused(request):
            return refused
        body = await request.json()
        return await run_in_threadpool(self._respond, body)

    def _respond(self, body: dict[str, Any]) -> Response:
        with self._count:
            self._busy += 1
            self.most_at_a_time = max(self.most_at_a_time, self._busy)
            self.bodies.append(json.loads(json.dumps(body)))
            fault = self.faults.pop(0) if self.faults else self.always
        try:
            if fault is not None and (response := fault(body, self)) is not None:
                return response
            if body["model"] not in self.names:
                said = {"error": {"message": f"The model `{body['model']}` does not exist.", "code": 404}}
                return JSONResponse(said, 404)
            with self._turn:
                return JSONResponse(self.answer(body))
        except ValueError as error:
            return JSONResponse({"error": {"message": str(error), "code": 400}}, 400)
        finally:
            with self._count:
                self._busy -= 1

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """The response to a request, as vLLM words it."""
        chat = "messages" in body
        given = self._rendered(body) if chat else {"input_ids": torch.tensor([body["prompt"]])}
        prompt = given["input_ids"][0].tolist()
        room = body["max_completion_tokens"] if chat else body["max_tokens"]
        if len(prompt) + room > self.context:
            raise ValueError(f"This model's maximum context length is {self.context} tokens.")
        grammar = (body.get("structured_outputs") or {}).get("grammar")
        tokens, scores, finish = self._decoded(given, grammar, room, raw=bool(body.get("raw_scores")))
        tokenizer = self.processor.tokenizer
        text = tokenizer.decode(tokens, skip_special_tokens=body["skip_special_tokens"])
        named = {"index": 0, "finish_reason": finish, "token_ids": tokens}
        pieces = [tokenizer.decode([token]) for token in tokens]
        if chat:
            content = [
                {"token": p, "logprob": s, "top_logprobs": []} for p, s in zip(pieces, scores, strict=True)
            ]
            choice = {
                **named,
                "message": {"role": "assistant", "content": text},
                "logprobs": {"content": content},
            }
            return {"model": body["model"], "choices": [choice], "prompt_token_ids": prompt}
        told = {"tokens": pieces, "token_logprobs": scores, "top_logprobs": [], "text_offset": []}
        choice = {**named, "text": text, "logprobs": told, "prompt_token_ids": prompt}
        return {"model": body["model"], "choices": [choice]}

    def _rendered(self, body: dict[str, Any]) -> Any:
        """The prompt of a chat: by the model's template, with the pictures of data URLs."""
        images, messages = [], []
        for message in body["messages"]:
            parts = []
            for part in message["content"]:
                if part["type"] == "image_url":
                    head, _, data = part["image_url"]["url"].partition(",")
                    assert head.startswith("data:image/") and head.endswith(";base64")
                    images.append(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
                    parts.append({"type": "image"})
                else:
                    parts.append(part)
            messages.append({"role": message["role"], "content": parts})
        text = self.processor.apply_chat_template(messages, add_generation_prompt=True)
        more = {"images": [images]} if images else {}
        return self.processor(
            text=[text], add_special_tokens=body["add_special_tokens"], return_tensors="pt", **more
        )

    @torch.inference_mode()
    def _decoded(
        self, given: Any, grammar: str | None, room: int, *, raw: bool
    ) -> tuple[list[int], list[float], str]:
        matcher = None
        if grammar is not None:
            matcher = llguidance.LLMatcher(
                self.guide, llguidance.grammar_from("grammar", grammar), log_level=0
            )
            if matcher.is_error():
                raise ValueError(f"Grammar error: {matcher.get_error()}")
        mask = llguidance.numpy.allocate_token_bitmask(1, self.guide.vocab_size)
        end = self.processor.tokenizer.eos_token_id
        tokens: list[int] = []
        scores: list[float] = []
        found = self.model(**given, use_cache=True)
        while len(tokens) < room:
            logits = found.logits[0, -1].double()
            before = torch.log_softmax(logits, -1)
            if matcher is not None:
                llguidance.numpy.fill_next_token_bitmask(matcher, mask, 0)
                bits = np.unpackbits(mask[0].view(np.uint8), bitorder="little", count=self.guide.vocab_size)
                logits[torch.from_numpy(bits[: len(logits)] == 0)] = -math.inf
            choice = int(logits.argmax())
            tokens.append(choice)
            scores.append(float((before if raw else torch.log_softmax(logits, -1))[choice]))
            if choice == end:
                return tokens, scores, "stop"
            if matcher is not None:
                matcher.consume_token(choice)
            found = self.model(
                input_ids=torch.tensor([[choice]]), past_key_values=found.past_key_values, use_cache=True
            )
        return tokens, scores, "length"


def _refused(request: Request) -> Response | None:
    if request.headers.get("authorization") == f"Bearer {KEY}":
        return None
    return JSONResponse({"error": "Unauthorized"}, 401)


def status(code: int, **headers: str) -> Fault:
    """Refuses with an HTTP status."""
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda body, server: JSONResponse({"error": {"message": "made to"}}, code, shown)


def redirects(to: str) -> Fault:
    return lambda body, server: RedirectResponse(to, 307)


def stalls(seconds: float) -> Fault:
    def fault(body: dict[str, Any], server: TinyServer) -> Response:
        time.sleep(seconds)
        return Response()

    return fault


def drops(body: dict[str, Any], server: TinyServer) -> Response:
    """Ends the connection in the midst of the response."""

    def pieces() -> Iterator[bytes]:
        yield b'{"choices": ['
        raise ConnectionAbortedError("made to")

    return StreamingResponse(pieces(), headers={"content-length": "5000"})


def huge(body: dict[str, Any], server: TinyServer) -> Response:
    """Never ends."""

    def pieces() -> Iterator[bytes]:
        while True:
            yield b" " * 65536

    return StreamingResponse(pieces())


def cut_json(body: dict[str, Any], server: TinyServer) -> Response:
    return Response('{"choices": [{"text": "{', media_type="application/json")


def ignores_grammar(body: dict[str, Any], server: TinyServer) -> None:
    """What a server does that knows the setting under another name."""
    body.pop("structured_outputs", None)


def talks_on(body: dict[str, Any], server: TinyServer) -> None:
    """Minds no limit of length."""
    body.update({name: 3 * body[name] for name in ("max_tokens", "max_completion_tokens") if name in body})


def answers(change: Callable[[dict[str, Any]], None]) -> Fault:
    """An honest response with something changed in it."""

    def fault(body: dict[str, Any], server: TinyServer) -> Response:
        with server._turn:
            response = server.answer(body)
        change(response)
        return JSONResponse(response)

    return fault


def raw_scores(body: dict[str, Any], server: TinyServer) -> None:
    body["raw_scores"] = True
