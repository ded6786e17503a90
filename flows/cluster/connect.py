"""Finds the Ray cluster, or makes one on this machine for the time of a run, and says what is wrong with it."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flows import ending
from flows.cluster.addresses import check_address
from flows.cluster.orders import LOOPBACK, environment
from flows.cluster.slots import Asked, asked_by, largest, slots, told
from flows.settings import Settings
from schemas.errors import UsageError

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
STORE_BYTES = 80 << 20
"""Ray's shared memory on a cluster of our own: only orders and numbers travel."""
PATIENT = {"RAY_NUM_REDIS_GET_RETRIES": "120", "RAY_worker_register_timeout_seconds": "300"}
"""On a busy machine a cluster's processes take longer to start than the 20 s and 60 s that Ray waits."""
STARTS = 3
"""How often a cluster of our own is started, and a client server that answers is asked for what it starts for us."""


def require_ray() -> None:
    """Raises `UsageError` when Ray is not installed."""
    for package in ("ray", "prefect_ray"):
        if find_spec(package) is None:
            raise UsageError(
                f'runner = "ray" needs the package {package}, which is not installed.',
                remedy="Install it with `make install EXTRAS=ray`, or use --runner local.",
            )


def prepare_process(settings: Settings) -> None:
    """What Ray reads once, when it is imported: patience, and the token of a cluster of our own.

    Call it before anything imports Ray. The processes of a cluster listen on all addresses of the machine; without the
    token, nobody may use them.
    """
    os.environ.update({name: os.environ.get(name, value) for name, value in PATIENT.items()})
    if settings.ray.address != "local" or os.environ.get("RAY_AUTH_TOKEN"):
        return
    if "ray" in sys.modules:
        log.warning("Ray was imported before: its cluster on this machine goes without a token")
        return
    os.environ.update({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)})


@contextmanager
def connected(settings: Settings, stopping: threading.Event) -> Iterator[Asked]:
    """A cluster on which the workers have room, for the time of the block.

    Raises:
        UsageError: Ray is missing, the cluster does not answer, or no machine of it can give what is asked.
    """
    require_ray()
    check_address(settings.ray.address)
    asked = asked_by(settings)
    with ExitStack() as stack:
        stack.callback(_signals_kept())
        ray = _imported()
        if not ray.is_initialized():
            stack.enter_context(
                _own(ray, settings) if settings.ray.address == "local" else _theirs(ray, settings)
            )
        ending.keep_handlers()
        _check_machines(settings, ray.nodes())
        _wait_for_room(settings, asked, ray.nodes, stopping, lambda: _wanted(ray, asked))
        yield asked


def _imported() -> Any:
    import ray

    return ray


