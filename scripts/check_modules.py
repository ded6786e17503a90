"""Fails when a module grows past the cap, or past what the debt list in pyproject.toml grants it."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("schemas", "extractors", "flows", "scripts", "tests", "samples")


def violations(root: Path) -> list[str]:
    """One sentence per module that is too long, and per debt that is paid and can be struck off."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["parquetry"][
        "modules"
    ]
    cap: int = settings["max_lines"]
    debt: dict[str, int] = dict(settings.get("debt", {}))
    found = []
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            lines = len(path.read_text(encoding="utf-8").splitlines())
            allowed = debt.pop(name, cap)
            if lines > allowed:
                found.append(f"{name}: {lines} lines, {allowed} allowed; split it")
            elif allowed > cap >= lines:
                found.append(f"{name}: {lines} lines, the debt is paid; strike it off pyproject.toml")
    return found + [
        f"{name}: in the debt list of pyproject.toml, but there is no such module" for name in debt
    ]


def main() -> int:
    """Prints the violations; 1 when there are any."""
    found = violations(ROOT)
    print("\n".join(found) or "module lengths: all within the cap")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
