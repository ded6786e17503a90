"""Passwords of local accounts: how they are kept, and how often one may try."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from schemas.errors import UsageError

MIN_CHARS, MAX_CHARS = 10, 500
_PER_ACCOUNT, _PER_ADDRESS = RateLimitItemPerMinute(5), RateLimitItemPerMinute(30)


class Passwords:
    """Hashes and checks passwords (argon2id, the library's parameters)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        # Checked when there is no account, so that the time of an answer does not tell who has one.
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    def hash(self, password: str, name: str) -> str:
        """What is kept of a new password.

        Raises:
            UsageError: it is too short, too long, or the name itself.
        """
        if not MIN_CHARS <= len(password) <= MAX_CHARS:
            raise UsageError(
                f"A password has {MIN_CHARS} to {MAX_CHARS} characters.", remedy="Several words do well."
            )
        if password.casefold() in (name.casefold(), name.casefold() * 2) or len(set(password)) < 4:
            raise UsageError("This password is too easy to guess.", remedy="Several words do well.")
        return self._hasher.hash(password)

    def fits(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one that was kept; takes as long when nothing was."""
        try:
            return self._hasher.verify(kept or self._nobody, password[: MAX_CHARS + 1]) and kept is not None
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, kept: str) -> bool:
        """Whether it was kept under weaker parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    @staticmethod
    def invented() -> str:
        """A first password for somebody, to be handed over once."""
        return secrets.token_urlsafe(12)


class Attempts:
    """How often one may try to sign in: by account, so that nobody guesses on, and by address.

    Counted in this process, as the page is one process.
    """

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def allowed(self, name: str, address: str) -> bool:
        """Counts an attempt; whether it may be made."""
        by_name = self._limiter.hit(_PER_ACCOUNT, "account", name.casefold()[:320])
        return self._limiter.hit(_PER_ADDRESS, "address", address) and by_name

    def forget(self, name: str) -> None:
        """After the right password: the wrong ones before it do not count."""
        self._limiter.clear(_PER_ACCOUNT, "account", name.casefold()[:320])
