"""The services of compose.yaml as processes of this machine: their commands and environments, read from the file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.files import DEPLOY, ROOT, compose, environment
from tests.ports import free_port

PATIENCE = 900.0


@dataclass
class Stack:
    """What takes the place of networks, volumes and secrets.

    Attributes:
        folder: of everything.
        objects: address of the object store.
        database: port of PostgreSQL.
    """

    folder: Path
    objects: str
    database: int
    prefect: int = field(default_factory=free_port)
    review: int = field(default_factory=free_port)
    health: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    services: dict[str, Any] = field(default_factory=lambda: dict(compose()["services"]))

    @property
    def secrets(self) -> Path:
        """Where the secrets are."""
        return self.folder / "secrets"

    @property
    def home(self) -> Path:
        """What is the volume ``home``."""
        return self.folder / "home"

    def make_secrets(self) -> None:
        """As a user makes them."""
        where = ["--folder", str(self.secrets), "--database", f"127.0.0.1:{self.database}"]
        subprocess.run([sys.executable, str(DEPLOY / "make_secrets.py"), *where], check=True)

    def secret(self, name: str) -> str:
        """What a secret is."""
        return (self.secrets / name).read_text(encoding="utf-8")

    def here(self, text: str) -> str:
        """What a path, address or port of a container is on this machine."""
        places = {
            "/run/secrets": str(self.secrets),
            "/etc/parquetry/parquetry.toml": str(DEPLOY / "compose" / "parquetry.toml"),
            "/var/lib/parquetry": str(self.home),
            "/var/lib/backups": str(self.folder / "backups"),
            "/opt/parquetry/deploy": str(DEPLOY),
            "/opt/parquetry/cache": str(Path.home() / ".cache" / "parquetry"),
            "/tmp/": f"{self.folder}/tmp/",
            "http://prefect:4200": f"http://127.0.0.1:{self.prefect}",
            "http://127.0.0.1:4200": f"http://127.0.0.1:{self.prefect}",
            "http://127.0.0.1:8484": f"http://127.0.0.1:{self.review}",
            "http://127.0.0.1:8080": f"http://127.0.0.1:{self.health}",
            "http://objects:8333": self.objects,
        }
        text = re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], text)
        return {"4200": str(self.prefect), "8080": str(self.health)}.get(text, text)

    def environment(self, name: str, **more: str) -> dict[str, str]:
        """What the image and the service say, and nothing of the shell that runs the tests."""
        image = self.services[name]["image"].removeprefix("parquetry-").partition(":")[0]
        said = environment(image) | self.services[name]["environment"]
        made = {key: self.here(value) for key, value in said.items()}
        made["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return made | {"PYTHONPATH": path, "HOME": str(self.folder / "tmp"), **more}

    def command(self, name: str) -> list[str]:
        """The entrypoint and the service's command."""
        words = [self.here(word) for word in self.services[name]["command"]]
        first = {"python3": [sys.executable], "parquetry": [sys.executable, "-m", "flows.cli"]}
        return [str(DEPLOY / "docker" / "entrypoint.sh"), *first.get(words[0], [words[0]]), *words[1:]]

    def run(self, name: str, **more: str) -> str:
        """A service that ends; what it said.

        Raises:
            AssertionError: it did not end well.
        """
        done = subprocess.run(
            self.command(name),
            env=self.environment(name, **more),
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, name: str, healthy: str, **more: str) -> None:
        """A service that stays; returns when its health check passes."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            self.running[name] = subprocess.Popen(
                self.command(name), env=self.environment(name, **more), cwd=self.home, stdout=out, stderr=out
            )
        check = [sys.executable, str(DEPLOY / "docker" / "health.py"), self.here(healthy)]

        def well() -> bool:
            assert self.running[name].poll() is None, f"{name} ended: {log.read_text()}"
            return subprocess.run(check, capture_output=True, check=False).returncode == 0

        wait_for(well, lambda: f"{name} does not get well: {log.read_text()[-3000:]}")

    def stop(self) -> dict[str, int]:
        """Stops all, last first, as an engine does; exit codes by name."""
        codes = {}
        for name, process in reversed(self.running.items()):
            process.terminate()
            try:
                codes[name] = process.wait(90)
            except subprocess.TimeoutExpired:
                process.kill()
                codes[name] = process.wait(30)
        self.running.clear()
        return codes


def wait_for(what: Callable[[], Any], why: Callable[[], str]) -> Any:
    """What it gives, as soon as that is something."""
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < until, why()
        time.sleep(1)
    return found
