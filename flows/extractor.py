"""What it takes to extract a document, made from settings: schema, model, reading children."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Literal

from extractors.backends import load_backend
from extractors.backends.base import Answer, Backend
from extractors.backends.vllm.served import is_vllm, served_description
from extractors.confidence.judge import Judge
from extractors.context import Work, among, current
from extractors.models.load import ModelDescription, model_description
from extractors.options import ExtractOptions, PageRange, ReadOptions, VllmOptions
from extractors.pipeline import Seen, extract_document
from extractors.prompting.addressed import set_aside
from extractors.reading import ReaderPool, document_ref
from extractors.validation.validate import Validated, validate
from flows.calibration import judge_for
from flows.modelstore import pinned
from flows.settings import Settings
from schemas.document import DocumentRef, ReadDocument
from schemas.errors import BackendError, DocumentError, OutageError, foreign
from schemas.extraction import Extraction
from schemas.outcome import FailureReason
from schemas.registry import LoadedSchema, load_schema

log = logging.getLogger(__name__)

MAX_DOCUMENTS = 64
"""Asked of the model at a time."""
_TURN_SECONDS = 0.5
"""Between two looks whether waiting for the model is still wanted."""


@dataclass(eq=False, slots=True)
class _Ticket:
    """What one thread wants to know, and what came of it."""

    documents: Sequence[ReadDocument]
    schema: LoadedSchema
    works: Sequence[Work] = field(default_factory=current)
    answers: list[Answer] | None = None
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.answers is not None or self.error is not None

    def result(self) -> list[Answer]:
        if self.error is not None:
            raise self.error
        assert self.answers is not None
        return self.answers


class SharedBackend:
    """A model for all threads of the process, loaded when it is first needed.

    It uses all cores, or the GPU, by itself, so one thread at a time asks it: for all documents that wait by then,
    which costs a model that takes many at a time little more than one. Documents are read beside it meanwhile. A
    server is asked by all threads at once. Its identity is known without loading it, so a run that finds nothing new
    does not load it at all.
    """

    def __init__(self, model: str, cache: Path, vllm: VllmOptions | None = None) -> None:
        self._model, self._cache, self._vllm = model, cache, vllm or VllmOptions()
        self._loading = threading.Lock()
        self._turn = threading.Condition()
        self._waiting: deque[_Ticket] = deque()
        self._busy = False
        self._loaded: Backend | None = None
        self._about: ModelDescription | None = None
        if is_vllm(model):
            self._about = served_description(model, self._vllm, cache)
        elif model != "scripted":
            self._about = model_description(model, cache)

    @property
    def model_id(self) -> str:
        """Name and content hash of the model."""
        return self._about.model_id if self._about else self.load().model_id

    @property
    def about(self) -> ModelDescription | None:
        """Which files it is made of; ``None`` where there are no weights."""
        return self._about

    def load(self, stopping: threading.Event | None = None) -> Backend:
        """The backend itself.

        Raises:
            ModelError: the model is incomplete, with a remedy.
            OutageError: the server that has it does not answer.
            BackendError: ``stopping`` was set before it was this thread's turn to load it.
        """
        with self._loading:
            if self._loaded is None:
                if stopping is not None and stopping.is_set():
                    raise BackendError("The run was stopped.", remedy="Run again.")
                self._loaded = load_backend(self._model, cache=self._cache, vllm=self._vllm)
                log.info("model %s loaded", self._loaded.model_id)
            return self._loaded

    def answer(
        self,
        documents: Sequence[ReadDocument],
        schema: LoadedSchema,
        stopping: threading.Event | None = None,
    ) -> list[Answer]:
        """What the model answers.

        Raises:
            BackendError: the model failed on these documents, or ``stopping`` was set before their turn came.
        """
        loaded = self.load(stopping)
        if not getattr(loaded, "one_at_a_time", True):
            return _waited(loaded, documents, schema)
        mine = _Ticket(documents, schema)
        with self._turn:
            self._waiting.append(mine)
        while (tickets := self._next(mine, stopping)) is not None:
            try:
                _serve(loaded, tickets)
            finally:
                with self._turn:
                    self._busy = False
                    self._turn.notify_all()
        return mine.result()

    def _next(self, mine: _Ticket, stopping: threading.Event | None) -> list[_Ticket] | None:
        """What this thread is to ask the model now, once it is free; ``None`` when its own is answered."""
        with self._turn:
            while not mine.done:
                if not self._busy:
                    self._busy = True
                    first = self._waiting[0]
                    same = [
                        one for one in self._waiting if one.schema.fingerprint == first.schema.fingerprint
                    ]
                    taken = same[:MAX_DOCUMENTS]
                    self._waiting = deque(one for one in self._waiting if one not in taken)
                    return taken
                self._turn.wait(_TURN_SECONDS)
                if mine in self._waiting and stopping is not None and stopping.is_set():
                    self._waiting.remove(mine)
                    raise BackendError("The run was stopped.", remedy="Run again.")
        return None


def _serve(backend: Backend, tickets: Sequence[_Ticket]) -> None:
    """Answers tickets of one schema together; when that fails, each by itself, so that none fails for another."""
    try:
        with among([work for ticket in tickets for work in ticket.works]):
            answers = iter(_timed(backend, [one for t in tickets for one in t.documents], tickets[0].schema))
        for ticket in tickets:
            ticket.answers = list(islice(answers, len(ticket.documents)))
    except BaseException as error:
        if len(tickets) == 1 or not isinstance(error, Exception):
            for ticket in tickets:
                ticket.error = error
            return
        for ticket in tickets:
            _serve(backend, [ticket])


def _timed(backend: Backend, documents: Sequence[ReadDocument], schema: LoadedSchema) -> list[Answer]:
    """The answers, each with its share of what this turn of the model took: ``model_busy``, ``model_cpu``.

    The processor time is that of the whole process meanwhile, since the model's own threads cannot be told apart.
    """
    began, used = time.perf_counter(), time.process_time()
    answers = backend.answer(documents, schema)
    share = max(len(answers), 1)
    spent = {
        "model_busy": round((time.perf_counter() - began) / share, 4),
        "model_cpu": round((time.process_time() - used) / share, 4),
    }
    return [replace(one, timings={**one.timings, **spent}) for one in answers]


def _waited(backend: Backend, documents: Sequence[ReadDocument], schema: LoadedSchema) -> list[Answer]:
    """The answers of a server, each with its share of the wait for it as ``model_busy``.

    Many threads wait at a time, as many read: the sums of both are held against each other. No ``model_cpu``: what
    this process did meanwhile was for others as well, and what the server did is not to be seen from here.
    """
    began = time.perf_counter()
    answers = backend.answer(documents, schema)
    spent = {"model_busy": round((time.perf_counter() - began) / max(len(answers), 1), 4)}
    return [replace(one, timings={**one.timings, **spent}) for one in answers]


@dataclass(frozen=True)
class _Stoppable:
    """The model for one run: whoever waits for a turn when the run is stopped does not get one."""

    backend: SharedBackend
    stopping: threading.Event | None

    @property
    def model_id(self) -> str:
        return self.backend.model_id

    def answer(self, documents: Sequence[ReadDocument], schema: LoadedSchema) -> list[Answer]:
        return self.backend.answer(documents, schema, self.stopping)


@dataclass(frozen=True)
class Extractor:
    """What it takes to extract documents. Safe to share between threads."""

    schema: LoadedSchema
    backend: SharedBackend
    reader: ReaderPool
    read_options: ReadOptions
    options: ExtractOptions
    judge: Judge
    stopping: threading.Event | None = None

    def extract(self, ref: DocumentRef, path: Path, seen: Seen | None = None) -> Extraction:
        """One document, from its bytes to its extraction; what is wrong with it is in there.

        ``seen`` is told the document once it is read.

        Raises:
            BackendError: the model failed; trying again can help.
        """
        return extract_document(
            ref,
            path,
            schema=self.schema,
            reader=self.reader,
            backend=_Stoppable(self.backend, self.stopping),
            read_options=self.read_options,
            options=self.options,
            judge=self.judge,
            seen=seen,
        )

    def answered_under(self, schema: LoadedSchema, path: Path) -> Validated | None:
        """The checked answer for a local file under a schema, without any judge; ``None`` when it cannot be read.

        Raises:
            BackendError: the model failed.
        """
        try:
            document = self.reader.read(document_ref(path, path.name), path, self.read_options)
        except DocumentError as error:
            log.warning("%s: %s", path.name, error)
            return None
        return self.answered(schema, document)

    def answered(self, schema: LoadedSchema, document: ReadDocument) -> Validated:
        """The checked answer for a document that was read, without any judge; of a batch the same but for that.

        Raises:
            BackendError: the model failed.
        """
        document = set_aside(document, schema.tree)
        answer = self.backend.answer([document], schema)[0]
        return validate(answer, schema, document, self.options)

    def extract_path(self, path: Path, name: str, seen: Seen | None = None) -> Extraction:
        """The extraction of a local file under the name given, in any case: also of one that is not there."""
        try:
            if path.exists() and not path.is_file():
                raise DocumentError(FailureReason.UNAVAILABLE, f"{name} is not a file.")
            return self.extract(document_ref(path, name), path, seen)
        except OSError as error:
            detail = f"{name}: {error.strerror or error}"
            return self.without_answer(name, "unreadable", FailureReason.UNAVAILABLE, detail)
        except DocumentError as error:
            return self.without_answer(name, "unreadable", error.reason, str(error))
        except BackendError as error:
            return self.without_answer(name, "failed", FailureReason.MODEL_ERROR, str(error))
        except OutageError:
            raise
        except Exception as error:  # a mistake of ours on one document must not cost the others
            log.exception("%s: internal error", name)
            detail = f"{type(error).__name__} {foreign(error)}"
            return self.without_answer(name, "failed", FailureReason.INTERNAL_ERROR, detail)

    def without_answer(
        self,
        document: str,
        outcome: Literal["unreadable", "failed"],
        failure: FailureReason,
        detail: str,
        sha256: str = "",
    ) -> Extraction:
        """The extraction of a document that there is none of, and why."""
        return Extraction(
            document=document,
            sha256=sha256,
            outcome=outcome,
            schema_name=self.schema.name,
            schema_fingerprint=self.schema.fingerprint,
            model=self.backend.model_id,
            failure=failure,
            detail=detail,
        )


@cache
def backend(model: str, folder: Path, vllm: VllmOptions | None = None) -> SharedBackend:
    """The model of that name, one per process; ``vllm`` says where the server of a served one is.

    Raises:
        ModelError: there is no such model.
    """
    return SharedBackend(model, folder, vllm)


@contextmanager
def extractor_for(ours: Settings, pages: PageRange | None, *, judged: bool = True) -> Iterator[Extractor]:
    """An extractor without ledger and lake, ended with the block; the settings must name a schema.

    Unless ``judged``, no calibration is looked for: one is about to be made.
    """
    model = pinned(ours.model, ours).model
    made = make_extractor(ours, ours.schema_ or "", model, pages, judged=judged)
    made.backend.load()
    try:
        yield made
    finally:
        made.reader.close()


def make_extractor(
    ours: Settings,
    schema: str,
    model: str,
    pages: PageRange | None,
    stopping: threading.Event | None = None,
    *,
    judged: bool = True,
) -> Extractor:
    """Schema, model and readers in one. Once ``stopping`` is set, nobody waits for the model any more."""
    loaded, options = load_schema(schema), read_options(ours, pages)
    answering = backend(model, ours.cache, ours.vllm)
    ours = ours.model_copy(update={"model": model})  # whose calibration is looked for
    return Extractor(
        schema=loaded,
        backend=answering,
        reader=ReaderPool(options, workers=ours.concurrency),
        read_options=options,
        options=ours.extract,
        judge=judge_for(
            ours.model_copy(update={"model": model}), loaded, answering.model_id, whole=pages is None
        )
        if judged
        else Judge(loaded.fingerprint),
        stopping=stopping,
    )


def read_options(ours: Settings, pages: PageRange | None) -> ReadOptions:
    """The reading options with passwords and page range filled in."""
    options = ours.read_options()
    return options.model_copy(update={"pages": pages}) if pages is not None else options
