"""Looks at what was promised, and tells Prefect where it does not hold; what follows is up to automations."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows import composition
from flows.alerts import health, telling
from flows.alerts.health import Health
from flows.artifacts import escape
from flows.home import make_home
from flows.ledger.store import Ledger


@flow(name="check_health", persist_result=False)
def check_health() -> Health:
    """Age of the queue, errors of blind samples against the budget, drift of reasons."""
    settings = composition.settings()
    make_home(settings)
    with Ledger.open(settings.database_url) as ledger:
        found, said = health.measure(ledger, settings)
    telling.tell(*said)
    rows = [f"| {escape(notice.event)} | {escape(notice.name)} |" for notice in said]
    table = (
        "\n".join(["| what | where |", "| --- | --- |", *rows]) if rows else "All that was promised holds."
    )
    figures = (
        f"{found.waiting} documents wait, the oldest for {found.oldest_hours} hours; "
        f"{found.samples_decided} blind samples decided."
    )
    create_markdown_artifact(f"{table}\n\n{figures}", key="health", description="What was promised")
    return found
