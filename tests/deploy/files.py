"""The files of deploy/, as the tests look at them."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import typer
import yaml
from pydantic import BaseModel

from flows.cli import app
from flows.settings import CONFIG_VARIABLE, PREFIX, Settings
from scripts.check_programs import kubectl

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
K8S = DEPLOY / "k8s"
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
OUR_USER = "10001:10001"


def compose(environment: dict[str, str] | None = None) -> dict[str, Any]:
    """compose.yaml as the engine would see it: merged, with variables put in."""
    said = environment or {}
    text = VARIABLE.sub(lambda m: said.get(m[1]) or m[2] or "", COMPOSE.read_text(encoding="utf-8"))
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@dataclass
class Stage:
    """One ``FROM`` of the Dockerfile, and what follows."""

    name: str
    parent: str
    steps: list[tuple[str, str]] = field(default_factory=list)


def dockerfile() -> dict[str, Stage]:
    """All stages, by name."""
    text = re.sub(r"^\s*#.*\n", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    stages: dict[str, Stage] = {}
    last: Stage | None = None
    for line in re.sub(r"\\\n", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            parent, _, name = rest.partition(" AS ")
            last = stages[name] = Stage(name, parent)
        elif word and last is not None:
            last.steps.append((word, rest.strip()))
    return stages


def steps(name: str) -> list[tuple[str, str]]:
    """The steps of a stage, with those of the stages that it stands on before."""
    stages = dockerfile()
    stage = stages[name]
    before = steps(stage.parent) if stage.parent in stages else []
    return before + stage.steps


def environment(name: str) -> dict[str, str]:
    """The environment that an image brings."""
    words = [part for op, rest in steps(name) if op == "ENV" for part in shlex.split(rest)]
    return dict(word.split("=", 1) for word in words)


def is_setting(variable: str) -> bool:
    """Whether a variable is one that `load_settings` knows."""
    if variable == CONFIG_VARIABLE:
        return True
    model: Any = Settings
    for part in variable.removeprefix(PREFIX).lower().split("__"):
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return False
        found = model.model_fields.get(part) or model.model_fields.get(f"{part}_")
        if found is None:
            return False
        kind: Any = found.annotation
        options = [one for one in getattr(kind, "__args__", ()) if isinstance(one, type)]
        model = next((one for one in options if issubclass(one, BaseModel)), kind)
    return True


def require_real(words: list[str]) -> None:
    """Raises when a command line is none: a wrong command, option or number of arguments."""
    if words[0] == "parquetry":
        _parse(typer.main.get_command(app), words[1:])
    elif words[0] == "python3":
        script = DEPLOY / words[1].removeprefix("/opt/parquetry/deploy/")
        assert script.is_file(), words
    else:
        assert words[:3] in (["prefect", "server", "start"], ["prefect", "worker", "start"]), words


def _parse(command: click.Command, words: list[str]) -> None:
    context = command.make_context("parquetry", list(words))
    if isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None, name
        _parse(found, rest)


def render(folder: Path) -> list[dict[str, Any]]:
    """All objects of a kustomization."""
    program = kubectl()
    assert program is not None, "kubectl 1.21 or later is not installed: apt-get install kubernetes-client"
    done = subprocess.run([program, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def pods(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name, labels and spec of every pod that objects bring about."""
    for one in objects:
        spec = one.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template is not None:
            yield f"{one['kind']} {one['metadata']['name']}", template["metadata"]["labels"], template["spec"]
