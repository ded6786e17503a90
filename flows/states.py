"""How a run of a flow is shown when it is over: its state says in a sentence what came of it, its tags what to look at.

The name of the state stays Prefect's own, ``Completed``: automations go by it, and one that waits for the end of a run
must not be missed because two documents failed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.states import Completed

from flows import lost_server

log = logging.getLogger(__name__)
R = TypeVar("R")

FAILED_DOCUMENTS, FOR_REVIEW, NOTHING_NEW = "failed-documents", "waiting-for-review", "nothing-new"
GATE_PASSED, GATE_NOT_PASSED = "gate-passed", "gate-not-passed"
PUT_IN_ORDER, TROUBLE = "put-in-order", "trouble-found"


def completed(result: R, said: str, tags: Sequence[str] = ()) -> R:
    """What a flow returns at its end: Prefect takes the state from it, and its caller gets ``result``."""
    add_tags(tags)
    state: Any = Completed(message=said, data=result)
    return cast(R, state)


def add_tags(tags: Sequence[str]) -> None:
    """Adds tags to the run that this is; a server that does not take them costs nothing but the tags."""
    run_id = runtime.flow_run.id
    if not tags or not run_id or lost_server.is_gone():
        return
    known = runtime.flow_run.tags or []
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(str(run_id)), tags=sorted({*known, *tags}))
    except Exception as error:  # whatever Prefect's client raises
        log.warning("Prefect's server did not take the tags of the run: %s", type(error).__name__)
