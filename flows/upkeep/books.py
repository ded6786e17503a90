"""The check of the books: runs that add up, the trail of decisions, the ledger against the lake."""

from __future__ import annotations

from collections.abc import Iterator

from flows.landing.checkup import check_lake
from flows.ledger.store import Ledger
from flows.settings import Settings
from flows.upkeep.findings import Finding, count
from schemas.errors import ConservationError

_ENDED_WELL = "completed"


def check_runs(ledger: Ledger, newest: int) -> Finding:
    """Conservation: every input of each completed run has exactly one outcome, and it is its document's."""
    runs = [run for run in ledger.newest_runs(newest) if run.state == _ENDED_WELL]
    wrong = list(_not_conserved(ledger, [run.run_id for run in runs]))
    if wrong:
        said = f"{count(len(wrong), 'run')} of the last {len(runs)} completed ones do not add up."
        return Finding(step="conservation", verdict="fail", said=said, details=wrong)
    said = f"{count(len(runs), 'completed run')} looked at: every input has exactly one outcome."
    return Finding(step="conservation", verdict="ok", said=said)


def _not_conserved(ledger: Ledger, run_ids: list[str]) -> Iterator[str]:
    for run_id in run_ids:
        try:
            ledger.check_conservation(run_id, afterwards=True)
        except ConservationError as error:
            yield str(error)


def check_trail(ledger: Ledger) -> Finding:
    """The trail of what people did: no line changed, taken out, put in or moved, no decision behind its back."""
    verdict = ledger.verify_trail()
    if verdict.faults:
        said = f"The audit trail is not whole: {count(len(verdict.faults), 'fault')}."
        return Finding(step="audit trail", verdict="fail", said=said, details=list(verdict.faults))
    said = f"{count(verdict.lines, 'line')}, all whole; digest of the last one: {verdict.head}."
    return Finding(step="audit trail", verdict="ok", said=said)


def check_lake_against_ledger(ledger: Ledger, settings: Settings) -> Finding:
    """Every landed batch against its file, and every file against the ledger. Changes nothing."""
    batches = rows = 0
    grave: list[str] = []
    small: list[str] = []
    for checked in check_lake(ledger, settings.lake_uri, format=settings.lake_format):
        batches, rows = batches + checked.batches, rows + checked.rows
        for trouble in checked.troubles:
            line = f"{trouble.what}: {trouble.where}: {trouble.detail}"
            (grave if trouble.grave else small).append(line)
    looked = f"{count(batches, 'batch', 'batches')} with {count(rows, 'row')}"
    if grave:
        said = (
            f"{looked} held against the lake: {count(len(grave), 'trouble')}. Run `parquetry doctor --lake`."
        )
        return Finding(step="ledger and lake", verdict="fail", said=said, details=[*grave, *small])
    said = f"{looked} are in the lake as they were landed."
    return Finding(step="ledger and lake", verdict="warn" if small else "ok", said=said, details=small)
