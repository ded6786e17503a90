"""Which runs it takes to do inputs of an outcome again: one for each source, schema and model they were under."""

from __future__ import annotations

from dataclasses import dataclass

from extractors.confidence.judge import budget_of
from flows import composition
from flows.composition import Job
from flows.extractor import backend
from flows.ledger.records import RetryGroup
from flows.ledger.store import Ledger
from flows.settings import Settings
from flows.sources import local_path, public_uri
from schemas.errors import UsageError
from schemas.registry import load_schema


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done. ``groups`` has all that was found, each with a sentence if it cannot be done again."""

    groups: list[tuple[RetryGroup, str]]
    jobs: list[Job]

    @property
    def inputs(self) -> int:
        """How many inputs the jobs are about."""
        return sum(group.inputs for group, why_not in self.groups if not why_not)


def plan(settings: Settings, *, outcome: str, reason: str | None, schema: str | None) -> Plan:
    """Looks into the ledger; changes nothing. The source in the settings, if any, narrows it down.

    Raises:
        UsageError: outcome or reason are none of the closed lists, or inputs like that cannot be done again.
        LedgerError: the database cannot be used.
    """
    again = composition.again(outcome=outcome, reason=reason)
    assert again is not None and again.outcome is not None
    if settings.database is None and not (settings.home / "ledger.db").exists():
        return Plan([], [])
    with Ledger.open(settings.database_url) as ledger:
        found = ledger.retry_groups(
            again.outcome, reason=again.reason, schema=schema, source=_shown_source(settings)
        )
    groups, jobs = [], []
    for group in found:
        job = Job.model_validate({**group.parameters, "source": group.source, "limit": None, "again": again})
        why_not = _obstacle(job, group, settings)
        groups.append((group, why_not))
        if not why_not:
            jobs.append(job)
    return Plan(groups, jobs)


def _obstacle(job: Job, group: RetryGroup, settings: Settings) -> str:
    """Why a group cannot be done again as it was, in a few words; empty if it can."""
    try:
        if load_schema(job.schema_).fingerprint != group.fingerprint:
            return "left: the schema has changed since; a run extracts them anew"
        if backend(job.model, settings.cache, settings.vllm).model_id != group.model:
            return "left: the model has changed since; a run extracts them anew"
        judged = group.parameters.get("judged_by") or {}
        if judged.get("error_budget") and budget_of(group.schema_name, settings.extract) is None:
            return (
                f"left: that run had an error budget of {judged['error_budget']:g}; give one (--error-budget)"
            )
    except UsageError as error:
        return f"left: {error}"
    return ""


def _shown_source(settings: Settings) -> str | None:
    """The source as runs have it in the ledger."""
    if settings.source is None:
        return None
    shown = public_uri(settings.source.get_secret_value())
    path = local_path(shown)
    return shown if path is None else str(path.absolute())
