"""Follows."""


def train() -> None:
    """Follows."""
