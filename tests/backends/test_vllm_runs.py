"""Runs over a ledger with a server that fails in many ways: each document ends as something, none is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.responses import Response

from extractors.backends.vllm import server as connection
from extractors.confidence.judge import Judge
from extractors.options import ExtractOptions, ReadOptions, VllmOptions
from extractors.reading import ReaderPool
from flows import worker
from flows.composition import Parts
from flows.extractor import Extractor, SharedBackend
from flows.outage import breaker
from schemas.document import DocumentRef, ReadDocument
from schemas.registry import load_schema
from tests.backends import serving
from tests.backends.serving import KEY, TinyServer
from tests.backends.test_vllm_faults import REFUSED
from tests.databases import sqlite_ledger
from tests.flows.working import RUN, begin, make_parts, work
from tests.tiny import document_of

DOCUMENTS = 3


class PlainReader:
    """Reads every file as the same few lines."""

    def read(self, ref: DocumentRef, path: Path, options: ReadOptions) -> ReadDocument:
        return replace(document_of(["Invoice 11", "Total   119.00"]), ref=ref)

    def warm(self) -> None: ...
    def abort(self) -> None: ...


@dataclass
class Run:
    """Parts of a run whose documents a server answers."""

    parts: Parts
    options: VllmOptions
    folder: Path

    def serve(self) -> None:
        """A connection that is yet to be made, as a process that starts has it."""
        schema = load_schema("receipt")
        self.parts.extractor = Extractor(
            schema=schema,
            backend=SharedBackend("vllm", self.folder, self.options),
            reader=cast(ReaderPool, PlainReader()),
            read_options=ReadOptions(),
            options=ExtractOptions(),
            judge=Judge(schema.fingerprint),
            stopping=self.parts.stopping,
        )
        self.parts.breaker = breaker(self.parts.extractor, self.parts.source, self.parts.settings.intake)

    def outcomes(self, run_id: str = RUN) -> list[str]:
        worker.register_inputs(self.parts, run_id)
        documents = work(self.parts, run_id)
        return sorted(str(document.outcome or "pending") for document in documents.values())


@pytest.fixture
def make_run(
    server: TinyServer, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Run]]:
    monkeypatch.setattr(worker, "BACKEND_PAUSES", (0.0,))
    monkeypatch.setattr(connection, "FIRST_PAUSE", 0.01)
    made: list[Parts] = []

    def make(documents: int = DOCUMENTS, url: str = "", **more: Any) -> Run:
        given: dict[str, Any] = {"url": url or server.url, "model": "tiny", "folder": str(tiny_folder)}
        options = VllmOptions.model_validate(
            {
                **given,
                "api_key": KEY,
                "outage_seconds": 0.1,
                "max_answer_tokens": 40,
                "max_response_mb": 1,
                **more,
            }
        )
        parts = make_parts(tmp_path, sqlite_ledger(tmp_path / "ledger.db"), documents=documents)
        made.append(parts)
        run = Run(parts, options, tmp_path)
        run.serve()
        begin(parts, "served")
        return run

    yield make
    for parts in made:
        parts.spool.close()
        parts.ledger.close()


def test_an_honest_server(make_run: Callable[..., Run]) -> None:
    run = make_run()
    assert run.outcomes("served") == ["review"] * DOCUMENTS
    assert run.parts.model_id.startswith("vllm-tiny-")
    run.parts.ledger.check_conservation("served")


@pytest.mark.parametrize("name", ["stays broken", "huge", "another model", "half", "no grammar"])
def test_what_is_no_answer_ends_in_a_recorded_outcome(
    make_run: Callable[..., Run], server: TinyServer, name: str
) -> None:
    run = make_run(documents=1)
    run.parts.extractor.backend.load()  # honest so far
    server.always, _ = REFUSED[name]
    assert run.outcomes("served") == ["failed"]
    (document,) = run.parts.ledger.run_documents("served")
    assert document.reasons == ["model_error"] and document.detail
    run.parts.ledger.check_conservation("served")


def test_a_server_that_begins_to_lie_is_an_outage(make_run: Callable[..., Run], server: TinyServer) -> None:
    run = make_run(documents=7)
    run.parts.extractor.backend.load()
    server.always = serving.ignores_grammar
    outcomes = run.outcomes("served")
    assert run.parts.outage is not None and "outside the grammar" in str(run.parts.outage)
    assert "pending" in outcomes and set(outcomes) == {"pending", "failed"}


@pytest.mark.parametrize(
    "fault", [serving.ignores_grammar, serving.raw_scores, serving.status(401)], ids=["lies", "scores", "key"]
)
def test_a_server_that_fails_the_test_costs_no_document(
    make_run: Callable[..., Run], server: TinyServer, fault: serving.Fault
) -> None:
    run = make_run()
    server.always = fault
    assert run.outcomes("served") == ["pending"] * DOCUMENTS
    assert run.parts.outage is not None


def test_a_server_that_goes_away_in_the_midst_and_comes_back(
    make_run: Callable[..., Run], server: TinyServer
) -> None:
    leaving = TinyServer(server.model, server.processor).start()
    # a server that is stopped in this process leaves its connections open
    run = make_run(url=leaving.url, request_seconds=5.0)
    answered = iter(range(1))

    def leaves(body: dict[str, Any], tiny: TinyServer) -> Response | None:
        if next(answered, None) is not None:
            return None
        leaving.stop_soon()
        time.sleep(1.0)  # it looks ten times a second whether it is to stop
        return serving.drops(body, tiny)

    run.parts.extractor.backend.load()
    leaving.always = leaves
    first = run.outcomes("served")
    leaving.stop()
    assert run.parts.outage is not None and "does not answer" in str(run.parts.outage)
    assert "review" in first and "pending" in first and "failed" not in first
    run.options = run.options.model_copy(update={"url": server.url})
    run.serve()
    begin(run.parts, "later")
    assert run.outcomes("later") == ["review"] * DOCUMENTS
    run.parts.ledger.check_conservation("later")