def _signals_kept() -> Callable[[], None]:
    """Ray puts handlers of its own in place when it starts; what was there before comes back at once and after."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    before = {number: signal.getsignal(number) for number in ending.SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return restore


@contextmanager
def _own(ray: Any, settings: Settings) -> Iterator[None]:
    """A cluster on this machine, for whoever has its token. Its files, with the logs of Ray, are gone with it."""
    folder = Path(tempfile.mkdtemp(prefix="pqray-", dir="/tmp"))  # a socket's path must be short
    restore = _signals_kept()
    try:
        with _in_environment(environment(settings)):
            log.info("starting a Ray cluster on this machine")
            _init(
                ray,
                "local",
                tries=STARTS,
                include_dashboard=settings.ray.dashboard,
                object_store_memory=STORE_BYTES,
                _temp_dir=str(folder / "ray"),
            )
            restore()
            yield
    finally:
        with suppress(Exception):
            ray.shutdown()
        restore()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _theirs(ray: Any, settings: Settings) -> Iterator[None]:
    """A cluster that is up. Its workers get what Prefect needs, but for keys: those are in their own environment."""
    restore = _signals_kept()
    try:
        _init(
            ray,
            settings.ray.address,
            tries=STARTS,
            runtime_env={"env_vars": prefect_environment(os.environ)},
        )
        restore()
        yield
    finally:
        with suppress(Exception):
            ray.shutdown()
        restore()


def prefect_environment(known: Mapping[str, str]) -> dict[str, str]:
    """What workers on other machines must know of Prefect. Ray shows it to everybody, so no address with a password."""
    given = {name: value for name, value in known.items() if name.startswith("PREFECT_LOGGING_")}
    given |= {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    url = known.get("PREFECT_API_URL", "")
    if url and "@" not in url:
        given["PREFECT_API_URL"] = url
    return given


def _init(ray: Any, address: str, *, tries: int = 1, **options: Any) -> None:
    try:
        with warnings.catch_warnings(action="ignore"):  # of a client that cannot connect: the error says it
            ray.init(
                address,
                namespace="parquetry",
                log_to_driver=False,
                logging_level=logging.ERROR,
                **options,
            )
    except Exception as error:  # whatever Ray raises: ConnectionError, RuntimeError, its own
        with suppress(Exception):
            ray.shutdown()
        said = _said(error)
        # A client server starts a process for each client, and gives it 30 s, which is short on a busy machine.
        if tries > 1 and (address == "local" or isinstance(error, ConnectionAbortedError)):
            log.warning("the Ray cluster (%s) did not start as it should, trying again: %s", address, said)
            _init(ray, address, tries=tries - 1, **options)
            return
        what = "could not be started" if address == "local" else "could not be joined"
        raise UsageError(
            f"The Ray cluster ({address}) {what}: {said}",
            remedy="Is it up (`ray status --address HOST:6379` tells), has it the same versions of Python and Ray, "
            "does its token (RAY_AUTH_TOKEN) apply here? A machine that is not part of it needs ray://HOST:10001.",
        ) from error


def _said(error: Exception) -> str:
    """An error's first line, and its last one where a server sent a traceback along: the cause is there."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    traced = any(line.startswith("Traceback (") for line in lines)
    return " ".join([lines[0], lines[-1]] if traced else lines[:1])[:400]


@contextmanager
def _in_environment(given: Mapping[str, str]) -> Iterator[None]:
    """Variables that processes started in the block inherit."""
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _check_machines(settings: Settings, nodes: list[dict[str, Any]]) -> None:
    """What works on one machine only must not be asked of several."""
    here = socket.gethostname()
    others = sorted({str(node["NodeManagerHostname"]) for node in nodes if node["Alive"]} - {here})
    if not others:
        return
    shown = ", ".join(others[:5])
    if settings.database_url.startswith("sqlite"):
        raise UsageError(
            f"The ledger is SQLite, which only processes of one machine can share, and the cluster has {shown}.",
            remedy="Use PostgreSQL: PARQUETRY_DATABASE=postgresql://..., here and on all machines.",
        )
    url = os.environ.get("PREFECT_API_URL", "")
    if urlsplit(url).hostname in LOOPBACK:
        raise UsageError(
            f"Prefect's server is at {url}, which {shown} cannot reach.",
            remedy="Set PREFECT_API_URL to a server that all machines of the cluster reach.",
        )


def _wanted(ray: Any, asked: Asked) -> Any:
    """Something that waits for room, as long as it is kept: an autoscaler starts machines for what waits, only."""
    nothing = ray.remote(num_cpus=asked.cpus, num_gpus=asked.gpus, max_retries=0)(lambda: None)
    return nothing.options(name="parquetry waits for a machine").remote()


def _wait_for_room(
    settings: Settings,
    asked: Asked,
    nodes: Callable[[], list[dict[str, Any]]],
    stopping: threading.Event,
    want: Callable[[], Any],
) -> None:
    until = time.monotonic() + settings.ray.wait_seconds
    wanted = None
    while not slots(nodes(), asked):
        wanted = wanted or want()
        if time.monotonic() >= until or stopping.wait(LOOK_SECONDS):
            raise UsageError(
                f"No machine of the cluster can give {told(asked)} to a worker; the largest has {largest(nodes())}.",
                remedy="Ask for less (ray.num_cpus, ray.num_gpus), add such a machine, or set ray.wait_seconds if "
                "one is on its way.",
            )
