"""What one archive may cost, and what a child reports. Standard library only: the child imports it."""

from __future__ import annotations

from dataclasses import dataclass

RATIO_FROM = 10_000_000
"""Bytes that may come out of a member before its ratio counts: a blank page may shrink to a thousandth."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one archive, with everything nested in it.

    Attributes:
        max_depth: archives in archives; 1: none in the archive itself.
        max_members: files, all levels together.
        max_ratio: unpacked to packed size of a member of more than `RATIO_FROM` bytes.
        max_member_bytes: one member, unpacked.
        max_total_bytes: all that is unpacked, archives in archives included.
        min_inline_bytes: pictures inside the text of an e-mail that are smaller are its decoration.
        seconds: of processor time, and of waiting for the child.
        memory_mb: address space of the child.
    """

    max_depth: int = 3
    max_members: int = 10_000
    max_ratio: float = 200.0
    max_member_bytes: int = 200_000_000
    max_total_bytes: int = 4_000_000_000
    min_inline_bytes: int = 32_000
    seconds: float = 600.0
    memory_mb: int = 1024


class RefusedError(Exception):
    """Something is not unpacked. ``reason`` is a word of `schemas.outcome.FailureReason`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class DiskError(Exception):
    """The machine, not the archive, is in trouble. ``errno`` says how."""

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno


class TotalSpentError(RefusedError):
    """The archive as a whole passes a limit: what follows is not unpacked either."""
