"""The reaper of leases: what processes that are gone still hold."""

from __future__ import annotations

import datetime as dt

from flows.ledger.store import Ledger
from flows.upkeep.findings import Finding, count


def reap_leases(ledger: Ledger, *, grace: dt.timedelta, max_attempts: int) -> Finding:
    """Gives documents of lost processes back to work, and marks their runs as crashed."""
    given_back = set_aside = 0
    crashed: list[str] = []
    more = True
    while more:
        found = ledger.reap(grace=grace, max_attempts=max_attempts)
        given_back, set_aside, more = given_back + found.given_back, set_aside + found.set_aside, found.more
        crashed += found.crashed_runs
    if not (given_back or set_aside or crashed):
        return Finding(step="leases", verdict="ok", said="No lost process holds a document.")
    said = f"{count(given_back, 'document')} given back to work, {set_aside} set aside as failed."
    details = [f"run {run_id} was lost, and shows as crashed now" for run_id in crashed]
    return Finding(step="leases", verdict="done", said=said, details=details)
