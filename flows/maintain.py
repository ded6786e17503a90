"""The upkeep: what lost processes left is put in order, probabilities are fitted anew, the books are checked."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Annotated

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict, Field

from flows import artifacts, composition, gpu_slot, states
from flows.home import make_home
from flows.ledger.store import Ledger
from flows.parameters import titled
from flows.settings import Settings
from flows.upkeep.books import check_lake_against_ledger, check_runs, check_trail
from flows.upkeep.findings import Finding
from flows.upkeep.leases import reap_leases
from flows.upkeep.refit import refit_calibration
from flows.upkeep.sweep import sweep_lake, sweep_scratch
from schemas.errors import ConservationError, ParquetryError, public, told

log = logging.getLogger(__name__)

Step = Callable[[], Finding]


class _Group(BaseModel):
    """A group of the form."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LeaseOptions(_Group):
    """What lost processes still hold."""

    reap: bool = Field(True, title="Give documents back", description="Those that a lost process holds.")
    grace_minutes: float = Field(
        60,
        ge=1,
        le=7 * 24 * 60,
        title="After so many minutes",
        description="So long after the end of its lease a process is taken for lost; a busy one may only be late.",
    )


class SweepOptions(_Group):
    """Files without an owner."""

    lake: bool = Field(True, title="In the lake", description="Halves of files, and files of a lost ledger.")
    scratch: bool = Field(True, title="In spool and scratch", description="Copies of documents.")
    older_than_hours: float = Field(
        24,
        ge=1,
        le=24 * 90,
        title="Spool and scratch: untouched for so many hours",
        description="What another machine may still be writing is left alone for so long. The lake has its own rule.",
    )


class RefitOptions(_Group):
    """Probabilities, fitted anew on what was drawn at random and decided."""

    refit: bool = Field(
        True,
        title="Fit anew",
        description="It changes what lands under an error budget. The calibration before is kept beside it.",
    )
    least_documents: int = Field(
        50, ge=10, le=100_000, title="Least documents", description="Of a schema, drawn and decided."
    )


class BookOptions(_Group):
    """What must add up. If something does not, the run fails."""

    conservation: bool = Field(
        True, title="Runs", description="Every input of a completed run has exactly one outcome."
    )
    newest_runs: int = Field(
        50, ge=1, le=10_000, title="So many of the last runs", description="Are looked at."
    )
    trail: bool = Field(True, title="Audit trail", description="No line changed, taken out, put in or moved.")
    lake: bool = Field(
        True,
        title="Ledger against lake",
        description="Reads every landed file; of a large lake, do it weekly.",
    )


class UpkeepReport(BaseModel):
    """What each step found."""

    model_config = ConfigDict(frozen=True)

    findings: list[Finding]

    def of(self, verdict: str) -> list[Finding]:
        """The steps that ended like this."""
        return [one for one in self.findings if one.verdict == verdict]


_LEASES, _SWEEP, _REFIT, _BOOKS = LeaseOptions(), SweepOptions(), RefitOptions(), BookOptions()


@flow(
    name="maintain",
    flow_run_name=lambda: f"upkeep {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M}",
    persist_result=False,
)
def maintain(
    leases: Annotated[LeaseOptions, titled("Documents of lost processes")] = _LEASES,
    sweep: Annotated[SweepOptions, titled("Files without an owner")] = _SWEEP,
    calibration: Annotated[RefitOptions, titled("Probabilities")] = _REFIT,
    books: Annotated[BookOptions, titled("Books that must add up")] = _BOOKS,
) -> UpkeepReport:
    """Puts in order what lost processes left, fits probabilities anew, and checks that the books add up.

    Args:
        leases: Documents that a lost process holds go back to work.
        sweep: Files that nobody owns any more.
        calibration: How probable a value is to be right.
        books: Runs, audit trail, and the ledger against the lake.
    """
    settings = composition.settings()
    make_home(settings)
    with Ledger.open(settings.database_url) as ledger:
        steps = _steps(settings, ledger, leases, sweep, calibration, books)
        report = UpkeepReport(findings=[run_step(name, step) for name, step in steps.items()])
    artifacts.publish_upkeep(report.findings)
    if wrong := report.of("fail"):
        states.add_tags([states.TROUBLE])
        raise ConservationError(
            " ".join(f"{one.step}: {one.said}" for one in wrong),
            remedy="See the artifact `upkeep` of this run; `parquetry doctor --lake` and `parquetry audit verify`.",
        )
    return states.completed(report, _said(report), _tags(report))


def _steps(
    settings: Settings,
    ledger: Ledger,
    leases: LeaseOptions,
    sweep: SweepOptions,
    calibration: RefitOptions,
    books: BookOptions,
) -> dict[str, Step]:
    """What is asked for, in this order: the books are checked as they will stay."""
    grace = dt.timedelta(minutes=leases.grace_minutes)
    old = sweep.older_than_hours * 3600
    every: list[tuple[bool, str, Step]] = [
        (leases.reap, "leases", lambda: reap_leases(ledger, grace=grace, max_attempts=settings.max_attempts)),
        (sweep.lake, "lake files", lambda: sweep_lake(ledger, settings)),
        (sweep.scratch, "scratch", lambda: sweep_scratch(settings, older_than_seconds=old)),
        (calibration.refit, "calibration", lambda: _refit(ledger, settings, calibration.least_documents)),
        (books.conservation, "conservation", lambda: check_runs(ledger, books.newest_runs)),
        (books.trail, "audit trail", lambda: check_trail(ledger)),
        (books.lake, "ledger and lake", lambda: check_lake_against_ledger(ledger, settings)),
    ]
    return {name: step for wanted, name, step in every if wanted}


def _refit(ledger: Ledger, settings: Settings, least: int) -> Finding:
    return refit_calibration(ledger, settings, least=least, model_in_use=lambda: gpu_slot.held(settings.gpu))


@task(name="upkeep step", task_run_name="{name}", cache_policy=NO_CACHE, persist_result=False)
def run_step(name: str, step: Step) -> Finding:
    """One step; one that cannot be done is told like one that found something wrong, and the others go on."""
    try:
        finding = step()
    except ParquetryError as error:
        finding = Finding(
            step=name, verdict="fail", said=public(f"It could not be done: {error} {error.remedy}".strip())
        )
    except Exception as error:  # a full disk, a mistake of ours: the other steps are worth their while
        log.exception("%s could not be done", name)
        finding = Finding(step=name, verdict="fail", said=f"It could not be done: {told(error)}.")
    log.info("%s: %s", name, finding.said)
    for line in finding.details:
        log.info("%s: %s", name, line)
    return finding


def _said(report: UpkeepReport) -> str:
    told = [f"{one.step}: {one.said}" for one in (*report.of("warn"), *report.of("done"))]
    return " ".join(told) or "Everything was in order."


def _tags(report: UpkeepReport) -> list[str]:
    tags = [states.PUT_IN_ORDER] if report.of("done") else []
    return tags + ([states.TROUBLE] if report.of("warn") else [])
