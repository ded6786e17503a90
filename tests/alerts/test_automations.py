"""The files of automations: understood by Prefect, complete, and without anything that belongs to one server."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prefect.server.events.schemas.automations import AutomationCore as OnServer

from flows.alerts import notices
from flows.alerts.automations import (
    FOLDER,
    LOOK_AGAIN,
    PREFIX,
    UnknownDeploymentError,
    begins_by_events,
    resolve,
    written,
)
from flows.deployment.specs import deployments
from flows.settings import load_settings
from schemas.errors import UsageError

BLOCK = uuid4()
EVERY = written()


def known(name: str) -> UUID:
    return uuid4()


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one["name"])
def test_prefect_understands_each_with_names_put_in(one: dict[str, object]) -> None:
    made = resolve(one, BLOCK, known)
    OnServer.model_validate(made.model_dump(mode="json"))  # the server compiles the templates
    assert made.description
    assert made.name.startswith(PREFIX)
    (action,) = made.actions
    assert action.type in ("send-notification", "run-deployment")
    if action.type == "send-notification":
        assert action.subject.startswith("parquetry: ")
        assert "link" in action.body or "ui_url" in action.body  # where to look
        nobody = resolve(one, None, known)
        assert [one.type for one in nobody.actions] == ["do-nothing"]


def test_what_is_said_is_heard(tmp_path: Path) -> None:
    heard = {event for one in EVERY for event in one["trigger"]["expect"] if event.startswith("parquetry.")}
    assert heard == set(notices.EVENTS)
    deployed = {spec.full_name for spec in deployments(load_settings(home=tmp_path))}
    named = {action["deployment"] for one in EVERY for action in one["actions"] if "deployment" in action}
    assert named <= deployed


def test_payloads_of_the_templates_are_those_of_the_events() -> None:
    docs = (FOLDER.parents[1] / "docs" / "alerts.md").read_text(encoding="utf-8")
    for one in EVERY:
        used = set(re.findall(r"event\.payload\.(\w+)", str(one["actions"])))
        for event in one["trigger"]["expect"]:
            if event.startswith("parquetry."):
                (row,) = [line for line in docs.splitlines() if line.startswith(f"| `{event}`")]
                assert used <= set(re.findall(r"`(\w+)`", row)), event


def test_no_file_has_an_id_an_address_or_a_secret() -> None:
    for path in FOLDER.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"[0-9a-f]{8}-[0-9a-f]{4}-|https?://|block_document_id|(password|token|secret|address): ", text
        ), path


def test_what_comes_during_a_run_is_looked_for_where_runs_begin_by_events(tmp_path: Path) -> None:
    assert LOOK_AGAIN in {one["name"] for one in EVERY if one.get("enabled") is False}
    assert not begins_by_events(load_settings(home=tmp_path))
    assert begins_by_events(load_settings(home=tmp_path, alerts={"look_schedule": "* * * * *"}))
    assert begins_by_events(load_settings(home=tmp_path, hooks={"token": "x" * 24}))


def test_what_is_not_deployed_cannot_be_run() -> None:
    def nowhere(name: str) -> UUID:
        raise UnknownDeploymentError(f"there is no deployment {name}")

    starts = next(one for one in EVERY if one["name"] == "parquetry: new objects")
    with pytest.raises(UnknownDeploymentError, match="extract_batch/nightly"):
        resolve(starts, BLOCK, nowhere)


@pytest.mark.parametrize(
    "text",
    [
        "name: 7: 8",
        "automations: 7",
        "automations: [7]",
        "automations: [{trigger: {}}]",
        "name: somebody else's\ntrigger: {}\nactions: []",
    ],
)
def test_a_file_that_is_none_is_told_by_its_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError):
        written(tmp_path)
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"mine\.yaml"):
        written(tmp_path)


def test_a_trigger_that_prefect_does_not_know_is_told_by_its_place() -> None:
    with pytest.raises(UsageError, match="trigger"):
        resolve({"name": PREFIX + "x", "trigger": {"type": "sometimes"}, "actions": []}, BLOCK, known)
