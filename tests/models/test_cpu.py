"""The processor is probed once, in a child, and what it cannot run is switched off."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from extractors.models import cpu
from schemas.errors import ModelError


@pytest.fixture(autouse=True)
def amx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "_cpu_flags", lambda: {"amx_tile", "avx512f"})
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "")
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA")


def probes(monkeypatch: pytest.MonkeyPatch, *codes: int) -> list[dict[str, str]]:
    """Makes the probing children end with these codes; gives the environments that they were started with."""
    seen: list[dict[str, str]] = []
    left = list(codes)

    def run(*_: Any, env: dict[str, str], **__: Any) -> subprocess.CompletedProcess[bytes]:
        seen.append(env)
        return subprocess.CompletedProcess([], left.pop(0))

    monkeypatch.setattr(subprocess, "run", run)
    return seen


def test_a_sound_processor_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    probes(monkeypatch, 0)
    assert cpu.settle_instruction_set(tmp_path) == "default"
    assert "ONEDNN_MAX_CPU_ISA" not in os.environ


def test_an_illegal_instruction_limits_the_set_and_is_remembered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = probes(monkeypatch, -4, 0)
    assert cpu.settle_instruction_set(tmp_path) == cpu.SAFE_ISA
    assert os.environ["ONEDNN_MAX_CPU_ISA"] == cpu.SAFE_ISA
    assert seen[1]["ONEDNN_MAX_CPU_ISA"] == cpu.SAFE_ISA
    probes(monkeypatch)  # no child any more: it would fail for want of codes
    assert cpu.settle_instruction_set(tmp_path) == cpu.SAFE_ISA
    (record,) = tmp_path.glob("cpu-*.json")
    assert json.loads(record.read_text()) == {"isa": cpu.SAFE_ISA}


def test_a_spoilt_record_is_probed_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    probes(monkeypatch, -4, 0)
    cpu.settle_instruction_set(tmp_path)
    (record,) = tmp_path.glob("cpu-*.json")
    record.write_text("{")
    probes(monkeypatch, 0)
    assert cpu.settle_instruction_set(tmp_path) == "default"


def test_no_way_at_all_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    probes(monkeypatch, -4, -4)
    with pytest.raises(ModelError) as caught:
        cpu.settle_instruction_set(tmp_path)
    assert "scripted" in caught.value.remedy


def test_without_amx_nothing_is_probed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cpu, "_cpu_flags", lambda: {"avx2"})
    probes(monkeypatch)
    assert cpu.settle_instruction_set(tmp_path) == "default"
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_this_machine_computes_after_settling(tmp_path: Path) -> None:
    """The real thing, in a child of its own, so that a crash is a failure and not the end of the tests."""
    code = (
        "import sys; from pathlib import Path; from extractors.models.cpu import settle_instruction_set; "
        "settle_instruction_set(Path(sys.argv[1])); import torch; "
        "a = torch.ones(300, 300, dtype=torch.bfloat16); print(float((a @ a)[0, 0]))"
    )
    import sys

    environment = {k: v for k, v in os.environ.items() if k != "ONEDNN_MAX_CPU_ISA"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "300.0"
