"""Cron lines in settings: what Prefect would refuse at `deploy apply` is refused when the settings are read."""

from __future__ import annotations

import re

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_NAMES = (
    frozenset[str](),
    frozenset[str](),
    frozenset({"l"}),
    frozenset(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    frozenset(["sun", "mon", "tue", "wed", "thu", "fri", "sat", "l"]),
)


def cron_line(value: str, example: str) -> str:
    """The line without spaces around it; empty means no schedule.

    Raises:
        ValueError: it has not five parts, or one of them has a number or a word that cannot be there.
    """
    value = value.strip()
    parts = value.split()
    if value and (len(parts) != 5 or not all(map(_fits, parts, range(5)))):
        raise ValueError(f"{value!r} is not a cron line of five parts, such as {example!r}")
    return value


def _fits(part: str, place: int) -> bool:
    low, high = _RANGES[place]
    for piece in part.lower().split(","):
        span, slash, step = piece.partition("/")
        if slash and not (step.isascii() and step.isdigit() and int(step) > 0):
            return False
        for word in re.split(r"[-#]", span):
            number = int(word) if word.isascii() and word.isdigit() else None
            if not (word in _NAMES[place] or span == "*" or (number is not None and low <= number <= high)):
                return False
    return True
