"""One warm pool for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from extractors.options import ReadOptions
from extractors.reading import ReaderPool


@pytest.fixture(scope="session")
def pool() -> Iterator[ReaderPool]:
    with ReaderPool(ReadOptions(max_seconds=250)) as opened:
        yield opened
