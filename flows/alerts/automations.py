"""Automations as code: ``deploy/automations/*.yaml``, applied to a Prefect server as often as one likes.

The files have the format of ``prefect automation create --from-file``, with names where that wants ids, since ids
differ from server to server: ``deployment: flow/name`` in a run-deployment action, and in a send-notification no
block at all: the channel of the settings is meant. `resolve` puts the ids in. An automation of the same name is
updated in place, so it keeps its id, and whoever paused it in the UI has it paused still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import yaml

from flows.alerts import channels
from flows.settings import Settings
from schemas.errors import UsageError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.events.schemas.automations import Automation, AutomationCore

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "automations"
PREFIX = "parquetry: "
"""What the names of ours begin with; one that is not in the files any more is taken down."""
LOOK_AGAIN = PREFIX + "look again after a run"
"""Off in its file; made as one that is on where runs begin by events."""
NOBODY = {"type": "do-nothing"}
_PAGE = 100
What = Literal["created", "updated", "unchanged", "removed", "left out"]


class UnknownDeploymentError(UsageError):
    """An automation is to run what has not been deployed."""


def written(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """The automations of all files of a folder, by file name.

    Raises:
        UsageError: there are none, or a file is not what it should be.
    """
    found: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise UsageError(f"{path} cannot be read: {error}.", remedy="Correct the file.") from error
        each = data.get("automations", [data]) if isinstance(data, dict) else data
        if not isinstance(each, list) or not all(isinstance(one, dict) and "name" in one for one in each):
            raise UsageError(f"{path} has no automations.", remedy="See the other files of the folder.")
        if wrong := [one["name"] for one in each if not str(one["name"]).startswith(PREFIX)]:
            raise UsageError(f"{path}: the name {wrong[0]!r} does not begin with {PREFIX!r}.")
        found += each
    if not found:
        raise UsageError(
            f"There are no automations in {folder}.", remedy="Run from a checkout, or give --from."
        )
    return found


def resolve(
    one: Mapping[str, Any], block_id: UUID | None, deployment_id: Callable[[str], UUID]
) -> AutomationCore:
    """The automation with ids in place of names.

    Raises:
        UnknownDeploymentError: it is to run what has not been deployed.
        UsageError: Prefect does not understand it.
    """
    from prefect.events.schemas.automations import AutomationCore
    from pydantic import ValidationError

    actions = []
    for action in one.get("actions", ()):
        ready = dict(action)
        if ready.get("type") == "send-notification" and "block_document_id" not in ready:
            ready = {**ready, "block_document_id": block_id} if block_id else NOBODY
        if name := ready.pop("deployment", None):
            ready |= {"source": "selected", "deployment_id": deployment_id(str(name))}
        actions.append(ready)
    try:
        return AutomationCore.model_validate({**one, "actions": actions})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"Automation {one.get('name')!r}: {where}: {first['msg']}.") from error


def resolved(
    settings: Settings, client: SyncPrefectClient, folder: Path = FOLDER
) -> tuple[list[AutomationCore], dict[str, str]]:
    """All automations, ready for the server, and those that cannot be there, with why. Saves the channel's block.

    Raises:
        UsageError: a file or the channel is wrong.
    """
    every = written(folder)
    block_id = channels.saved_block(settings.alerts, client)
    ready: list[AutomationCore] = []
    left_out: dict[str, str] = {}
    for one in every:
        try:
            ready.append(resolve(one, block_id, lambda name: _deployment(client, name)))
        except UnknownDeploymentError as error:
            left_out[str(one["name"])] = str(error)
    return ready, left_out


def apply(
    settings: Settings, client: SyncPrefectClient, folder: Path = FOLDER
) -> Iterator[tuple[str, What, str]]:
    """Brings the server's automations to what the files say; again changes nothing.

    Gives the name of each, what was done, and why if it is left out.
    What people paused stays paused. One that is as it should be is left alone: an update would begin its time window
    anew, and tell of the same thing a second time.

    Raises:
        UsageError: a file or the channel is wrong.
    """
    ready, left_out = resolved(settings, client, folder)
    there = _ours(client)
    for automation in ready:
        known = there.pop(automation.name, None)
        if known is None:
            if automation.name == LOOK_AGAIN and begins_by_events(settings):
                automation = automation.model_copy(update={"enabled": True})
            client.create_automation(automation)
            yield automation.name, "created", ""
        elif _said(known) == _said(wanted := automation.model_copy(update={"enabled": known.enabled})):
            yield automation.name, "unchanged", ""
        else:
            client.update_automation(known.id, wanted)
            yield automation.name, "updated", ""
    for name, why in left_out.items():
        yield name, "left out", why
    for name, known in there.items():
        if name not in left_out:
            client.delete_automation(known.id)
            yield name, "removed", ""


def begins_by_events(settings: Settings) -> bool:
    """Whether a bucket notifies, or the source is looked at: then what comes during a run waits for no schedule."""
    return settings.hooks.token is not None or bool(settings.alerts.look_schedule)


def _said(one: AutomationCore) -> dict[str, Any]:
    """What was declared, without what the server adds."""
    from prefect.events.schemas.automations import AutomationCore

    said: dict[str, Any] = one.model_dump(include=set(AutomationCore.model_fields))  # python: sets, not lists
    return said


def _ours(client: SyncPrefectClient) -> dict[str, Automation]:
    """The server's automations of ours; of two with one name (two who applied at once) the first is kept."""
    every: list[Automation] = []
    while page := client.read_automations(limit=_PAGE, offset=len(every)):
        every += page
    found: dict[str, Automation] = {}
    for one in every:  # after the last page: what is taken down would move the pages
        if one.name.startswith(PREFIX) and found.setdefault(one.name, one) is not one:
            client.delete_automation(one.id)
    return found


def _deployment(client: SyncPrefectClient, name: str) -> UUID:
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_deployment_by_name(name).id
    except ObjectNotFound as error:
        raise UnknownDeploymentError(
            f"there is no deployment {name}", remedy="Deploy first, then apply again."
        ) from error
