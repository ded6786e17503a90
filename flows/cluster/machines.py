"""The machines of a cluster as a run sees them: which of them it uses, and what is wrong with one.

What goes wrong on one machine (a disk that is full, a GPU that is gone, other settings) must not end a night on the
others: it is left out for the rest of the run, and the report says why. Where none is left, the last reason ends it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flows.cluster.slots import Asked, largest, slots, told
from schemas.errors import OutageError, ParquetryError, public

log = logging.getLogger(__name__)

ROOM_SECONDS = 120.0
"""So long a run goes on, at least, when no machine has room any more: one that died may be back."""
_MACHINE = "_parquetry_machine"


def blame(error: ParquetryError, node: str) -> None:
    """Notes in an error on which machine it happened: the id that Ray gave it. It travels with the error."""
    setattr(error, _MACHINE, node)


def unasked_gpus(nodes: Iterable[Mapping[str, Any]], asked: Asked) -> str:
    """What to say when machines have GPUs that no worker asks for; empty: nothing."""
    there = sum(node.get("Resources", {}).get("GPU", 0.0) for node in nodes if node["Alive"])
    if not there or asked.gpus:
        return ""
    return (
        f"The machines of the cluster have {there:g} GPUs, and workers ask for none (ray.num_gpus = 0): "
        "Ray does not spread them over the GPUs, and all of a machine take its first one."
    )


class Machines:
    """Which machines of the cluster a run uses. For one thread."""

    def __init__(
        self,
        nodes: Callable[[], list[dict[str, Any]]],
        asked: Asked,
        notices: list[str],
        patience: float = ROOM_SECONDS,
    ) -> None:
        self._nodes, self._asked, self._notices, self._patience = nodes, asked, notices, patience
        self._left_out: set[str] = set()
        self._room_at = time.monotonic()

    def up(self) -> list[dict[str, Any]]:
        """Those that are up and not left out, as Ray describes them.

        Raises:
            OutageError: for long none of them had room for a worker.
        """
        nodes = [one for one in self._nodes() if one["Alive"] and one.get("NodeID") not in self._left_out]
        if slots(nodes, self._asked):
            self._room_at = time.monotonic()
        elif (gone := time.monotonic() - self._room_at) > self._patience:
            raise OutageError(
                f"For {gone:.0f} s no machine of the Ray cluster could give {told(self._asked)} to a worker; "
                f"the largest that is up has {largest(nodes)}.",
                remedy="Bring machines back (`ray status` shows them), then run again: it goes on where it stopped.",
            )
        return nodes

    def leave_out(self, error: ParquetryError) -> None:
        """Uses the machine of an error no more.

        Raises:
            ParquetryError: the error itself; it is not of a machine, or no machine is left.
        """
        node = getattr(error, _MACHINE, "")
        if not node:
            raise error
        if node in self._left_out:  # a batch that was waiting there already
            return
        self._left_out.add(node)
        if not slots(self.up(), self._asked):
            raise error
        self._notices.append(
            f"A machine of the cluster was left out, and others did its work. {public(str(error))}"
        )
        log.warning("%s %s", self._notices[-1], error.remedy)

    @property
    def labels(self) -> dict[str, str]:
        """What Ray is to select machines by."""
        return {"ray.io/node-id": f"!in({', '.join(sorted(self._left_out))})"} if self._left_out else {}
