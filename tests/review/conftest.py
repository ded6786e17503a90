from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.review.support import Desk, desk


@pytest.fixture
def empty_desk(tmp_path: Path) -> Iterator[Desk]:
    """A review page with nothing in its queue and nobody signed in."""
    with desk(tmp_path) as made:
        yield made


@pytest.fixture
def signed_in(empty_desk: Desk) -> Desk:
    """The same, with a reviewer named Ada."""
    empty_desk.sign_in()
    return empty_desk
