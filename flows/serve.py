"""``parquetry serve``: Prefect server and UI, the scheduled flows, and the review page, on one machine.

Three child processes, and a fourth for notifications of a bucket if there is a secret for it, each in a group of its
own, bound to the loopback address; when one ends, or on Ctrl-C or SIGTERM, all end. Their output is in
``home/logs``. `deploy` is what the second child runs.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from flows import conductor
from flows.settings import PREFIX, Settings, load_settings
from flows.supervisor import LOOPBACK, Supervisor, listens, port_is_free
from schemas.errors import ParquetryError, UsageError

ROOT = Path(__file__).resolve().parents[1]
log = logging.getLogger(__name__)


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Brings everything up, prints the addresses, and stays until it is told to stop.

    Raises:
        UsageError: a port is in use.
        ParquetryError: a part did not come up, or ended.
    """
    own_server = not os.environ.get("PREFECT_API_URL")
    prefect, review = settings.serve.prefect_port, settings.review_port
    if own_server:
        require_free(prefect, "Prefect server", "--prefect-port")
    require_free(review, "review page", "--review-port")
    if settings.hooks.token is not None:
        require_free(settings.hooks.port, "endpoint for notifications", "PARQUETRY_HOOKS__PORT")
    api = f"http://{LOOPBACK}:{prefect}/api" if own_server else os.environ["PREFECT_API_URL"]
    settings.home.mkdir(parents=True, exist_ok=True)
    supervisor = Supervisor(settings.logs, _environment(settings, api))
    with _told_to_stop(supervisor):
        try:
            if own_server:
                say("Starting the Prefect server; the first time this takes about half a minute ...")
                server = ("server", "start", "--host", LOOPBACK, "--port", str(prefect))
                supervisor.start("prefect-server", "-m", "prefect", *server)
                supervisor.wait_until(
                    lambda: conductor.healthy(api), "The Prefect server", conductor.STARTUP_SECONDS
                )
            ready = settings.home / "deployed"
            ready.unlink(missing_ok=True)
            supervisor.start("flows", "-m", "flows.serve", str(ready))
            supervisor.start("review-page", "-m", "flows.cli", "review", "--no-land", "--port", str(review))
            if settings.hooks.token is not None:
                supervisor.start("hooks", "-m", "flows.cli", "hooks")
            supervisor.wait_until(ready.exists, "The scheduled flows", conductor.STARTUP_SECONDS)
            supervisor.wait_until(lambda: listens(review), "The review page", conductor.STARTUP_SECONDS)
            if not supervisor.stopping:
                _announce(settings, api, own_server, say)
                supervisor.watch()
        finally:
            (settings.home / conductor.SERVER_FILE).unlink(missing_ok=True)
            supervisor.stop()
            say("Stopped.")


def _announce(settings: Settings, api: str, own_server: bool, say: Callable[[str], None]) -> None:
    ui, review = api.removesuffix("/api"), f"http://{LOOPBACK}:{settings.review_port}"
    state = {"api": api, "ui": ui, "review": review, "pid": os.getpid()}
    if own_server:
        (settings.home / conductor.SERVER_FILE).write_text(json.dumps(state), encoding="utf-8")
    say(f"Prefect UI    {ui}")
    say(f"Review page   {review}")
    if settings.hooks.token is not None:
        say(f"Notifications http://{settings.hooks.host}:{settings.hooks.port}/objects")
    if _has_work(settings) and settings.serve.schedule:
        say(f"Schedule      {settings.serve.schedule} ({settings.serve.timezone})")
    elif settings.serve.schedule:
        say("Schedule      paused: no source and schema are set (--source, --schema, or parquetry.toml)")
    say(f"Logs          {settings.logs}")
    say("Ctrl-C ends all of it.")


def deploy(settings: Settings, ready: Path) -> None:
    """Applies the deployments and runs what they schedule, each run in a process of its own. Stays."""
    from prefect.flows import serve as run_served

    from flows.deployment.deployments import runner_deployment
    from flows.deployment.specs import LOOK, NIGHTLY, deployments

    made = []
    for spec in deployments(settings):
        if spec.name in (NIGHTLY, LOOK) and not _has_work(settings):
            paused = tuple(one.model_copy(update={"active": False}) for one in spec.schedules)
            spec = spec.model_copy(update={"schedules": paused})
        made.append(runner_deployment(spec))
    for each in made:
        each.apply()
    _automate(settings)
    ready.touch()
    run_served(*made, print_starting_message=False)


def _automate(settings: Settings) -> None:
    """Applies the automations. Schedules run also without them, so what is wrong with them ends nothing."""
    from prefect.client.orchestration import get_client

    from flows.alerts import automations

    try:
        with get_client(sync_client=True) as client:
            for name, what, why in automations.apply(settings, client):
                log.info("automation %s: %s %s", name, what, why)
    except ParquetryError as error:
        log.error("No automations: %s %s", error, error.remedy)


def _has_work(settings: Settings) -> bool:
    return settings.source is not None and settings.schema_ is not None


def _environment(settings: Settings, api: str) -> dict[str, str]:
    """The children's environment: Prefect's variables, and what was said on our own command line."""
    ours = {f"{PREFIX}HOME": str(settings.home), f"{PREFIX}MODEL": settings.model}
    ours[f"{PREFIX}REVIEW_PORT"] = str(settings.review_port)  # messages link to it
    for name, value in (("SOURCE", settings.source), ("SCHEMA", settings.schema_)):
        if value is not None:
            ours[PREFIX + name] = value if isinstance(value, str) else value.get_secret_value()
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    prefect = conductor.environment(settings) | {"PREFECT_API_URL": api, "PYTHONUNBUFFERED": "1"}
    prefect["PREFECT_UI_URL"] = os.environ.get(
        "PREFECT_UI_URL", api.removesuffix("/api")
    )  # links in messages
    return {**os.environ, **prefect, **ours, "PYTHONPATH": path}


@contextlib.contextmanager
def _told_to_stop(supervisor: Supervisor) -> Iterator[None]:
    """Turns Ctrl-C and SIGTERM into `Supervisor.stopping`."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        supervisor.stopping = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def require_free(port: int, what: str, option: str) -> None:
    """Raises `UsageError` when something else listens at this port."""
    if not port_is_free(port):
        raise UsageError(
            f"Port {port} for the {what} is in use or not allowed.",
            remedy=f"Choose another with {option}, or end what uses it (another `parquetry serve`?).",
        )


if __name__ == "__main__":
    _settings = load_settings()
    os.environ.update(conductor.environment(_settings))
    deploy(_settings, Path(sys.argv[1]))
