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

from extractors.confidence.judge import budget_of
from extractors.context import carried
from extractors.options import PageRange
from flows import ending
from flows.extractor import Extractor, backend, make_extractor, read_options
from flows.holding import Holding
from flows.home import make_home
from flows.landing.evolution import check_evolution
from flows.ledger.records import ModelUsed
from flows.ledger.store import Ledger
from flows.ledger.trust import Sampling
from flows.lines import DocumentLines
from flows.modelstore import bring, pinned
from flows.outage import Breaker, breaker
from flows.review.blobs import BlobStore
from flows.settings import Settings, load_settings, page_range
from flows.sources import discover, local_path, public_uri
from flows.spool import Spool
from schemas.errors import LedgerError, OutageError, ParquetryError, UsageError
from schemas.outcome import FailureReason, Outcome, ReviewReason
from schemas.registry import LoadedSchema, load_schema

log = logging.getLogger(__name__)

FAILED, CANCELLED = "failed", "cancelled"


class Job(BaseModel):
    """What one run is about: plain, without credentials, the same in every process that works on it."""

    model_config = ConfigDict(frozen=True)

    source: str
    schema_: str
    model: str
    model_uri: str | None = None  # where a process on another machine gets a model of the store
    limit: int | None = None
    pages: PageRange | None = None
    again: Again | None = None


class Again(BaseModel):
    """What is to be done again although it is through: all of the source, or the inputs of an outcome.

    ``outcome`` and ``reason`` choose inputs of the ledger, and the source is not listed; ``since`` chooses, among
    what the source has, what was extracted then or later.
    """

    model_config = ConfigDict(frozen=True)

    outcome: Outcome | None = None
    reason: str | None = None
    since: dt.datetime | None = None


