"""What a test says to the API of a served Prefect."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from tests.ports import free_port


def ports() -> tuple[int, int]:
    """Two that are free."""
    return free_port(), free_port()


def run_now(api: str) -> str:
    """A run of the nightly deployment, at once; its id."""
    (nightly,) = (d for d in _call(api, "/deployments/filter", {}) if d["name"] == "nightly")
    made = _call(api, f"/deployments/{nightly['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}})
    return str(made["id"])


def cancel(api: str, run_id: str) -> None:
    """What the button does."""
    _call(api, f"/flow_runs/{run_id}/set_state", {"state": {"type": "CANCELLING"}})


def state_of(api: str, run_id: str) -> str:
    """Where Prefect sees the run."""
    return str(_call(api, f"/flow_runs/{run_id}", None)["state_type"])


def _call(api: str, path: str, body: dict[str, Any] | None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{api}{path}", data, {"content-type": "application/json"})
    for _ in range(10):
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503:  # busy, as its own clients know
                raise
            time.sleep(3)
    raise AssertionError(f"{path} stays unavailable")
