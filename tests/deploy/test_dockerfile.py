"""The Dockerfile: its linter's word, and what we hold every image to."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from flows.settings import load_settings
from tests.deploy.files import (
    DEPLOY,
    OUR_USER,
    ROOT,
    dockerfile,
    environment,
    is_setting,
    require_real,
    steps,
)

SHIPPED = ("cpu", "gpu", "review")
COMPILERS = ("build-essential", "gcc", "g++", "make", "git", "python3-dev", "cmake")


def test_hadolint_has_nothing_to_say() -> None:
    program = Path(sysconfig.get_path("scripts")) / "hadolint"
    command = [str(program), "--config", str(ROOT / ".hadolint.yaml"), str(DEPLOY / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_base_is_pinned_by_digest() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    bases = dict(re.findall(r"^ARG (\w+)=(\S+@sha256:[0-9a-f]{64})$", text, re.MULTILINE))
    stages = dockerfile()
    outside = {stage.parent for stage in stages.values()} - stages.keys()
    assert outside == {"${DEBIAN}"} and set(bases) == {"DEBIAN"}


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_runs_as_nobody_special(name: str) -> None:
    done = steps(name)
    assert [rest for op, rest in done if op == "USER"][-1] == OUR_USER
    after = done[[op for op, _ in done].index("USER") :]
    assert not any(op == "RUN" for op, _ in after), "nothing is changed after the image gave up its rights"
    assert [rest for op, rest in done if op == "HEALTHCHECK"]
    labels = " ".join(rest for op, rest in done if op == "LABEL")
    for label in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in labels
    ours = environment(name)
    assert (ours["DO_NOT_TRACK"], ours["PREFECT_SERVER_ANALYTICS_ENABLED"]) == ("1", "false")
    writable = [value for key, value in ours.items() if key in ("HOME", "PREFECT_HOME", "XDG_CACHE_HOME")]
    assert (
        all(value.startswith("/tmp") for value in writable) and ours["PARQUETRY_HOME"] == "/var/lib/parquetry"
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_shipped_has_no_build_tools(name: str) -> None:
    installs = [rest for op, rest in steps(name) if op == "RUN" and "install" in rest]
    words = {word for rest in installs for word in shlex.split(rest.replace("&&", " "))}
    assert words.isdisjoint(COMPILERS) and "pip" not in words and "python3-venv" not in words
    libraries = (DEPLOY / "docker" / "libraries.sh").read_text(encoding="utf-8")
    assert 'rm -rf "$site"/pip ' in libraries
    for op, rest in done_last(name):
        if op == "COPY" and "/venv " in rest:
            stage = dockerfile()[rest.removeprefix("--from=").split()[0]]
            assert stage.steps[-1][0] == "RUN" and stage.steps[-1][1].endswith("sh libraries.sh")


@pytest.mark.parametrize("name", SHIPPED)
def test_code_is_a_layer_of_its_own_and_the_last(name: str) -> None:
    copied = [rest.split()[0].removeprefix("--from=") for op, rest in done_last(name) if op == "COPY"]
    first = copied.index("code")
    assert first > 0 and set(copied[first:]) == {"code"}, "what changes least comes first"


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_copied_from_a_stage_can_be_read_by_all(name: str) -> None:
    """The last step of each makes it so; safetensors files, say, are written for their owner only."""
    for op, rest in done_last(name):
        if op == "COPY":
            last = dockerfile()[rest.removeprefix("--from=").split()[0]].steps[-1][1]
            script = re.search(r"sh ([\w/]*?)(\w+\.sh)$", last)
            said = (DEPLOY / "docker" / script[2]).read_text(encoding="utf-8") if script else last
            assert "chmod -R go-w,a+rX /opt/parquetry/" in said, rest


def done_last(name: str) -> list[tuple[str, str]]:
    """The steps of the stage itself, without those that it stands on."""
    return dockerfile()[name].steps


@pytest.mark.parametrize("name", SHIPPED)
def test_commands_settings_and_ports_are_the_codes(name: str) -> None:
    done = steps(name)
    command = json.loads([rest for op, rest in done if op == "CMD"][-1])
    require_real(command)
    health = [rest for op, rest in done if op == "HEALTHCHECK"][-1]
    require_real(json.loads(health[health.index("[") :]))
    exposed = [rest for op, rest in done if op == "EXPOSE"][-1]
    assert f":{exposed}/" in health
    if name == "review":
        assert int(exposed) == load_settings().review_port
    assert all(is_setting(key) for key in environment(name) if key.startswith("PARQUETRY_"))


def test_is_setting_knows_its_settings() -> None:
    assert is_setting("PARQUETRY_READ__MAX_PAGES") and is_setting("PARQUETRY_SCHEMA")
    assert is_setting("PARQUETRY_REVIEW__OIDC__CLIENT_SECRET")
    for wrong in ("PARQUETRY_RAED__MAX_PAGES", "PARQUETRY_HOME__X", "PARQUETRY_READ__MAX"):
        assert not is_setting(wrong)


def test_what_is_copied_exists_and_is_let_into_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines, "all stays out but for what is named"
    let_in = [line[1:] for line in lines if line.startswith("!")]
    assert all((ROOT / name).exists() for name in let_in), let_in
    assert not any("secret" in name or name in ("deploy", "deploy/compose") for name in let_in)
    for stage in dockerfile().values():
        for op, rest in stage.steps:
            if op != "COPY" or "--from=" in rest:
                continue
            for source in shlex.split(rest)[:-1]:
                inside = any(source == name or name.startswith(f"{source}/") for name in let_in)
                assert inside or any(source.startswith(f"{name}/") for name in let_in), source
                assert (ROOT / source).exists()


def test_the_extras_of_the_images_are_those_of_the_project() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [
        one.read_text(encoding="utf-8")
        for one in DEPLOY.rglob("*")
        if one.suffix in ("", ".md", ".yaml") and one.is_file()
    ]
    named = {
        extra for text in texts for said in re.findall(r"EXTRAS=([\w,]+)", text) for extra in said.split(",")
    }
    assert {"s3", "postgres", "workers"} <= named <= set(project["optional-dependencies"])


BLOCKED = """
import importlib.metadata as metadata, re, sys
from importlib.machinery import PathFinder

