"""Writes constraints.txt: the exact version of everything that pyproject.toml needs, from this environment.

Run it with the Python of an environment in which the tests pass: ``python scripts/pin.py``. What only an
optional dependency of a dependency needs is left out, and so is what the platform brings (CUDA libraries).
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
HEAD = """\
# The versions that the tests ran with, for Python 3.11 and newer. Made by scripts/pin.py; do not edit.
"""


def main() -> int:
    """Writes the file; 1 when something that pyproject.toml names is not installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(line for lines in extras.values() for line in lines), "pip"]
    pins: dict[str, str] = {}
    missing: list[str] = []
    queue = [Requirement(line) for line in wanted]
    seen: set[tuple[str, frozenset[str]]] = set()
    while queue:
        requirement = queue.pop()
        name, asked = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if name == "parquetry" or (name, asked) in seen:
            continue
        seen.add((name, asked))
        try:
            found = distribution(name)
        except PackageNotFoundError:
            missing.append(name)
            continue
        pins[name] = re.sub(r"\+.*", "", found.version)  # "+cpu" is how a build was made, not a version
        needed = [Requirement(line) for line in found.requires or []]
        queue += [one for one in needed if any(_applies(one, extra) for extra in ("", *asked))]
    if missing:
        print(f"not installed here: {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    text = HEAD + "".join(f"{name}=={version}\n" for name, version in sorted(pins.items()))
    (ROOT / "constraints.txt").write_text(text, encoding="utf-8")
    print(f"{len(pins)} pins")
    return 0


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


if __name__ == "__main__":
    sys.exit(main())
