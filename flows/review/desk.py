"""The pages around the queue: put into an application by one line."""

from __future__ import annotations

from fastapi import FastAPI

from flows.review import bulk, dashboard
from flows.review.kept import Desk
from flows.review.site import Site


def install_desk(app: FastAPI, site: Site) -> None:
    """Adds the dashboard and accepting many at once, and what they share with the queue."""
    app.state.desk = Desk.of(site.ledger)
    app.include_router(dashboard.router)
    app.include_router(bulk.router)
