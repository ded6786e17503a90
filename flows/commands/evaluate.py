"""Follows."""


def evaluate() -> None:
    """Follows."""