Job.model_rebuild()


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
    holding: Holding = field(default_factory=Holding)
    lines: DocumentLines = field(default_factory=DocumentLines)
    outage: OutageError | None = None
    notices: list[str] = field(default_factory=list)  # what the report is to say besides
    breaker: Breaker = field(default_factory=lambda: Breaker({}))

    @property
    def schema(self) -> LoadedSchema:
        """What is extracted."""
        return self.extractor.schema

    @property
    def sampling(self) -> Sampling:
        """Which share of documents a person looks at, whatever is thought of them."""
        budget = budget_of(self.schema.name, self.settings.extract)
        review = self.settings.review
        return Sampling(accepted=review.sampled(under_budget=budget is not None), queued=review.queue_share)

    @property
    def model_id(self) -> str:
        """What extracts it; part of the ledger's key."""
        return self.extractor.backend.model_id

    @property
    def weights(self) -> ModelUsed | None:
        """Which files of the model are used; ``None`` where it has none."""
        about = self.extractor.backend.about
        if about is None:
            return None
        return ModelUsed(name=about.name, revision=about.revision, manifest=about.manifest)

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
            parameters={**self.job.model_dump(mode="json"), "judged_by": self.extractor.judge.record()},
            lease_seconds=self.settings.lease_seconds,
            weights=self.weights,
        )
        state = "completed"
        with ending.at_last(lambda: self._abandon(run_id)):
            ending.keep_handlers()
            try:
                with self._kept_alive(run_id):
                    yield
            except BaseException as error:
                state = FAILED if isinstance(error, Exception) else CANCELLED
                self.call_workers_back()
                raise
            finally:
                self.stopping.set()
                self._note_end(run_id, state)

    def stop(self, outage: OutageError) -> None:
        """Asks all workers to give back what they hold: going on would only cost more documents."""
        self.outage = self.outage or outage
        self.stopping.set()

    def call_workers_back(self) -> None:
        """Waits for the workers, without their children; who does not come back has its document taken away."""
        self.stopping.set()
        self.extractor.reader.abort()
        if not self.holding.wait_until_idle(ending.GRACE_SECONDS):
            self._give_back()
            ending.left_behind()

    def _give_back(self) -> None:
        for claimed in self.holding.held():
            try:
                self.ledger.release(claimed.document_id, claimed.token)
            except LedgerError as error:
                log.warning("%s: not given back, its lease has to run out: %s", claimed.uri, error)

    def _abandon(self, run_id: str) -> None:
        """What can still be done when the process is about to be ended hard."""
        self.stopping.set()
        self._give_back()
        self._note_end(run_id, CANCELLED)

    def _note_end(self, run_id: str, state: str) -> None:
        """Notes how the run ended; if that fails, its lease runs out, and it shows as crashed."""
        try:
            self.ledger.finish_run(run_id, state)
        except LedgerError as error:
            if state == "completed":
                raise
            log.warning("run %s: its end could not be noted: %s", run_id, error)

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

        thread = threading.Thread(target=carried(beat), name="run-heartbeat", daemon=True)
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
    again: Again | None = None,
) -> Job:
    """What is asked for, completed from the settings.

    The model is pinned: what ``promoted``, a name or an address means now holds for the whole run.

    Raises:
        UsageError: there is no source or schema, the source carries credentials, the pages are no range, or the model
            cannot be had.
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
    wanted = pinned(model or ours.model, ours)
    return Job(
        source=shown if path is None else str(path.absolute()),
        schema_=name,
        model=wanted.model,
        model_uri=wanted.uri,
        limit=limit,
        pages=page_range(pages) if pages else None,
        again=again,
    )


def again(
    *,
    outcome: str | None = None,
    reason: str | None = None,
    reprocess: bool = False,
    since: str | None = None,
) -> Again | None:
    """What is to be done again, from what a user wrote; nothing if nothing was.

    Raises:
        UsageError: a word that is none of the closed lists, a date that is none, or both kinds at once.
    """
    if not outcome and not reprocess:
        if reason or since:
            said, needs = ("a reason", "an outcome") if reason else ("a date", "--reprocess")
            raise UsageError(f"There is {said} without {needs}.", remedy=f"Give {needs} too.")
        return None
    if outcome and reprocess:
        raise UsageError("Retry and reprocess are two things.", remedy="Do one after the other.")
    if reason and reason not in (reasons := [*FailureReason, *ReviewReason]):
        raise UsageError(f"There is no reason {reason!r}.", remedy=f"One of: {', '.join(reasons)}.")
    if outcome and outcome not in list(Outcome):
        raise UsageError(f"There is no outcome {outcome!r}.", remedy=f"One of: {', '.join(Outcome)}.")
    return Again(outcome=Outcome(outcome) if outcome else None, reason=reason, since=moment(since))


def moment(text: str | None) -> dt.datetime | None:
    """A date, or a time, as ISO 8601 has it; UTC unless it says otherwise.

    Raises:
        UsageError: it is neither.
    """
    if not text:
        return None
    try:
        found = dt.datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(f"{text!r} is no date.", remedy="Write 2026-11-22, or 2026-11-22T18:30.") from error
    return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)


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
    if job.again is None or job.again.outcome is None:  # else the source is asked for single objects only
        discover(real_source(job.source, ours), limit=1, options=ours.intake)
    backend(job.model, ours.cache, ours.vllm)
    check_runner(ours)


def check_runner(ours: Settings) -> None:
    """Raises `UsageError` when documents are to be extracted on a cluster, and there is no Ray or no answer."""
    if ours.runner == "ray":
        from flows.cluster.addresses import check_address
        from flows.cluster.connect import prepare_process, require_ray

        require_ray()
        prepare_process(ours)
        check_address(ours.ray.address)


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
    stopping = threading.Event()
    bring(job.model, job.model_uri, ours.cache)
    extractor = make_extractor(ours, job.schema_, job.model, job.pages, stopping)
    source = real_source(job.source, ours)
    try:
        return Parts(
            settings=ours,
            job=job,
            source=source,
            stopping=stopping,
            breaker=breaker(extractor, source, ours.intake),
            extractor=extractor,
            ledger=Ledger.open(ours.database_url),
            spool=Spool(ours.home / "spool"),
            blobs=BlobStore(ours.home / "blobs"),
        )
    except BaseException:
        extractor.reader.close()
        raise


def real_source(shown: str, ours: Settings) -> str:
    """The URI with its credentials, if the settings hold the one that is shown like this."""
    full = _secret(ours.source)
    return full if full and local_path(full) is None and public_uri(full) == shown else shown


def title(job: Job) -> str:
    """``invoice 2026-11 2026-11-22 02:00``: what, from where, when."""
    schema = Path(job.schema_).stem if job.schema_.endswith(".json") else job.schema_
    tail = job.source.split("?")[0].rstrip("/").rsplit("/", 1)[-1] or job.source
    return f"{schema} {tail} {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M}"


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value is not None else ""
