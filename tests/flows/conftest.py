from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import composition


@pytest.fixture(autouse=True)
def clean_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings of this machine or of the test before; an empty working directory."""
    for name in list(os.environ):
        if name.startswith("PARQUETRY_") or name in ("PREFECT_API_URL", "PREFECT_HOME"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    composition.use(None)
    yield
    composition.use(None)
