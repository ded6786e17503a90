"""Automations, and the block by which their messages go out."""

from __future__ import annotations

from collections.abc import Iterator

from flows.alerts import automations
from flows.deployment.target import Change, Target


def apply_automations(target: Target) -> Iterator[Change]:
    """Brings the automations to what ``deploy/automations`` says; what people paused stays paused."""
    for name, what, why in automations.apply(target.settings, target.client):
        yield Change("automation", f"{name} ({why})" if why else name, what)
