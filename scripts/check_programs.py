"""Says which programs outside Python the tests need and cannot find, and how to install them.

The product itself needs none of them. A missing one skips its tests on a developer's machine; under
``CI=true`` it is an error, so that a green run never hides tests that did not run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path


def chromium() -> str | None:
    """The path of a Chromium that the browser tests can drive."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = (shutil.which(name) for name in names)
    return next((path for path in found if path), None)


def postgres() -> str | None:
    """The folder of PostgreSQL's server programs (initdb, pg_ctl)."""
    on_path = shutil.which("initdb")
    if on_path:
        return str(Path(on_path).resolve().parent)
    # Debian keeps them off the PATH, one folder for each version.
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return str(folders[0].parent) if folders else None


def kubectl() -> str | None:
    """The path of a kubectl that knows kustomize's components (1.21 or later)."""
    path = shutil.which("kubectl")
    if path is None:
        return None
    asked = subprocess.run(
        [path, "version", "--client", "--output", "json"], capture_output=True, text=True, check=False
    )
    try:
        version = str(json.loads(asked.stdout)["kustomizeVersion"])
    except (ValueError, KeyError, TypeError):
        return None
    return path if int(version.lstrip("v").split(".")[0]) >= 4 else None


def main() -> int:
    """Prints what is missing; 1 when something is and ``CI`` is set."""
    checks = (
        ("Chromium", chromium(), "the browser tests", "chromium"),
        ("strace", shutil.which("strace"), "the test that nothing phones home", "strace"),
        ("PostgreSQL's server", postgres(), "the tests of the ledger on PostgreSQL", "postgresql"),
        ("kubectl 1.21 or later", kubectl(), "the tests of the Kubernetes files", "kubernetes-client"),
    )
    missing = [check for check in checks if check[1] is None]
    for name, _, what, package in missing:
        print(f"{name} was not found: {what} are skipped. Debian, Ubuntu: apt-get install {package}")
    if missing and os.environ.get("CI") == "true":
        print("with CI=true that is an error", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
