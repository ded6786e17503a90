"""compose.yaml: the format's own schema, and what we hold every service to."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy import make_secrets
from flows.settings import load_settings
from tests.deploy.files import (
    COMPOSE,
    DEPLOY,
    OUR_USER,
    VARIABLE,
    compose,
    environment,
    is_setting,
    require_real,
    steps,
)

SERVICES: dict[str, dict[str, Any]] = compose()["services"]
OURS = [name for name, one in SERVICES.items() if one["image"].startswith("parquetry-")]
ONCE = [name for name, one in SERVICES.items() if one.get("restart") == "no"]
SECRETS = dict(make_secrets.values("database:5432"))


def variables(service: dict[str, Any]) -> dict[str, str]:
    return dict(service.get("environment", {}))


def image_of(service: dict[str, Any]) -> str:
    return str(service["image"]).removeprefix("parquetry-").partition(":")[0]


def test_it_is_what_the_compose_specification_says() -> None:
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        str(COMPOSE),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name: str) -> None:
    one = SERVICES[name]
    assert one["read_only"] is True and one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    user = one["user"].split(":")
    assert all(part.isdigit() and int(part) > 0 for part in user)
    limits = one["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0 and re.fullmatch(r"\d+[mg]", limits["memory"])
    assert limits["pids"] > 0 and "pids_limit" not in one, "Compose takes one of them, not both"
    if "profiles" not in one:
        assert float(limits["cpus"]) <= 2, "Docker refuses to start more than the machine has"
    assert "privileged" not in one and "cap_add" not in one and "docker.sock" not in str(one.get("volumes"))
    if name in OURS:
        assert one["user"] == OUR_USER and "noexec" in one["tmpfs"][0]
        assert all(volume.split(":")[1] in written() for volume in one.get("volumes", []))


def written() -> set[str]:
    """The folders that the images make for their user."""
    made = [rest for op, rest in steps("cpu") if op == "RUN" and "install -d -o 10001" in rest]
    return set(re.findall(r"/var/lib/\w+", made[0]))


def test_images_are_pinned() -> None:
    for name, one in SERVICES.items():
        if name in OURS:
            assert image_of(one) in ("cpu", "review") and one["image"].endswith(":0.1.0")
        else:
            assert re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", one["image"]) and ":latest" not in one["image"]


def test_every_long_service_says_whether_it_is_well() -> None:
    for name, one in SERVICES.items():
        if name in ONCE:
            continue
        of_image = name in OURS and any(op == "HEALTHCHECK" for op, _ in steps(image_of(one)))
        assert one.get("healthcheck", {}).get("test") or of_image, name
        if name in OURS and "healthcheck" in one:
            require_real(one["healthcheck"]["test"][1:])


def test_what_is_waited_for_can_come() -> None:
    for name, one in SERVICES.items():
        for other, how in one.get("depends_on", {}).items():
            assert other in SERVICES, f"{name} waits for {other}"
            if how["condition"] == "service_completed_successfully":
                assert other in ONCE
            else:
                assert how["condition"] == "service_healthy" and "healthcheck" in SERVICES[other]
            if "profiles" not in one:
                assert "profiles" not in SERVICES[other]
    for name in ("worker", "review"):
        assert set(SERVICES[name]["depends_on"]) == {"prepare", "database", "prefect", "objects"}


def test_the_database_can_be_reached_by_its_users_only() -> None:
    assert compose()["networks"]["data"] == {"internal": True}
    for name in ("database", "objects"):
        assert SERVICES[name]["networks"] == ["data"] and "ports" not in SERVICES[name]


def test_what_keeps_data_has_time_to_stop() -> None:
    for name in (
        "database",
        "objects",
    ):  # the engine kills after ten seconds, and SeaweedFS was seen to take 35
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= 60


def test_ports_are_published_on_this_machine_only_and_are_the_codes() -> None:
    settings = load_settings()
    inside = {
        "review": settings.review_port,
        "prefect": settings.serve.prefect_port,
        "hooks": settings.hooks.port,
    }
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    assert published == {name: [f"127.0.0.1:{port}:{port}"] for name, port in inside.items()}
    assert variables(SERVICES["worker"])["PREFECT_WORKER_WEBSERVER_PORT"] == "8080"
    assert any(op == "HEALTHCHECK" and "127.0.0.1:8080/health" in rest for op, rest in steps("cpu"))


@pytest.mark.parametrize("name", OURS)
def test_commands_and_settings_are_real(name: str) -> None:
    one = SERVICES[name]
    if "entrypoint" not in one:
        require_real(one["command"])
    known = {key.removesuffix("_FILE") if key.endswith("_FILE") else key for key in variables(one)}
    assert all(is_setting(key) for key in known if key.startswith("PARQUETRY_")), known


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_are_files_that_somebody_makes_and_reads(name: str) -> None:
    one = SERVICES[name]
    given = set(one.get("secrets", []))
    assert given <= compose()["secrets"].keys() == SECRETS.keys()
    entrypoint = (DEPLOY / "docker" / "entrypoint.sh").read_text(encoding="utf-8")
    named = set()
    for key, value in variables(one).items():
        if key.endswith("_FILE"):
            assert Path(value).parent == Path("/run/secrets") and Path(value).name in given, key
            named.add(Path(value).name)
            if name in OURS and not key.startswith("AWS_"):
                assert f" {key.removesuffix('_FILE')}" in entrypoint, key
        else:
            assert not re.search(r"PASSWORD|TOKEN|SECRET|_KEY|AUTH|DATABASE", key), f"{name}: {key} in clear"
    words = " ".join(one.get("command", [])) + (DEPLOY / "compose" / "databases.sql").read_text(
        encoding="utf-8"
    )
    assert all(secret in named or f"/run/secrets/{secret}" in words for secret in given)


def test_nothing_tells_anybody_anything() -> None:
    for name in OURS:
        said = environment(image_of(SERVICES[name])) | variables(SERVICES[name])
        assert (said["DO_NOT_TRACK"], said["PREFECT_SERVER_ANALYTICS_ENABLED"]) == ("1", "false")
    assert variables(SERVICES["vllm"])["VLLM_NO_USAGE_STATS"] == "1"


def test_what_env_example_names_is_what_compose_asks_for() -> None:
    asked = {name for name, _ in VARIABLE.findall(COMPOSE.read_text(encoding="utf-8"))}
    lines = (DEPLOY / "env.example").read_text(encoding="utf-8").splitlines()
    named = [line for line in lines if line and not line.startswith("#")]
    assert {line.rstrip("=") for line in named} == asked
    assert all(line.endswith("=") for line in named), "names only"


def test_files_that_it_mounts_exist_and_its_settings_load() -> None:
    whole = compose()
    for one in whole["configs"].values():
        assert (DEPLOY / one["file"]).is_file()
    settings = load_settings(DEPLOY / "compose" / "parquetry.toml")
    assert settings.lake_uri.startswith("s3://") and settings.schema_ == "invoice"
    for one in whole["secrets"].values():
        assert one["file"].startswith("./secrets/")
    ignored = (DEPLOY.parent / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/deploy/secrets/", "/deploy/.env"} <= set(ignored)


def test_secrets_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    command = [sys.executable, str(DEPLOY / "make_secrets.py"), "--folder", str(folder)]

    def make() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=False)

    first = make()
    assert first.returncode == 0
    values = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    assert values.keys() == SECRETS.keys() and folder.stat().st_mode & 0o777 == 0o700
    assert (
        values["ledger_password"] in values["ledger_url"]
        and values["prefect_password"] in values["prefect_url"]
    )
    assert not any(value in first.stdout for name, value in values.items() if "password" in name)
    assert make().returncode == 0
    assert {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} == values
    (folder / "ledger_url").unlink()
    partly = make()
    assert partly.returncode == 1 and "lacks ledger_url" in partly.stderr


def test_nothing_in_deploy_is_a_placeholder_or_a_secret() -> None:
    bad = re.compile(r"TODO|FIXME|CHANGE.?ME|placeholder|lorem|<your|xxxx|:latest\b", re.IGNORECASE)
    key = re.compile(
        r"AKIA[0-9A-Z]{16}|BEGIN [A-Z ]*PRIVATE KEY|(password|token)[:=] *['\"][^'\"$\n]{8,}['\"]"
    )
    for file in [one for one in DEPLOY.rglob("*") if one.is_file() and "secrets" not in one.parts]:
        if "__pycache__" in file.parts:
            continue
        text = file.read_text(encoding="utf-8")
        assert not bad.search(text), (file, bad.search(text))
        assert not key.search(text), (file, key.search(text))
