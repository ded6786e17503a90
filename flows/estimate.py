"""How long a run will take, from how long earlier ones took."""

from __future__ import annotations

from flows.ledger.store import Ledger

ENOUGH = 3
"""Documents a run must have processed to say something about the next."""


def seconds_for(documents: int, ledger: Ledger, *, fingerprint: str, model: str) -> float | None:
    """Wall-clock seconds for so many documents, at the pace of the latest run with this schema and model.

    ``None`` when there was no such run, or none that processed enough to tell.
    """
    for run in ledger.newest_runs():
        if (run.fingerprint, run.model) != (fingerprint, model) or run.finished_at is None:
            continue
        processed = ledger.processed_in(run.run_id)
        if processed >= ENOUGH:
            return documents * (run.finished_at - run.started_at).total_seconds() / processed
    return None
