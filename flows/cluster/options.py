"""What a user may set about Ray; part of the settings as ``ray``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

PROCESS_NAME = "parquetry extract"
"""Ray shows it with a batch, and makes it the title of the process that does it: `flows.metrics` goes by that."""


class RayOptions(BaseModel):
    """Which cluster, and what a worker process asks of it. Used with ``runner = "ray"``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(
        "local",
        description="local: a cluster on this machine for the time of the run; auto: the one this machine belongs to;"
        " HOST:6379: the same, by its head; ray://HOST:10001: one this machine need not belong to",
    )
    num_cpus: float | None = Field(
        None, ge=0, description="cores that a worker process asks for; default: as many as `concurrency`"
    )
    num_gpus: float = Field(
        0.0, ge=0, description="GPUs that a worker process asks for; 0.5: two workers share one"
    )
    max_workers: int | None = Field(
        None,
        ge=1,
        description="worker processes at a time, at most; default: as many as the cluster has room for",
    )
    wait_seconds: float = Field(
        0.0,
        ge=0,
        description="how long to wait for a machine that can give what a worker asks for (autoscaling)",
    )
    dashboard: bool = Field(False, description="Ray's own dashboard for a local cluster, at 127.0.0.1:8265")

    @field_validator("address")
    @classmethod
    def _address(cls, value: str) -> str:
        value = value.strip()
        if value in ("local", "auto"):
            return value
        host, colon, port = value.removeprefix("ray://").rpartition(":")
        if not (host and colon and port.isdigit()) or "@" in value or "://" in host:
            raise ValueError(
                f"{value.rpartition('@')[2]!r} is none of: local, auto, HOST:PORT, ray://HOST:PORT"
            )
        return value
