"""Names of members, for the books. They are labels: no file is ever written under one. Standard library only."""

from __future__ import annotations

import hashlib

WITHIN = "!/"
"""Between an archive in an archive and what it holds: ``more.zip!/a.pdf``."""
MAX_CHARS = 400


def label(name: str) -> str:
    """A member's name as it may be stored and shown: one line, no way up, of bounded length."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    shown = "".join(c if c.isprintable() else "�" for c in "/".join(parts)) or "unnamed"
    if len(shown) <= MAX_CHARS:
        return shown
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{shown[: MAX_CHARS // 2]}…{mark}…{shown[-MAX_CHARS // 4 :]}"


class Labels:
    """Gives each member a name of its own: the second ``a.pdf`` is ``a.pdf (2)``, in every run."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def new(self, name: str, within: str = "") -> str:
        """The name of the next member called ``name``, in the archive labelled ``within``."""
        wanted = (within + WITHIN if within else "") + label(name)
        if wanted not in self._given:
            self._given[wanted] = 1
            return wanted
        while True:
            self._given[wanted] += 1
            numbered = f"{wanted} ({self._given[wanted]})"
            if numbered not in self._given:
                self._given[numbered] = 1
                return numbered
