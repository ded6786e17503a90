"""A row of the table as an engine, and an engine in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from benchmarks.peers.engine import Engine, EngineFailedError, NotHereError, Outcome, Setting, Spec
from benchmarks.peers.tasks import Task
from benchmarks.peers.weights import gguf_file
from extractors.models.load import EMBEDDED_BASE, load_base, load_model

MIB = 2**20


def build(spec: Spec, setting: Setting) -> Engine:
    """An engine with its weights.

    Raises:
        NotHereError: a peer or its weights are not installed.
        ModelError: our weights are not there.
    """
    if spec.kind == "llama":
        from transformers import AutoProcessor

        from benchmarks.peers.llama import Llama
        from extractors.models.base import base_folder

        weights = gguf_file(setting.cache, spec.weights, spec.gguf)
        processor = AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            base_folder(setting.cache), local_files_only=True
        )
        return Llama(weights, processor, setting.threads)
    model, processor = _torch_model(spec, setting)
    return torch_engine(spec, model, processor)


def torch_engine(spec: Spec, model: Any, processor: Any) -> Engine:
    """One of the engines that run a torch model."""
    from benchmarks.peers.generate import Generate, outlines_schemas, page_grammars
    from benchmarks.peers.ours import Ours
    from extractors.models.packed import pack_language_half

    match spec.kind:
        case "ours":
            pack_language_half(model)  # as the product does it; nothing where it is packed
            return Ours(model, processor, batch=spec.batch, with_image=spec.with_image)
        case "generate":
            constrain = page_grammars(processor.tokenizer)
        case "outlines":
            constrain = outlines_schemas(model, processor.tokenizer)
        case other:
            raise ValueError(f"no engine {other!r}")
    return Generate(model, processor, constrain, with_image=spec.with_image)


def _torch_model(spec: Spec, setting: Setting) -> tuple[Any, Any]:
    import torch
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    torch.set_num_threads(setting.threads)
    if spec.weights == "embedded":
        loaded = load_model("embedded", setting.cache, packed=False)
        return loaded.model, loaded.processor
    model, processor = load_base(EMBEDDED_BASE, setting.cache)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return model.to(device).eval(), processor


class Worker(Protocol):
    """An engine that is asked for tasks by their number."""

    def answer(self, numbers: Sequence[int], max_tokens: int) -> Outcome:
        """Answers to these tasks."""
        ...

    def memory(self) -> tuple[float, float]:
        """MiB that the process held with its weights loaded, and at its highest since."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


@dataclass
class Here:
    """An engine in this process: what tests use."""

    engine: Engine
    tasks: Sequence[Task]

    def answer(self, numbers: Sequence[int], max_tokens: int) -> Outcome:
        """See `Worker`."""
        return self.engine.answer([self.tasks[n] for n in numbers], max_tokens)

    def memory(self) -> tuple[float, float]:
        """See `Worker`; of this process, whatever else it does."""
        return _held(), _highest()

    def close(self) -> None:
        """Nothing to do."""


class Apart:
    """An engine in a process of its own, so that its memory is its own, waiting while it is not asked.

    Raises:
        NotHereError: a peer or its weights are not installed there.
        EngineFailedError: it raised, or its process died.
    """

    def __init__(self, spec: Spec, setting: Setting, tasks: Sequence[Task]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, spec, setting, tasks), daemon=True)
        self._process.start()
        theirs.close()
        self._receive()

    def answer(self, numbers: Sequence[int], max_tokens: int) -> Outcome:
        """See `Worker`."""
        outcome: Outcome = self._ask(("answer", list(numbers), max_tokens))
        return outcome

    def memory(self) -> tuple[float, float]:
        """See `Worker`."""
        held: tuple[float, float] = self._ask(("memory",))
        return held

    def close(self) -> None:
        """Ends the process."""
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.terminate()

    def _ask(self, question: tuple[Any, ...]) -> Any:
        with contextlib.suppress(OSError):  # it died before; what is received says how
            self._pipe.send(question)
        return self._receive()

    def _receive(self) -> Any:
        try:
            kind, value = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join(10)
            raise EngineFailedError(f"its process died, exit code {self._process.exitcode}") from error
        if kind == "not here":
            raise NotHereError(value)
        if kind == "error":
            raise EngineFailedError(value.strip().splitlines()[-1], value)
        return value


def _serve(pipe: Connection, spec: Spec, setting: Setting, tasks: Sequence[Task]) -> None:
    """What an engine's process does until the other end is closed."""
    os.environ["OMP_NUM_THREADS"] = str(setting.threads)
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        engine = build(spec, setting)
        loaded = _held()
        pipe.send(("ready", None))
        while True:
            match pipe.recv():
                case ("answer", numbers, max_tokens):
                    pipe.send(("outcome", engine.answer([tasks[n] for n in numbers], max_tokens)))
                case ("memory",):
                    pipe.send(("memory", (loaded, _highest())))
    except EOFError:
        return
    except NotHereError as error:
        pipe.send(("not here", str(error)))
    except Exception:
        pipe.send(("error", traceback.format_exc()))


def _held() -> float:
    """MiB of memory that this process holds."""
    import psutil

    return float(psutil.Process().memory_info().rss) / MIB


def _highest() -> float:
    """MiB of memory that this process has held at most."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        line = next(row for row in status.splitlines() if row.startswith("VmHWM:"))
        return float(line.split()[1]) / 1024
    except (OSError, StopIteration):  # not Linux; there the number may include the parent's
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
