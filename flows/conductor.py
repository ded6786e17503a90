"""How Prefect is set up before it is imported: a home of its own, a quiet console, full logs, no telemetry.

A plain ``parquetry run`` uses the server of ``parquetry serve`` on the same home if one is up, else a
temporary one that Prefect starts and ends with the process. ``PREFECT_API_URL`` and ``PREFECT_HOME`` win.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import logging.handlers
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from flows import logs, lost_server
from flows.settings import Settings
from flows.supervisor import LOOPBACK, Supervisor, free_port

SERVER_FILE = "serve.json"
STARTUP_SECONDS = 600
"""How long to wait for a Prefect server: 20 s on two quiet cores, many times that on busy ones."""


TEMPORARY = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A Prefect server that is up, or will be after `wait`; ``fresh`` when this call began to start it."""

    url: str
    wait: Callable[[], None]
    temporary: bool
    fresh: bool = False


_started: list[Server] = []


def environment(settings: Settings, *, console_level: str = "WARNING") -> dict[str, str]:
    """The variables Prefect needs; what the user has set stays as it is."""
    wanted = {
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_LOGGING_LEVEL": "INFO",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": console_level,
        "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,extractors.reading",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_TASK_RUNNER_THREAD_POOL_MAX_WORKERS": str(settings.concurrency),
        # On busy disks Prefect's SQLite file is locked for longer than its default of 10 s allows.
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
        "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60",
        "PREFECT_CLI_PROMPT": "false",
        # Opt-outs, not preferences: they hold whatever the user's shell says.
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # The second UI has the browser ask amplitude.com for its settings before it looks whether it may.
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }
    forced = {
        "DO_NOT_TRACK",
        "PREFECT_SERVER_ANALYTICS_ENABLED",
        "PREFECT_SERVER_UI_V2_ENABLED",
        "PREFECT_TASK_RUNNER_THREAD_POOL_MAX_WORKERS",
    }
    return {k: v if k in forced else os.environ.get(k, v) for k, v in wanted.items()}


def server(settings: Settings, *, console_level: str = "CRITICAL") -> Server:
    """A Prefect server for this process; call it before anything imports Prefect, and `Server.wait` after.

    One that is up is used: the user's own (``PREFECT_API_URL``), or that of ``parquetry serve`` on this home.
    Else one is started, which ends with the process: Prefect reads its URL once, when it is imported.
    """
    if _started:
        return _started[0]
    os.environ.update(environment(settings, console_level=console_level))
    url = os.environ.get("PREFECT_API_URL") or running_server(settings.home)
    if url:
        os.environ["PREFECT_API_URL"] = url
        return Server(url, lambda: None, temporary=False)
    port = free_port()
    url = f"http://{LOOPBACK}:{port}/api"
    # What Prefect itself does when it has no server; started here so that it cannot outlive a killed run.
    supervisor = Supervisor(settings.logs, {**os.environ, **TEMPORARY})
    app = ("--factory", "prefect.server.api.server:create_app", "--lifespan", "on", "--log-level", "error")
    supervisor.start("prefect-server", "-m", "uvicorn", *app, "--host", LOOPBACK, "--port", str(port))
    atexit.register(supervisor.stop)
    os.environ["PREFECT_API_URL"] = url
    _started.append(Server(url, partial(_until_up, supervisor, url), temporary=True))
    return replace(_started[0], fresh=True)


def _until_up(supervisor: Supervisor, url: str) -> None:
    supervisor.wait_until(lambda: healthy(url), "The Prefect server", STARTUP_SECONDS)
    supervisor.when_ended(lost_server.ended)


_NO_LOG = "The log {} cannot be written: {}. The run goes on.\n"


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log that cannot be written is told once, in a line; the run is worth more than its log."""

    _told = False

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what it still holds cannot be written either
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's own name
        if self._told:
            return
        self._told = True
        error = sys.exc_info()[1]
        why = getattr(error, "strerror", None) or type(error).__name__
        with contextlib.suppress(OSError):
            sys.stderr.write(_NO_LOG.format(self.baseFilename, why))


_home_logs: list[logging.Handler] = []
"""The handler of the home that this process logs to; at most one."""


def log_to_file(settings: Settings, name: str) -> Path:
    """Sends every record, also those that the console does not show, to ``home/logs/<name>.log``.

    A process that goes on with another home logs there from then on, and no longer into the first.
    """
    path = settings.logs / f"{name}.log"
    root = logging.getLogger()
    if settings.log_stderr:
        logs.to_stderr(settings.log_format)
    if any(getattr(known, "baseFilename", None) == str(path) for known in root.handlers):
        return path
    while _home_logs:
        root.removeHandler(_home_logs[-1])
        _home_logs.pop().close()
    try:
        settings.logs.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(path, maxBytes=20_000_000, backupCount=3, encoding="utf-8")
    except OSError as error:
        sys.stderr.write(_NO_LOG.format(path, error.strerror))
        return path
    _home_logs.append(handler)
    handler.setFormatter(logs.formatter(settings.log_format))
    root.addHandler(handler)
    for ours in ("flows", "extractors", "prefect"):
        logging.getLogger(ours).setLevel(logging.INFO)
    return path


def quiet_console() -> None:
    """Keeps Prefect's own troubles (a server that is gone) off the console; the log file has them.

    Call it after Prefect was imported.
    """
    logging.raiseExceptions = False  # else the handler that sends logs to the server complains on stderr
    internal = logging.getLogger("prefect._internal")
    for handler in internal.handlers:
        handler.setLevel(logging.CRITICAL)
    internal.propagate = True


def running_server(home: Path) -> str | None:
    """The API of the Prefect server that ``parquetry serve`` keeps up for this home, if it answers."""
    try:
        url = str(json.loads((home / SERVER_FILE).read_text(encoding="utf-8"))["api"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url if healthy(url) else None


def healthy(api_url: str, seconds: float = 2.0) -> bool:
    """Whether a Prefect API answers at this URL."""
    if not api_url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(f"{api_url}/health", timeout=seconds) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
