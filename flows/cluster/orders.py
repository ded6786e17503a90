"""What the flow tells a worker: which run, and how it is to be done. Never a secret, and never a list of documents.

An order travels through Ray, whose head keeps arguments and shows them. Passwords, and addresses that carry some
(ledger, lake, source), a worker has from its own environment or ``parquetry.toml``, as every process of ours does. What
decides how a document ends must not depend on the machine that did it, so that comes with the order.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from flows.composition import Job, Parts
from flows.ledger.records import LedgerUnavailableError
from flows.settings import CONFIG_VARIABLE, PREFIX, Settings, load_settings
from schemas.errors import LedgerError, UsageError

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
SAMPLING = {"audit_share", "queue_share", "second_look_amount", "second_look_share"}


class Order(BaseModel):
    """The same for all workers of a run."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    job: Job
    fingerprint: str
    model_id: str
    host: str
    """The machine of the flow."""
    spool: str
    """Name of the flow's folder in ``home/spool``: copies of documents that it has fetched already."""
    settings: dict[str, Any]

    @property
    def elsewhere(self) -> bool:
        """Whether this process is on another machine than the flow."""
        return socket.gethostname() != self.host


def order_of(parts: Parts, run_id: str) -> Order:
    """The order of a run."""
    job = parts.job
    paths = {name: _absolute(getattr(job, name)) for name in ("schema_", "model")}
    return Order(
        run_id=run_id,
        job=job.model_copy(update=paths),
        fingerprint=parts.schema.fingerprint,
        model_id=parts.model_id,
        host=socket.gethostname(),
        spool=parts.spool.folder.name,
        settings=shared(parts.settings),
    )


def _absolute(name_or_path: str) -> str:
    """A path as one that means the same in another working directory; a name stays."""
    path = Path(name_or_path).expanduser()
    return str(path.absolute()) if path.exists() and len(path.parts) > 1 else name_or_path


def shared(settings: Settings) -> dict[str, Any]:
    """Those settings that all machines must share; none of them is a secret."""
    return {
        "model": settings.model,
        "concurrency": settings.concurrency,
        "lease_seconds": settings.lease_seconds,
        "max_attempts": settings.max_attempts,
        "read": settings.read.model_dump(mode="json", exclude={"passwords"}),
        "extract": settings.extract.model_dump(mode="json"),
        "intake": settings.intake.model_dump(mode="json"),
        "vllm": settings.vllm.model_dump(mode="json", exclude={"api_key", "ca_file"}),
        "review": settings.review.model_dump(mode="json", include=SAMPLING),
    }


def settings_for(order: Order) -> Settings:
    """The settings of this machine, with those of the order in their place."""
    mine = load_settings()
    ordered = order.settings
    changes: dict[str, Any] = {
        name: ordered[name] for name in ("model", "concurrency", "lease_seconds", "max_attempts")
    }
    for name in ("read", "extract", "intake", "vllm", "review"):
        model = getattr(mine, name)
        kept = {field: getattr(model, field) for field in type(model).model_fields}
        changes[name] = type(model).model_validate(kept | ordered[name])
    return mine.model_copy(update=changes)


def environment(settings: Settings) -> dict[str, str]:
    """What our own child processes are told, secrets included: for the workers of a cluster that ends with us."""
    told = {
        "HOME": str(settings.home),
        "CACHE": str(settings.cache),
        "DATABASE": settings.database_url,
        "LAKE": settings.lake_uri,
        "SOURCE": settings.source.get_secret_value() if settings.source else None,
        "PASSWORDS_FILE": str(settings.passwords_file.absolute()) if settings.passwords_file else None,
    }
    given = {PREFIX + name: value for name, value in told.items() if value is not None}
    if settings.read.passwords:
        given[f"{PREFIX}READ__PASSWORDS"] = json.dumps(
            [p.get_secret_value() for p in settings.read.passwords]
        )
    if settings.vllm.api_key:
        given[f"{PREFIX}VLLM__API_KEY"] = settings.vllm.api_key.get_secret_value()
    if config := os.environ.get(CONFIG_VARIABLE):
        given[CONFIG_VARIABLE] = str(Path(config).absolute())
    return given


def check_machine(order: Order, settings: Settings) -> None:
    """Whether this machine can work on the order.

    Raises:
        UsageError: it has a ledger or a home of its own.
    """
    here = socket.gethostname()
    if order.elsewhere and settings.database_url.startswith("sqlite"):
        raise UsageError(
            f"The worker on {here} has a SQLite ledger, which processes of one machine only can share.",
            remedy=f"Set {PREFIX}DATABASE to the same PostgreSQL for the flow and on all machines of the cluster.",
        )
    if not (settings.home / "spool" / order.spool).is_dir():
        raise UsageError(
            f"The home folder {settings.home} on {here} is not the flow's: what waits for review would be kept "
            "where the review page does not look.",
            remedy=f"Put the home on a file system that all machines share, and set {PREFIX}HOME to it before "
            "`ray start`, everywhere.",
        )


def check_server(order: Order) -> None:
    """Whether this machine knows Prefect's server.

    Raises:
        UsageError: it does not; Prefect would start a server of its own here, or try for minutes.
    """
    from prefect.settings import (
        PREFECT_API_URL,  # read when it is imported; the flow's process may not have it yet
    )

    url = str(PREFECT_API_URL.value() or "")
    if url and not (order.elsewhere and urlsplit(url).hostname in LOOPBACK):
        return
    here = socket.gethostname()
    raise UsageError(
        f"The worker on {here} cannot reach Prefect's server at {url.rpartition('@')[2]}."
        if url
        else f"The worker on {here} does not know where Prefect's server is.",
        remedy="Set PREFECT_API_URL, for the flow and on all machines, to a server that all of them reach.",
    )


def check_work(order: Order, parts: Parts) -> None:
    """Whether schema, model and ledger are what the flow means.

    Raises:
        UsageError: they are not; every claim would come back empty.
    """
    here = socket.gethostname()
    for what, mine, wanted in (
        ("schema", parts.schema.fingerprint, order.fingerprint),
        ("model", parts.model_id, order.model_id),
    ):
        if mine != wanted:
            raise UsageError(
                f"The worker on {here} has another {what} ({mine[:40]}) than the flow ({wanted[:40]}).",
                remedy="Install the same version of parquetry, with the same files, on all machines.",
            )
    try:
        parts.ledger.run(order.run_id)
    except LedgerUnavailableError:
        raise
    except LedgerError as error:
        raise UsageError(
            f"The ledger of the worker on {here} does not know the run.",
            remedy=f"Set {PREFIX}DATABASE to the same ledger for the flow and on all machines of the cluster.",
        ) from error
