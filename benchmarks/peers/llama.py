"""llama.cpp with its JSON-schema grammar, through llama-cpp-python: one answer at a time, as its interface is."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.engine import NotHereError, Outcome, Written
from benchmarks.peers.tasks import Task, json_schema_of
from extractors.prompting.encode import encode

CONTEXT = 4096
HOW = (
    'CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX512=ON -DGGML_AVX512_VNNI=ON -DGGML_AVX512_VBMI=ON '
    '-DGGML_AVX512_BF16=ON" pip install --no-binary llama-cpp-python llama-cpp-python'
)
"""With its own choice of instructions it dies on machines that hide the tiles of AMX."""


class Llama:
    """A GGUF of the same weights. Prompts that begin alike share what is computed, as its `generate` does it.

    Args:
        gguf: the weights.
        processor: of our model; the prompt is the same tokens.
        threads: of the model.
    """

    def __init__(self, gguf: Path, processor: Any, threads: int) -> None:
        try:
            import llama_cpp
        except ImportError as error:
            raise NotHereError(HOW) from error
        self.library, self.processor = llama_cpp, processor
        self.model = llama_cpp.Llama(
            str(gguf),
            n_ctx=CONTEXT,
            n_batch=CONTEXT,
            n_threads=threads,
            n_threads_batch=threads,
            verbose=False,
        )
        self.grammars: dict[str, str] = {}

    def answer(self, tasks: Sequence[Task], max_tokens: int) -> Outcome:
        """See `Engine`."""
        (task,) = tasks
        began = time.perf_counter()
        prompt = encode(
            self.processor, task.asked, task.window, task.document, with_image=False, hint=task.hint
        )
        ids: list[int] = prompt.input_ids[0].tolist()
        if len(ids) + max_tokens > CONTEXT:
            max_tokens = max(CONTEXT - len(ids), 0)
        grammar = self._grammar(task)
        prepared = first = time.perf_counter()
        tokens: list[int] = []
        complete = False
        for token in self.model.generate(ids, temp=0.0, repeat_penalty=1.0, grammar=grammar):
            if not tokens:
                first = time.perf_counter()
            complete = token == self.model.token_eos()
            if complete:
                break
            tokens.append(token)
            if len(tokens) >= max_tokens:
                break
        ended = time.perf_counter()
        text = self.model.detokenize(tokens).decode("utf-8", errors="replace")
        return Outcome(
            [Written(text, len(tokens), complete)],
            seconds=ended - began,
            prepare=prepared - began,
            prefill=first - prepared,
            decode=ended - first,
            forward=None,
            calls=len(tokens) + complete,
            prompt_tokens=len(ids),
        )

    def _grammar(self, task: Task) -> Any:
        """The grammar of the schema; its text is made once, its state is new for every answer."""
        if task.schema_name not in self.grammars:
            plain = json.dumps(json_schema_of(task.asked.tree))
            text = self.library.llama_grammar.json_schema_to_gbnf(plain)
            # White space is allowed between all parts; without it the peer writes fewer tokens.
            rules = [r for r in text.splitlines() if not r.startswith("space ::=")]
            self.grammars[task.schema_name] = "\n".join([*rules, 'space ::= ""'])
        return self.library.llama_grammar.LlamaGrammar.from_string(
            self.grammars[task.schema_name], verbose=False
        )
