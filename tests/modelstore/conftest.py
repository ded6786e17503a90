from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import composition


@pytest.fixture(autouse=True)
def clean_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings of this machine, no hub but one of the tests; an empty working directory."""
    for name in list(os.environ):
        if name.startswith(("PARQUETRY_", "HF_", "TRANSFORMERS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    composition.use(None)
    yield
    composition.use(None)
