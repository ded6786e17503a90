"""Parts of a run with a real ledger and an extractor that does what a test wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from extractors.confidence.judge import Judge
from extractors.options import ReadOptions
from flows import worker
from flows.composition import Job, Parts
from flows.extractor import Extractor
from flows.ledger.records import RunDocument
from flows.ledger.store import Ledger
from flows.outage import breaker
from flows.review.blobs import BlobStore
from flows.settings import load_settings
from flows.spool import Spool
from schemas.document import DocumentRef
from schemas.extraction import Extraction
from schemas.registry import LoadedSchema, load_schema
from tests.flows.making import write_invoice

RUN = "run-1"


@dataclass(frozen=True)
class Backend:
    model_id: str = "scripted@test"
    about: None = None


@dataclass
class PlainExtractor:
    """Stands in for `flows.extractor.Extractor`; ``act`` is called before each document."""

    schema: LoadedSchema
    act: Callable[[DocumentRef], None] = lambda ref: None
    backend: Backend = field(default_factory=Backend)
    read_options: ReadOptions = field(default_factory=ReadOptions)
    reader: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(warm=lambda: None))
    judge: Judge = field(default_factory=lambda: Judge(""))

    def extract(self, ref: DocumentRef, path: Path) -> Extraction:
        self.act(ref)
        return Extraction(
            document=ref.uri,
            sha256=ref.sha256,
            outcome="extracted",
            schema_name=self.schema.name,
            schema_fingerprint=self.schema.fingerprint,
            model=self.backend.model_id,
            data={},
        )

    def without_answer(self, *arguments: Any) -> Extraction:
        return Extractor.without_answer(cast(Extractor, self), *arguments)


def make_parts(folder: Path, database: str, *, documents: int = 2, **settings: Any) -> Parts:
    """A source with some invoices, a run that has begun, and no Prefect."""
    for number in range(documents):
        write_invoice(folder / "in" / f"{chr(97 + number)}.pdf", 11 + number)
    schema = load_schema("invoice")
    ours = load_settings(home=folder / "home", intake={"settle_seconds": 0}, **settings)
    extractor = cast(Extractor, PlainExtractor(schema))
    made = Parts(
        settings=ours,
        job=Job(source=str(folder / "in"), schema_="invoice", model="scripted"),
        source=str(folder / "in"),
        extractor=extractor,
        ledger=Ledger.open(database),
        spool=Spool(folder / "spool"),
        blobs=BlobStore(folder / "blobs"),
        breaker=breaker(extractor, str(folder / "in"), ours.intake),
    )
    begin(made)
    return made


def begin(parts: Parts, run_id: str = RUN) -> str:
    """Another run of the same parts."""
    parts.stopping.clear()
    parts.outage = None
    parts.ledger.register_schema(parts.schema)
    parts.ledger.start_run(
        run_id=run_id,
        source=parts.job.source,
        schema=parts.schema.name,
        fingerprint=parts.schema.fingerprint,
        model=parts.model_id,
        parameters={},
    )
    return run_id


def acts(parts: Parts, act: Callable[[DocumentRef], None]) -> None:
    cast(PlainExtractor, parts.extractor).act = act


def work(parts: Parts, run_id: str = RUN) -> dict[str, RunDocument]:
    """Does all there is to do; how each document ended, by file name."""
    while worker.work_on_next(parts, run_id):
        pass
    return {d.uri.rsplit("/", 1)[-1]: d for d in parts.ledger.run_documents(run_id)}
