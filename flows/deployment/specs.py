"""The deployments, declared once: for ``parquetry serve`` and for ``parquetry deploy apply``.

``deploy/prefect.yaml`` says the same for those who use Prefect's own command; a test compares them.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from flows.settings import Settings

TAG = "parquetry"
NIGHTLY, REVIEWED, HEALTH, LOOK = "nightly", "reviewed", "health", "look"


class ScheduleSpec(BaseModel):
    """When runs begin. ``slug`` names the schedule, so that applying again finds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: str
    cron: str
    timezone: str
    active: bool


class DeploymentSpec(BaseModel):
    """A deployment. ``entrypoint`` is ``module.function``; ``uses_model``: its runs want the GPU, if there is one.

    Two runs of one deployment at once would only share the same work; the second is cancelled, and what it would have
    done the next one does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    entrypoint: str
    description: str
    tags: tuple[str, ...]
    schedules: tuple[ScheduleSpec, ...] = ()
    uses_model: bool = False

    @property
    def flow_name(self) -> str:
        """Name of the flow: that of its function."""
        return self.entrypoint.rpartition(".")[2]

    @property
    def full_name(self) -> str:
        """``flow/deployment``, as Prefect has it."""
        return f"{self.flow_name}/{self.name}"


def deployments(settings: Settings) -> tuple[DeploymentSpec, ...]:
    """All of them, with the schedules of the settings."""
    serve = settings.serve

    def at(slug: str, cron: str, *, active: bool = True) -> tuple[ScheduleSpec, ...]:
        return (ScheduleSpec(slug=slug, cron=cron, timezone=serve.timezone, active=active),) if cron else ()

    return (
        DeploymentSpec(
            name=NIGHTLY,
            entrypoint="flows.extract_batch.extract_batch",
            description="Reads what is new in the source, extracts it, lands what is sure and queues the rest.",
            tags=(TAG, "batch"),
            schedules=at("nightly", serve.schedule),
            uses_model=True,
        ),
        DeploymentSpec(
            name=REVIEWED,
            entrypoint="flows.land_reviews.land_reviews",
            description="Lands what reviewers have decided.",
            tags=(TAG, "review"),
            schedules=at("reviewed", serve.land_schedule),
        ),
        DeploymentSpec(
            name="housekeeping",
            entrypoint="flows.maintain.maintain",
            description="Puts in order what lost processes left, fits probabilities anew, checks the books.",
            tags=(TAG, "upkeep"),
            schedules=at("housekeeping", serve.maintain_schedule),
            uses_model=True,
        ),
        DeploymentSpec(
            name="corrections",
            entrypoint="flows.finetune.finetune",
            description="Trains a candidate model on what reviewers decided. Nothing is promoted.",
            tags=(TAG, "model"),
            uses_model=True,
        ),
        DeploymentSpec(
            name="gate",
            entrypoint="flows.evaluate.evaluate",
            description="Holds a candidate against the model in use, on labelled documents. Nothing is promoted.",
            tags=(TAG, "model"),
            uses_model=True,
        ),
        DeploymentSpec(
            name=HEALTH,
            entrypoint="flows.check_health.check_health",
            description="Says when the queue is stale, an error budget exceeded, or a reason has drifted.",
            tags=(TAG, "upkeep"),
            schedules=at("health", settings.alerts.check_schedule),
        ),
        DeploymentSpec(
            name=LOOK,
            entrypoint="flows.watch_source.watch_source",
            description="Looks whether the source has something new; if so, a run begins.",
            tags=(TAG, "extraction"),
            schedules=at("look", settings.alerts.look_schedule),
        ),
    )
