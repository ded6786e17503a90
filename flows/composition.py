"""From settings to working parts. Everything heavy is made once per process and shared by its threads.

A `Job` says what a run is about, in plain words without credentials: it travels through Prefect. `parts`
turns it, in whatever process, into ledger, reader and model; secrets come from the settings of that process.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr

from extractors.options import PageRange
from flows.extractor import Extractor, backend, make_extractor, read_options
from flows.landing.evolution import check_evolution
from flows.ledger.store import Ledger
from flows.review.blobs import BlobStore
from flows.settings import Settings, load_settings, page_range
from flows.sources import discover, local_path, public_uri
from flows.spool import Spool
from schemas.errors import LedgerError, ParquetryError, UsageError
from schemas.registry import LoadedSchema, load_schema

log = logging.getLogger(__name__)


class Job(BaseModel):
    """What one run is about: plain, without credentials, the same in every process that works on it."""

    model_config = ConfigDict(frozen=True)

    source: str
    schema_: str
    model: str
    limit: int | None = None
    pages: PageRange | None = None


@dataclass
class Parts:
    """What the tasks of a job work with. ``stopping`` asks the workers to give back what they hold."""

    settings: Settings
    job: Job
    source: str = field(repr=False)  # the real URI; may carry credentials
    extractor: Extractor
    ledger: Ledger
    spool: Spool
    blobs: BlobStore
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def schema(self) -> LoadedSchema:
        """What is extracted."""
        return self.extractor.schema

    @property
    def model_id(self) -> str:
        """What extracts it; part of the ledger's key."""
        return self.extractor.backend.model_id

    @contextmanager
    def run(self, run_id: str) -> Iterator[None]:
        """Keeps a record of the run in the ledger, whatever way it ends."""
        check_evolution(self.ledger, self.schema)
        self.ledger.register_schema(self.schema)
        self.ledger.start_run(
            run_id=run_id,
            source=self.job.source,
            schema=self.schema.name,
            fingerprint=self.schema.fingerprint,
            model=self.model_id,
            parameters=self.job.model_dump(mode="json"),
            lease_seconds=self.settings.lease_seconds,
        )
        state = "cancelled"
        try:
            with self._kept_alive(run_id):
                yield
            state = "completed"
        except Exception:
            state = "failed"
            raise
        finally:
            self.stopping.set()  # on the way out of an error, workers give back what they hold
            self.ledger.finish_run(run_id, state)

    @contextmanager
    def _kept_alive(self, run_id: str) -> Iterator[None]:
        """Says from a thread of its own that the run's process lives; one that is killed shows as crashed."""
        seconds = self.settings.lease_seconds
        over = threading.Event()

        def beat() -> None:
            while not over.wait(seconds / 4):
                try:
                    self.ledger.keep_run(run_id, lease_seconds=seconds)
                except LedgerError as error:  # a busy database; the next beat comes before the lease ends
                    log.warning("run %s: heartbeat failed: %s", run_id, error)

        thread = threading.Thread(target=beat, name="run-heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def close(self) -> None:
        """Ends the reading children and gives back connections and disk."""
        self.stopping.set()
        self.extractor.reader.close()
        self.spool.close()
        self.ledger.close()


_in_force: dict[str, Settings | None] = {"settings": None}


def use(settings: Settings | None) -> None:
    """Makes these the settings of the process (the command line does); ``None``: those of the environment."""
    _in_force["settings"] = settings


def settings() -> Settings:
    """The settings of the process."""
    return _in_force["settings"] or load_settings()


def job(
    *,
    source: str | None = None,
    schema: str | None = None,
    model: str | None = None,
    limit: int | None = None,
    pages: str | None = None,
) -> Job:
    """What is asked for, completed from the settings.

    Raises:
        UsageError: there is no source or schema, the source carries credentials, or the pages are no range.
    """
    ours = settings()
    if source is None and ours.source is None:
        raise UsageError("No source was given.", remedy="Use --source, PARQUETRY_SOURCE, or parquetry.toml.")
    name = schema or ours.schema_
    if name is None:
        raise UsageError("No schema was given.", remedy="Use --schema, PARQUETRY_SCHEMA, or parquetry.toml.")
    if source is not None and public_uri(source) != source:
        raise UsageError(
            "The source carries credentials; as a flow parameter they would be stored in clear.",
            remedy="Put the full URI into PARQUETRY_SOURCE or parquetry.toml, and leave the parameter empty.",
        )
    shown = source or public_uri(_secret(ours.source))
    path = local_path(shown)
    return Job(
        source=shown if path is None else str(path.absolute()),
        schema_=name,
        model=model or ours.model,
        limit=limit,
        pages=page_range(pages) if pages else None,
    )


_open: dict[Job, Parts] = {}
_over: set[Job] = set()
_opening = threading.Lock()


def parts(job: Job) -> Parts:
    """The parts of a job in this process, made on the first call.

    Raises:
        UsageError: schema, model, source or settings are wrong.
        LedgerError: the database cannot be used.
        ParquetryError: the run was stopped; a task that was still queued has nothing to do any more.
    """
    with _opening:
        if job in _over:
            raise ParquetryError("The run was stopped.", remedy="Run again: it goes on where it was stopped.")
        if job not in _open:
            _open[job] = _make(job)
        return _open[job]


def check(job: Job) -> None:
    """Whether a job can begin: schema, password file, source and model are what they should be.

    Raises:
        UsageError: one of them is not.
    """
    ours = settings()
    load_schema(job.schema_)
    read_options(ours, job.pages)
    discover(real_source(job.source, ours), limit=1)
    backend(job.model, ours.cache)


@contextmanager
def opened(job: Job) -> Iterator[Parts]:
    """The parts of a job, closed at the end, also for the tasks that have not begun."""
    _over.discard(job)
    try:
        yield parts(job)
    finally:
        with _opening:
            made = _open.pop(job, None)
            _over.add(job)
        if made is not None:
            made.close()


def _make(job: Job) -> Parts:
    ours = settings()
    make_home(ours)
    extractor = make_extractor(ours, job.schema_, job.model, job.pages)
    try:
        return Parts(
            settings=ours,
            job=job,
            source=real_source(job.source, ours),
            extractor=extractor,
            ledger=Ledger.open(ours.database_url),
            spool=Spool(ours.home / "spool"),
            blobs=BlobStore(ours.home / "blobs"),
        )
    except BaseException:
        extractor.reader.close()
        raise


def make_home(ours: Settings) -> None:
    """Creates the home folder, readable by its owner only: it holds documents.

    Raises:
        UsageError: it cannot be created.
    """
    try:
        ours.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(
            f"The home folder {ours.home} cannot be created: {error.strerror or error}.",
            remedy="Choose a folder that you can write, with --home.",
        ) from error


def real_source(shown: str, ours: Settings) -> str:
    """The URI with its credentials, if the settings hold the one that is shown like this."""
    full = _secret(ours.source)
    return full if full and local_path(full) is None and public_uri(full) == shown else shown


def title(job: Job) -> str:
    """``invoice 2026-11 2026-11-22``: what, from where, when."""
    schema = Path(job.schema_).stem if job.schema_.endswith(".json") else job.schema_
    tail = job.source.split("?")[0].rstrip("/").rsplit("/", 1)[-1] or job.source
    return f"{schema} {tail} {dt.datetime.now(dt.UTC):%Y-%m-%d}"


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value is not None else ""