def closure(names):
    seen = set()
    while names:
        name = re.sub(r"[-_.]+", "-", names.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        names += [re.match(r"[\\w.-]+", need)[0] for need in needs if "extra ==" not in need]
    return seen

allowed = closure(sys.argv[1].split(","))
of = metadata.packages_distributions()

class Only(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        owners = {re.sub(r"[-_.]+", "-", owner).lower() for owner in of.get(name.split(".")[0], [])}
        if owners and not owners & allowed and "parquetry" not in owners:
            return None  # as if it were not installed
        return super().find_spec(name, path, target)

sys.meta_path = [Only if finder is PathFinder else finder for finder in sys.meta_path]
from flows.cli import main
sys.exit(main(sys.argv[2:]))
"""


def test_the_review_image_has_all_that_the_page_needs(tmp_path: Path) -> None:
    """With nothing importable but what its requirements bring, an account is made and the page comes up."""
    import os
    import time
    import urllib.request

    from tests.ports import free_port

    text = (DEPLOY / "docker" / "review-requirements.txt").read_text(encoding="utf-8")
    names = [re.match(r"[\w.-]+", line) for line in text.splitlines() if line and not line.startswith("#")]
    wanted = ",".join([name[0] for name in names if name] + ["psycopg-binary"])
    assert "torch" not in wanted and "prefect" not in wanted
    command = [sys.executable, "-c", BLOCKED, wanted]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PARQUETRY_HOME": str(tmp_path / "home")}
    people = ["people", "add", "ada", "--role", "admin", "--password-stdin"]
    made = subprocess.run(
        [*command, *people],
        input="long enough, this\n",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    port = free_port()
    review = [*command, "review", "--no-land", "--host", "0.0.0.0", "--port", str(port)]
    log = tmp_path / "log"
    with log.open("w") as out:
        page = subprocess.Popen(review, env=environment, stdout=out, stderr=out)
        try:
            health = [
                sys.executable,
                str(DEPLOY / "docker" / "health.py"),
                f"http://127.0.0.1:{port}/healthz",
            ]
            for _ in range(240):
                if (
                    page.poll() is not None
                    or subprocess.run(health, capture_output=True, check=False).returncode == 0
                ):
                    break
                time.sleep(0.5)
            assert page.poll() is None, log.read_text()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                assert b"password" in answer.read()
        finally:
            page.terminate()
            page.wait(60)


def test_the_requirements_of_the_review_image_are_the_projects() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = set(project["dependencies"]) | set(project["optional-dependencies"]["postgres"])
    text = (DEPLOY / "docker" / "review-requirements.txt").read_text(encoding="utf-8")
    assert {line for line in text.splitlines() if line and not line.startswith("#")} <= known


def test_secrets_come_as_files(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://a:b@c/d\n", encoding="utf-8")
    show = ["sh", "-c", "echo $PARQUETRY_DATABASE ${PARQUETRY_DATABASE_FILE-gone}"]
    command = [str(DEPLOY / "docker" / "entrypoint.sh"), *show]
    path = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command,
        env={**path, "PARQUETRY_DATABASE_FILE": str(secret)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "postgresql://a:b@c/d gone\n"
    done = subprocess.run(
        command, env={**path, "PARQUETRY_DATABASE_FILE": "/none"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "PARQUETRY_DATABASE_FILE names /none" in done.stderr


def test_commands_typed_in_a_container_have_the_secrets(tmp_path: Path) -> None:
    """`docker compose exec` does not go through the entrypoint."""
    root = tmp_path / "opt"
    shutil.copytree(DEPLOY / "docker", root / "deploy" / "docker")
    for folder in ("app/bin", "venv/bin", "bin"):
        (root / folder).mkdir(parents=True)
    for path, says in (("app/bin/parquetry", "ours"), ("venv/bin/prefect", "theirs")):
        (root / path).write_text(f"#!/bin/sh\necho {says} $PARQUETRY_DATABASE $1\n", encoding="utf-8")
        (root / path).chmod(0o755)
    for name in ("parquetry", "prefect", "other"):
        (root / "bin" / name).symlink_to(root / "deploy" / "docker" / "command.sh")
    secret = tmp_path / "url"
    secret.write_text("postgresql://a:b@c/d\n", encoding="utf-8")
    path = {"PATH": f"{root / 'bin'}:/usr/bin:/bin", "PARQUETRY_DATABASE_FILE": str(secret)}

    def typed(name: str) -> subprocess.CompletedProcess[str]:
        command = ["sh", "-c", f"{name} 'one two'"]
        return subprocess.run(command, env=path, capture_output=True, text=True, check=False)

    assert typed("parquetry").stdout == "ours postgresql://a:b@c/d one two\n"
    assert typed("prefect").stdout == "theirs postgresql://a:b@c/d one two\n"
    assert typed("other").returncode == 127


def test_the_entrypoint_knows_real_settings_only() -> None:
    text = (DEPLOY / "docker" / "entrypoint.sh").read_text(encoding="utf-8")
    names = re.findall(r"\b(PARQUETRY_\w+)", text[text.index("for name in") : text.index("\ndo")])
    assert len(names) > 3 and all(is_setting(name) for name in names), names
