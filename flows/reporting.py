"""Follows a run and reports on it at its end, whatever end that is: figures, files, artifacts."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from extractors.context import working
from flows import artifacts, lost_server
from flows.alerts import notices, telling
from flows.composition import CANCELLED, FAILED, Parts
from flows.cost import cost_of
from flows.gauge import MemoryGauge
from flows.landing.land import LandingReport
from flows.ledger.records import Reckoning
from flows.metrics import give
from flows.report import SHOWN, SLOWEST, Memory, RunReport, reported, stage_figures, write
from schemas.errors import LedgerError

log = logging.getLogger(__name__)


_last: list[RunReport] = []


def last() -> RunReport | None:
    """The report of the run that this process completed last, also if Prefect then failed to note its end."""
    return _last[-1] if _last else None


def forget() -> None:
    """Another run begins: what was before is no report of it."""
    _last.clear()


class Reporter:
    """Takes the time of the stages while a run goes on; sums it up at the end."""

    def __init__(self, parts: Parts, run_id: str, gauge: MemoryGauge) -> None:
        self._parts, self._run_id, self._gauge = parts, run_id, gauge
        self._started_at = dt.datetime.now(dt.UTC)
        self._started = time.monotonic()
        self._cpu_started = time.process_time()
        self._clock: dict[str, float] = {}
        self._cpu: dict[str, float] = {}
        self._landed: LandingReport | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A stage of the run."""
        began, used = time.monotonic(), time.process_time()
        try:
            with working(stage=name):
                yield
        finally:
            seconds = time.monotonic() - began
            self._clock[name] = self._clock.get(name, 0.0) + seconds
            self._cpu[name] = self._cpu.get(name, 0.0) + time.process_time() - used
            with working(stage=name):
                log.info("%s: %.1f s", name, seconds, extra={"seconds": round(seconds, 3)})

    def complete(self, landed: LandingReport) -> RunReport:
        """Closes the books of a run that went to its end.

        Raises:
            ConservationError: they do not add up.
        """
        self._landed = landed
        lost_server.make_sure()
        reckoning = self._parts.ledger.reckon(self._run_id, shown=SHOWN)
        if error := reckoning.error(self._run_id):
            parts = self._parts
            telling.tell(
                notices.conservation_failed(
                    self._run_id, parts.schema.name, parts.job.source, reckoning, parts.settings
                )
            )
            raise error
        report = self._report(reckoning, "completed", "")
        self._keep(report)
        _last[:] = [report]
        artifacts.publish(report)
        telling.tell(notices.run_completed(report, self._parts.settings))
        return report

    def give_up(self, state: str, error: BaseException) -> None:
        """Reports on a run that did not go to its end, as far as the ledger can be asked."""
        told = str(error) if state == FAILED else "It was stopped from outside."
        try:
            report = self._report(self._parts.ledger.reckon(self._run_id, shown=SHOWN), state, told)
        except LedgerError as trouble:
            log.warning("run %s: no report could be made: %s", self._run_id, trouble)
            return
        self._keep(report)
        if state == FAILED:
            artifacts.publish(report)

    def _report(self, reckoning: Reckoning, state: str, error: str) -> RunReport:
        self._gauge.look()
        parts, pages = self._parts, reckoning.pages
        landed = self._landed or LandingReport([], 0, [])
        worked = pages.total - pages.skipped
        inputs = reckoning.inputs + reckoning.members
        seconds = time.monotonic() - self._started
        return RunReport(
            run_id=self._run_id,
            source=parts.job.source,
            schema_name=parts.schema.name,
            model=parts.model_id,
            weights=parts.weights,
            state=state,
            error=error,
            started_at=self._started_at,
            finished_at=dt.datetime.now(dt.UTC),
            parameters=parts.job.model_dump(mode="json"),
            inputs=reckoning.inputs,
            outcomes=reckoning.outcomes,
            members=reckoning.members,
            member_outcomes=reckoning.member_outcomes,
            processed=reckoning.processed,
            pages=pages,
            reasons=reckoning.reasons,
            stages=stage_figures(self._clock, reckoning.stage_seconds, inputs, reckoning.processed, worked),
            cost=cost_of(
                clock=self._clock,
                cpu={**self._cpu, "run": time.process_time() - self._cpu_started},
                work=reckoning.stage_seconds,
                seconds=seconds,
                machines=reckoning.machines,
                documents=reckoning.processed,
                options=parts.settings.cost,
            ),
            memory=Memory(parent=self._gauge.parent, children=self._gauge.children),
            landed_rows=landed.rows,
            landed_files=[file.path for file in landed.files],
            warnings=[*parts.notices, *landed.warnings, *filter(None, [lost_server.told()])],
            queue=parts.ledger.queue_size(schema=parts.schema.name),
            seconds=seconds,
            slowest=[reported(document) for document in reckoning.slowest[:SLOWEST]],
            failed=[reported(document) for document in reckoning.failed],
            waiting=[reported(document) for document in reckoning.waiting],
            review_url=parts.settings.review_url,
        )

    def _keep(self, report: RunReport) -> None:
        """The files beside the ledger; a full disk must not undo a run that is through."""
        if path := self._parts.settings.metrics_file:
            give.write_file(self._parts.ledger, path)
        try:
            log.info("run %s: the report is in %s", self._run_id, write(report, self._parts.settings.home))
        except OSError as error:
            log.warning("run %s: its report cannot be written: %s", self._run_id, error.strerror or error)


@contextmanager
def reporting(parts: Parts, run_id: str) -> Iterator[Reporter]:
    """Reports on the run in the block also when it fails or is stopped."""
    with MemoryGauge() as gauge:
        reporter = Reporter(parts, run_id, gauge)
        try:
            yield reporter
        except BaseException as error:
            reporter.give_up(FAILED if isinstance(error, Exception) else CANCELLED, error)
            raise
