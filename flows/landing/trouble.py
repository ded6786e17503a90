"""One thing in which ledger and lake do not agree."""

from __future__ import annotations

from dataclasses import dataclass, replace

REPAIR = "Run `parquetry doctor --lake --repair`."


@dataclass(frozen=True, slots=True)
class Trouble:
    """What does not agree.

    Attributes:
        where: a file or batch, by its name in the lake.
        what: a word or two: ``missing``, ``damaged``, ``unknown``, ...
        detail: a sentence.
        remedy: what to do; empty when it was repaired.
        repaired: it was put right.
        grave: whether somebody may read wrong rows because of it.
    """

    where: str
    what: str
    detail: str
    remedy: str = REPAIR
    repaired: bool = False
    grave: bool = True

    def after(self, repaired: bool) -> Trouble:
        """The same trouble, put right or not."""
        return replace(self, repaired=True, remedy="") if repaired else self
