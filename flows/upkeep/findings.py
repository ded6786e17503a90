"""What a step of the upkeep found, in words for people who did not build this."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["ok", "done", "warn", "fail"]
VERDICTS: dict[Verdict, str] = {
    "ok": "in order",
    "done": "put in order",
    "warn": "look at it",
    "fail": "wrong",
}
MOST = 20
"""So many details of a step are kept; the log has all."""


class Finding(BaseModel):
    """One step: what it was about, how it ended, in a sentence, and what it did or found, line by line."""

    model_config = ConfigDict(frozen=True)

    step: str
    verdict: Verdict
    said: str
    details: list[str] = []

    @property
    def shown(self) -> list[str]:
        """The details that a report shows; the last one says how many more there are."""
        more = len(self.details) - MOST
        return self.details[:MOST] + ([f"and {more} more, see the log"] if more > 0 else [])


def count(number: int, one: str, many: str = "") -> str:
    """``1 file``, ``3 files``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
