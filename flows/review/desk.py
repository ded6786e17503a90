"""The pages around the queue: put into an application by one line."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.responses import Response

from flows.review import bulk, dashboard
from flows.review.kept import Desk
from flows.review.rights import NotAllowedError
from flows.review.site import Site, site_of


def install_desk(app: FastAPI, site: Site) -> None:
    """Adds the dashboard and accepting many at once, and what they share with the queue."""
    app.state.desk = Desk.of(site.ledger)
    app.include_router(dashboard.router)
    app.include_router(bulk.router)

    @app.exception_handler(NotAllowedError)
    def not_allowed(request: Request, error: NotAllowedError) -> Response:
        remedy = "Ask somebody who may, or who can give you the right."
        return site_of(request).message(request, 403, "You may not do this", str(error), remedy)
