"""The ledger as the program sees it: one class, plain values in and out, one transaction per call."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from flows.ledger import batches, claims, landed, reports, runs
from flows.ledger.engine import create_ledger_engine, explain, migrate, now, reading
from flows.ledger.records import (
    BatchRecord,
    ClaimedDocument,
    FrozenBatch,
    ModelUsed,
    RowName,
    RunDocument,
    RunRecord,
    StatusReport,
)
from flows.ledger.store_desk import DeskStore
from flows.ledger.store_inputs import InputsStore
from flows.ledger.store_models import ModelsStore
from flows.ledger.store_review import ReviewStore
from flows.ledger.store_runs import RunsStore
from flows.ledger.store_trust import TrustStore
from flows.ledger.trust import Sampling
from schemas.extraction import Extraction
from schemas.registry import LoadedSchema

MAX_ATTEMPTS = 3
MAX_BATCH_ROWS = 2_000


class Ledger(InputsStore, RunsStore, ReviewStore, DeskStore, TrustStore, ModelsStore):
    """What was seen, what became of it, what has landed. Safe to share between threads.

    Every method is one transaction, durable when it returns. All times are UTC.
    """

    def __init__(self, engine: Engine, *, clock: Callable[[Session], dt.datetime] = now) -> None:
        self._engine = engine
        self._reader = reading(engine)
        self._clock = clock
        # SQLite's writers wait by sleeping and trying again; those of one process line up instead.
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()

    @classmethod
    def open(cls, url: str) -> Ledger:
        """Opens the ledger at an SQLAlchemy URL and brings it to today's version; creates it when missing.

        Args:
            url: ``sqlite:////path/ledger.db`` or ``postgresql://user:password@host/database``.

        Raises:
            LedgerError: it cannot be reached, or was written by a newer version of the program.
        """
        engine = create_ledger_engine(url)
        try:
            migrate(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        """Gives back all connections."""
        self._engine.dispose()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---------------------------------------------------------------- runs and schemas

    def register_schema(self, schema: LoadedSchema) -> None:
        """Keeps the schema by fingerprint. Rows cannot be frozen without; landing does it too."""
        with self._write() as session:
            runs.register_schema(session, schema, self._clock(session))

    def stored_schema(self, fingerprint: str) -> LoadedSchema | None:
        """The schema with that fingerprint as it was kept (without its Pydantic class), if it was."""
        with self._read() as session:
            return runs.stored_schema(session, fingerprint)

    def start_run(
        self,
        *,
        run_id: str,
        source: str,
        schema: str,
        fingerprint: str,
        model: str,
        parameters: dict[str, Any],
        lease_seconds: float | None = None,
        weights: ModelUsed | None = None,
    ) -> None:
        """Records the start of a run. Again with the same id (a retried flow) it goes on with that run.

        ``weights`` says which files of the model were used. ``source`` and ``parameters`` are shown to people: give
        them free of credentials. With a lease, and without `keep_run` or `finish_run` for that long, the run is
        shown as ``crashed``.
        """
        with self._write() as session:
            runs.start_run(
                session,
                self._clock(session),
                run_id,
                source,
                schema,
                fingerprint,
                model,
                parameters,
                lease_seconds,
                weights,
            )

    def keep_run(self, run_id: str, *, lease_seconds: float) -> None:
        """Says that the process of a run is alive, for so long from now."""
        with self._write() as session:
            runs.keep_run(session, self._clock(session), run_id, lease_seconds)

    def latest_schemas(self) -> dict[str, str]:
        """The fingerprint that was used last, by schema name, of everything that has been run."""
        with self._read() as session:
            return runs.latest_schemas(session)

    def finish_run(self, run_id: str, state: str) -> None:
        """Records the end of a run with a word such as ``completed``, ``failed`` or ``cancelled``."""
        with self._write() as session:
            runs.finish_run(session, self._clock(session), run_id, state)

    # ---------------------------------------------------------------- work

    def claim(
        self,
        run_id: str | None,
        *,
        worker: str,
        lease_seconds: float,
        limit: int,
        fingerprint: str,
        model: str,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> list[ClaimedDocument]:
        """Takes up to ``limit`` documents for a worker, oldest first; an empty list when none is free.

        Free is what a lost worker held past its lease, what is pending, and, with a run, what failed in an
        *earlier* run with attempts left; in this order. A document that took ``max_attempts`` workers in a
        row with it is set aside as failed (`FailureReason.READER_CRASHED`). With a run only documents of its
        inputs are taken.

        Args:
            run_id: the run that asks; ``None``: whatever there is to do.
            worker: its name, best ``host:process:thread``, the process told apart from an earlier one with
                its number. Of the documents that may lose only one more worker, a process is given one at a
                time; what it takes over from itself counts as late, not as a lost worker.
            lease_seconds: how long they are its own without a `heartbeat`.
            limit: how many at most.
            fingerprint: the schema they are of.
            model: the model they are for.
            max_attempts: lost workers, and failures, after which a document is left alone.
        """
        with self._write() as session:
            return claims.claim(
                session,
                self._clock(session),
                claims.ClaimRequest(run_id, worker, lease_seconds, limit, fingerprint, model, max_attempts),
            )

    def heartbeat(self, document_id: str, token: int, *, lease_seconds: float) -> None:
        """Prolongs a lease from now. Raises `StaleTokenError` when it was lost meanwhile: stop the work."""
        with self._write() as session:
            claims.heartbeat(session, self._clock(session), document_id, token, lease_seconds)

    def release(self, document_id: str, token: int) -> None:
        """Gives a claimed document back undone (cancelled run): pending again, the attempt not counted."""
        with self._write() as session:
            claims.release(session, self._clock(session), document_id, token)

    def release_run(self, run_id: str) -> int:
        """Gives back whatever is held for a run that ends, wherever its workers are; the number of documents.

        Who still works on one of them cannot record it any more.
        """
        with self._write() as session:
            return claims.release_run(session, self._clock(session), run_id)

    def record_extraction(
        self, document_id: str, token: int, extraction: Extraction, sampling: Sampling | None = None
    ) -> None:
        """Ends a claim with what came out; moves the document and its input to the outcome.

        Recording the same extraction under the same token again is allowed (a reply lost after commit).
        ``sampling``: the shares of accepted and of queued documents that are drawn for a person to look at.

        Raises:
            StaleTokenError: the lease was lost and another worker took the document.
            LedgerError: the extraction is of other content, another schema or another model.
        """
        with self._write() as session:
            claims.record_extraction(
                session, self._clock(session), document_id, token, extraction, sampling or Sampling()
            )

    def open_documents(self, run_id: str) -> int:
        """How many documents of the run's inputs are pending or being processed (here or by another run)."""
        with self._read() as session:
            return reports.open_documents(session, run_id)

    # ---------------------------------------------------------------- landing

    def freeze_batch(self, schema_name: str, *, max_rows: int = MAX_BATCH_ROWS) -> list[FrozenBatch]:
        """Freezes all accepted rows and decisions of a schema that are in no batch yet; the new batches."""
        return list(iter(lambda: self.freeze_next(schema_name, max_rows=max_rows), None))

    def freeze_next(self, schema_name: str, *, max_rows: int = MAX_BATCH_ROWS) -> FrozenBatch | None:
        """Freezes the oldest of those rows, all of one schema, as one batch; ``None`` when there are none.

        A batch's id, row versions and contents never change afterwards, so whoever writes it, and however
        often, writes the same.
        """
        with self._write() as session:
            return batches.freeze_next(session, self._clock(session), schema_name, max_rows)

    def pending_batches(self, schema_name: str | None = None) -> Iterator[FrozenBatch]:
        """Every frozen batch whose file is not recorded yet, oldest first, one in memory at a time."""
        with self._read() as session:
            ids = batches.pending_ids(session, schema_name)
        for batch_id in ids:
            with self._read() as session:
                batch = batches.load(session, batch_id)
            yield batch  # outside: writing the file may take long, and no transaction stays open meanwhile

    def mark_landed(self, batch_id: str, path: str, rows: int, sha256: str) -> None:
        """Records that the batch's file is in the lake. The first record stays; again is allowed."""
        with self._write() as session:
            batches.mark_landed(session, self._clock(session), batch_id, path, rows, sha256)

    def ledger_id(self) -> str:
        """Who this ledger is, for ever: landed files carry it, so that no ledger takes another's for its own."""
        with self._read() as session:
            return landed.ledger_id(session)

    def batch_ids(self, schema_name: str) -> set[str]:
        """The ids of all batches of a schema, landed or not. A file's batch is here before its file exists."""
        with self._read() as session:
            return landed.batch_ids(session, schema_name)

    def batches(self, schema_name: str) -> Iterator[BatchRecord]:
        """Every batch of a schema and what became of it, oldest first, some hundred in memory at a time."""
        after = None
        while True:
            with self._read() as session:
                page = [
                    landed.batch_record(batch) for batch in landed.batch_page(session, schema_name, after)
                ]
            yield from page
            if not page:
                return
            after = (page[-1].frozen_at, page[-1].batch_id)

    def frozen_batch(self, batch_id: str) -> FrozenBatch:
        """A batch with its rows, as frozen, whether it has landed or not."""
        with self._read() as session:
            return batches.load(session, batch_id)

    def row_names(self, batch_id: str) -> list[RowName]:
        """Key and version of each row of a batch, in the order of its file."""
        with self._read() as session:
            return landed.row_names(session, batch_id)

    def schemas_with_rows(self, schema_name: str | None = None) -> list[LoadedSchema]:
        """Every schema that rows were made with, landed or to land, in the order of their first rows."""
        with self._read() as session:
            return list(landed.schemas_with_rows(session, schema_name))

    def record_file(self, batch_id: str, path: str, sha256: str) -> None:
        """Notes where a landed batch's file is now, and the hash of its bytes, after a repair of the lake."""
        with self._write() as session:
            landed.record_file(session, batch_id, path, sha256)

    # ---------------------------------------------------------------- reckoning

    def outcome_counts(self, run_id: str | None = None) -> dict[str, int]:
        """Inputs by outcome, of a run or of all; those still open as ``pending``. Archive members count."""
        with self._read() as session:
            return reports.outcome_counts(session, run_id)

    def status(self, *, last_runs: int = 10) -> StatusReport:
        """The ledger in figures, taken in one transaction."""
        with self._read() as session:
            return reports.status(session, self._clock(session), last_runs)

    def run(self, run_id: str) -> RunRecord:
        """One run. Raises `LedgerError` when there is none with that id."""
        with self._read() as session:
            return reports.run(session, self._clock(session), run_id)

    def run_documents(self, run_id: str) -> list[RunDocument]:
        """How each input of a run ended, in the order seen."""
        with self._read() as session:
            return reports.run_documents(session, run_id)

    def check_conservation(self, run_id: str, afterwards: bool = False) -> None:
        """Every input of the run has exactly one outcome, and it is its document's.

        Args:
            run_id: of the run.
            afterwards: long after the run: what a later one has begun anew is passed over.

        Raises:
            ConservationError: naming the inputs for which that is not so.
        """
        with self._read() as session:
            reports.check_conservation(session, run_id, afterwards)

    # ---------------------------------------------------------------- transactions

    @contextmanager
    def _write(self) -> Iterator[Session]:
        with self._turn, self._session(self._engine) as session:
            yield session

    def _read(self) -> AbstractContextManager[Session]:
        return self._session(self._reader)

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        try:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                yield session
        except (DBAPIError, PoolTimeoutError) as error:
            raise explain(error, self._engine.url) from error
