"""Makes the project's virtual environment; what `make demo` and `make test` begin with.

Needs nothing but Python's standard library, runs again in a moment when nothing changed, and never lets pip
pull a GPU build of torch (several gigabytes) unless ``--torch cuda`` (``TORCH=cuda make ...``) asks for it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
OLDEST_PYTHON = (3, 11)
STAMP = "parquetry-install.json"
GPU_PACKAGES = ("nvidia-", "cuda-", "triton", "pytorch-triton")


class SetupError(Exception):
    """The environment cannot be made; the message says why and what to do."""


def main() -> int:
    """Makes or updates the environment; 0 when it is ready."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="where the environment is")
    parser.add_argument("--torch", choices=("cpu", "cuda"), default="cpu", help="which build of torch")
    parser.add_argument("--extras", default="", help="extras of pyproject.toml, e.g. dev or s3,postgres")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        fresh = ensure(arguments.venv, [e for e in arguments.extras.split(",") if e], arguments.torch)
    except SetupError as error:
        print(f"\nparquetry could not be installed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; run the same command again to go on", file=sys.stderr)
        return 130
    if fresh:
        print(f"environment ready in {time.monotonic() - started:.0f} s: {arguments.venv}", flush=True)
    return 0


def ensure(venv: Path, extras: list[str], torch: str) -> bool:
    """Brings ``venv`` up to date; False when it already was.

    Raises:
        SetupError: Python is too old or incomplete, or pip failed.
    """
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        raise SetupError(
            f"Python {wanted} or newer is needed; {sys.executable} is {platform.python_version()}."
        )
    python = venv / "bin" / "python"
    # Extras add up, so that `make demo` after `make test` does not take anything away or install anew.
    key, installed = _stamp(venv)
    extras = sorted({*extras, *installed})
    if python.exists() and key == _key(torch) and extras == installed:
        return False
    (venv / STAMP).unlink(missing_ok=True)
    if not _works(python):
        step(1, f"creating {venv} with Python {platform.python_version()}")
        create(venv)
    step(2, "updating pip")
    pip(python, "install", "--upgrade", *_pinned("pip"))
    step(3, "installing torch")
    install_torch(python, torch)
    step(4, "installing parquetry and its libraries (about 150; a few minutes the first time)")
    target = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    pip(python, "install", "--constraint", str(CONSTRAINTS), "--editable", target)
    (venv / STAMP).write_text(json.dumps({"key": _key(torch), "extras": extras}), encoding="utf-8")
    return True


def step(number: int, what: str) -> None:
    """Says where the installation is."""
    print(f"[{number}/4] {what} ...", flush=True)


def create(venv: Path) -> None:
    """Makes an empty environment.

    Raises:
        SetupError: the venv module or pip's bundle is missing, as on a bare Debian.
    """
    if venv.exists():
        if any(venv.iterdir()) and not (venv / "pyvenv.cfg").exists():
            raise SetupError(f"{venv} exists and is no virtual environment; move it away or set VENV=...")
        shutil.rmtree(venv)
    made = subprocess.run([sys.executable, "-m", "venv", str(venv)], check=False)
    if made.returncode != 0:
        shutil.rmtree(venv, ignore_errors=True)
        short = ".".join(platform.python_version_tuple()[:2])
        raise SetupError(
            f"python -m venv failed. On Debian or Ubuntu: apt-get install python{short}-venv (as root); "
            "elsewhere install a complete Python."
        )


def install_torch(python: Path, build: str) -> None:
    """Installs the pinned torch: a CPU build, unless ``build`` is ``cuda``.

    What an index offers differs by platform: on Linux, PyPI's torch depends on CUDA libraries, and the CPU
    build is on PyTorch's own index (or in a folder of wheels that pip was told about). So pip is asked first
    what it would install, which costs a few kilobytes.

    Raises:
        SetupError: no CPU build can be had.
    """
    if build == "cuda":
        pip(python, "install", "--constraint", str(CONSTRAINTS), *_pinned("torch"))
        return
    requirement = _pinned("torch")
    offers = (
        ("the configured package index", [*requirement]),
        ("PyTorch's CPU index", [f"{requirement[0]}+cpu", "--extra-index-url", CPU_INDEX]),
    )
    for place, arguments in offers:
        gpu = gpu_packages(python, arguments)
        if gpu is None:
            print(f"    {place} has no {arguments[0]} for this Python", flush=True)
        elif gpu:
            print(f"    {place} would bring a GPU build ({len(gpu)} packages such as {gpu[0]})", flush=True)
        else:
            print(f"    from {place}: a CPU build", flush=True)
            pip(python, "install", "--constraint", str(CONSTRAINTS), *arguments)
            return
    raise SetupError(
        f"no CPU build of {requirement[0]} is to be had for Python {platform.python_version()} here. Nothing "
        f"was downloaded. Is {CPU_INDEX} reachable, or has another Python one (PYTHON=python3.12 make ...)? To "
        "install the GPU build on purpose (several gigabytes): TORCH=cuda make ..."
    )


def gpu_packages(python: Path, arguments: list[str]) -> list[str] | None:
    """Names of the GPU packages that ``pip install <arguments>`` would bring; None: it cannot be resolved."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [str(python), "-m", "pip", "install", "--dry-run", "--quiet", "--no-input"]
        command += ["--report", str(report), "--constraint", str(CONSTRAINTS), "--retries", "1", *arguments]
        asked = subprocess.run(command, capture_output=True, text=True, check=False)
        if asked.returncode != 0 or not report.exists():
            return None
        plan = json.loads(report.read_text(encoding="utf-8"))
    names = [str(entry["metadata"]["name"]).lower() for entry in plan.get("install", [])]
    return [name for name in names if name.startswith(GPU_PACKAGES)]


def pip(python: Path, *arguments: str) -> None:
    """Runs pip with its progress visible.

    Raises:
        SetupError: it failed; its own message stands above.
    """
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise SetupError(
            "pip failed; its message stands above. If it could not reach the package index: check the network "
            "or name yours with PIP_INDEX_URL=https://... ; then run the same command again."
        )


def _pinned(name: str) -> list[str]:
    for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines():
        if line.split("==")[0].strip() == name:
            return [line.strip()]
    raise SetupError(f"{CONSTRAINTS} has no pin for {name}; run `git checkout constraints.txt`.")


def _key(torch: str) -> str:
    digest = hashlib.sha256(f"{sys.version}|{torch}|{ROOT}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _stamp(venv: Path) -> tuple[str, list[str]]:
    """What the last complete installation wrote: its key and its extras."""
    try:
        found = json.loads((venv / STAMP).read_text(encoding="utf-8"))
        return str(found["key"]), sorted(found["extras"])
    except (OSError, ValueError, TypeError, KeyError):
        return "", []


def _works(python: Path) -> bool:
    if not python.exists():
        return False
    probe = "import sys, pip; sys.exit(sys.version_info[:2] != tuple(map(int, sys.argv[1:])))"
    version = [str(part) for part in sys.version_info[:2]]
    asked = subprocess.run([str(python), "-c", probe, *version], capture_output=True, check=False)
    return asked.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
