"""The installer: no GPU build by accident, nothing to do the second time, clear words when it cannot be done."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from scripts import setup_env


def fake_python(folder: Path, plan: list[str], *, fails: bool = False) -> Path:
    """A Python whose pip would install ``plan``, or finds nothing."""
    report = {"install": [{"metadata": {"name": name}} for name in plan]}
    program = folder / "python"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys, pathlib\n"
        f"if {fails}: sys.exit(1)\n"
        f"pathlib.Path(sys.argv[sys.argv.index('--report') + 1]).write_text({json.dumps(report)!r})\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_gpu_packages_are_seen_in_pips_plan(tmp_path: Path) -> None:
    python = fake_python(tmp_path, ["torch", "nvidia-cublas", "cuda-toolkit", "triton", "sympy"])
    assert setup_env.gpu_packages(python, ["torch==2.13.0"]) == ["nvidia-cublas", "cuda-toolkit", "triton"]


def test_a_cpu_plan_has_none(tmp_path: Path) -> None:
    assert setup_env.gpu_packages(fake_python(tmp_path, ["torch", "sympy"]), ["torch"]) == []


def test_what_cannot_be_resolved_is_no_offer(tmp_path: Path) -> None:
    assert setup_env.gpu_packages(fake_python(tmp_path, [], fails=True), ["torch"]) is None


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What pip was asked to install."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(setup_env, "pip", lambda python, *arguments: calls.append(arguments))
    return calls


def offers(monkeypatch: pytest.MonkeyPatch, *answers: list[str] | None) -> None:
    left = list(answers)
    monkeypatch.setattr(setup_env, "gpu_packages", lambda python, arguments: left.pop(0))


def test_torch_comes_from_the_cpu_index_when_the_usual_one_would_bring_cuda(
    monkeypatch: pytest.MonkeyPatch, installed: list[tuple[str, ...]]
) -> None:
    offers(monkeypatch, ["nvidia-cublas"], [])
    setup_env.install_torch(Path("python"), "cpu")
    assert len(installed) == 1
    assert setup_env.CPU_INDEX in installed[0]
    assert any(argument.endswith("+cpu") for argument in installed[0])


def test_no_cpu_build_anywhere_installs_nothing_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, installed: list[tuple[str, ...]]
) -> None:
    offers(monkeypatch, ["nvidia-cublas"], None)
    with pytest.raises(setup_env.SetupError, match="TORCH=cuda"):
        setup_env.install_torch(Path("python"), "cpu")
    assert installed == []


def test_the_gpu_build_is_installed_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, installed: list[tuple[str, ...]]
) -> None:
    offers(monkeypatch)
    setup_env.install_torch(Path("python"), "cuda")
    assert [call for call in installed if "+cpu" in " ".join(call)] == []
    assert len(installed) == 1


def test_an_old_python_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(setup_env.sys, "version_info", (3, 10, 14))
    with pytest.raises(setup_env.SetupError, match=r"Python 3\.11 or newer"):
        setup_env.ensure(tmp_path / "venv", [], "cpu")
    assert not (tmp_path / "venv").exists()


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(setup_env.SetupError, match="no virtual environment"):
        setup_env.create(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_the_second_time_nothing_is_installed(
    monkeypatch: pytest.MonkeyPatch, installed: list[tuple[str, ...]], tmp_path: Path
) -> None:
    offers(monkeypatch, [], [])
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("")
    monkeypatch.setattr(setup_env, "_works", lambda python: True)
    assert setup_env.ensure(tmp_path, ["dev"], "cpu") is True
    count = len(installed)
    assert count >= 2
    assert setup_env.ensure(tmp_path, ["dev"], "cpu") is False
    assert setup_env.ensure(tmp_path, [], "cpu") is False, "what is there already covers fewer extras"
    assert len(installed) == count
    assert setup_env.ensure(tmp_path, ["s3"], "cpu") is True
    assert installed[-1][-1].endswith("[dev,s3]"), "extras add up"
