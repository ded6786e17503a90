"""Why a printed text is not a value: raised by the readers of numbers, dates and currencies."""

from __future__ import annotations

from schemas.outcome import ReviewReason


class UntypableError(ValueError):
    """The text cannot be typed. ``reason`` is the review reason; the message is for the reviewer."""

    def __init__(self, message: str, reason: ReviewReason = ReviewReason.INVALID_VALUE) -> None:
        super().__init__(message)
        self.reason = reason


def shown(text: str, limit: int = 60) -> str:
    """``text`` in quotes for a message, cut when it is long."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")
