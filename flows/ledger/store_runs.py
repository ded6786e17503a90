"""The part of `flows.ledger.store.Ledger` about whole runs: summing them up, and doing again what they did."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from flows.ledger import reaper, reckoning, reopen, reports, tallies
from flows.ledger.figures import MetricFigures
from flows.ledger.records import Reaped, Reckoning, RetryGroup, RunRecord
from schemas.outcome import Outcome


class RunsStore(ABC):
    """Needs transactions and the time; `Ledger` has them."""

    _clock: Callable[[Session], dt.datetime]

    @abstractmethod
    def _write(self) -> AbstractContextManager[Session]: ...

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]: ...

    def reckon(self, run_id: str, *, shown: int = 50) -> Reckoning:
        """The run summed up, and whether it adds up, in one transaction; ``shown`` documents by name."""
        with self._read() as session:
            return reckoning.reckon(session, run_id, shown)

    def processed_in(self, run_id: str) -> int:
        """How many documents the run brought to an end."""
        with self._read() as session:
            return reckoning.processed_in(session, run_id)

    def retry_groups(
        self,
        outcome: Outcome,
        *,
        reason: str | None = None,
        schema: str | None = None,
        source: str | None = None,
    ) -> list[RetryGroup]:
        """What `reopen` would put back to work, by source, schema and model. Nothing is changed.

        Raises:
            UsageError: inputs of this outcome cannot be done again.
        """
        with self._read() as session:
            return reopen.retry_groups(session, reopen.Wanted(outcome, reason), schema, source)

    def reopen(self, run_id: str, outcome: Outcome, *, reason: str | None = None) -> Iterator[list[str]]:
        """Puts inputs of an outcome, of the run's source, schema and model, back to work as the run's own.

        They are pending again, with all attempts, their history kept; the next result of one that was
        accepted is the next version of its row. Some hundred in a transaction; each step gives the URIs that
        have no document, since they could not be fetched: only the source can help there.

        Raises:
            UsageError: inputs of this outcome cannot be done again.
        """
        wanted = reopen.Wanted(outcome, reason)

        def step() -> list[str] | None:
            with self._write() as session:
                return reopen.reopen_some(session, self._clock(session), run_id, wanted)

        return iter(step, None)

    def reprocess(self, run_id: str, *, since: dt.datetime | None = None) -> int:
        """Puts documents of the run's inputs that were through before it began back to work; their number.

        What a person has decided on is left as it is. With ``since``, only what was extracted then or later.
        """

        def step() -> int:
            with self._write() as session:
                return reopen.reprocess_some(session, self._clock(session), run_id, since)

        return sum(iter(step, 0))

    def is_reprocessable(self, document_id: str, *, since: dt.datetime | None = None) -> bool:
        """Whether `reprocess` would put this document back to work now."""
        with self._read() as session:
            return reopen.is_reprocessable(session, self._clock(session), document_id, since)

    def newest_runs(self, count: int = 10) -> list[RunRecord]:
        """The runs that began last, newest first."""
        with self._read() as session:
            return reports.newest_runs(session, self._clock(session), count)

    def reap(self, *, grace: dt.timedelta, max_attempts: int, limit: int = 500) -> Reaped:
        """Puts in order what lost processes left: their documents go back, or fail; their runs show as crashed.

        Args:
            grace: so long after the end of its lease a process is taken for lost; a busy one may only be late.
            max_attempts: a document that took so many workers with it in a row fails.
            limit: documents at most in one transaction.
        """
        with self._write() as session:
            at = self._clock(session)
            return reaper.reap(session, at, grace=grace, max_attempts=max_attempts, limit=limit)

    def metric_figures(self) -> MetricFigures:
        """All that metrics are made of. The first call on an old ledger goes through all of its steps once."""

        def step() -> bool:
            with self._write() as session:
                return tallies.fold_some(session, self._clock(session))

        while step():
            pass
        with self._read() as session:
            return tallies.gather(session, self._clock(session))
