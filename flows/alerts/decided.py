"""What reviewers decide becomes an event, so that it lands soon; the schedule of `land_reviews` is the safety net."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flows.alerts import notices, telling
from flows.alerts.announcer import Announcer
from flows.settings import Settings


@contextmanager
def announcing_decisions(settings: Settings) -> Iterator[Announcer | None]:
    """What the review page is to call after each decision; ``None`` when no Prefect server is known."""
    if not telling.use_server(settings):
        yield None
        return
    announcer = Announcer(
        lambda count, _: telling.post([notices.review_finished(count)]),
        settings.alerts.review_seconds,
        name="decisions",
    )
    try:
        yield announcer
    finally:
        announcer.close()
