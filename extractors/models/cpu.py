"""What this processor can be trusted with, and in which numbers it computes fastest.

Some hypervisors pass on the flags of Intel AMX but hide the CPUID leaf that describes its tiles. oneDNN then takes the
AMX path with an empty tile configuration and the process dies of an illegal instruction. A bf16 product in a child
process tells; the answer is kept in the cache folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from schemas.errors import ModelError

SAFE_ISA = "AVX512_CORE_BF16"
MOST_FLOAT32 = 1_000_000_000
"""Parameters up to which a model may be widened to float32: 4 GB of weights."""
_PROBE = (
    "import torch; a = torch.ones(256, 256, dtype=torch.bfloat16); "
    "assert float((a @ a).float().sum()) == 256.0 ** 3; "
    "q = torch.ones(1, 4, 64, 64, dtype=torch.bfloat16); "
    "torch.nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True)"
)


def settle_instruction_set(cache: Path) -> str:
    """Keeps oneDNN from instructions that this machine announces but cannot run.

    Call before the first product of the process. Returns ``default`` or the instruction set it was limited to.

    Raises:
        ModelError: even the limited set fails here.
    """
    if "amx_tile" not in _cpu_flags():
        return "default"
    record = cache / f"cpu-{_machine_key()}.json"
    try:
        isa = str(json.loads(record.read_text())["isa"])
    except (OSError, ValueError, KeyError):
        isa = _probe()
        record.parent.mkdir(parents=True, exist_ok=True)
        aside = record.with_suffix(f".{os.getpid()}.tmp")
        aside.write_text(json.dumps({"isa": isa}))
        aside.replace(record)
    if isa != "default":
        os.environ["ONEDNN_MAX_CPU_ISA"] = isa
    return isa


def has_products() -> bool:
    """Whether oneDNN is there to multiply matrices."""
    import torch

    return bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


def has_bf16_products() -> bool:
    """Whether it does so in bf16: with AVX-512 or the like, but not with AVX2 alone."""
    import torch

    return has_products() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def in_fast_type(model: Any) -> Any:
    """The model in float32 where it lies on a CPU without bf16 products, else as it is.

    torch's own bf16 loops took seven times as long there for a product of 1,400 tokens (AMD EPYC with AVX2). The
    numbers are the same ones, rounded less often. A model over `MOST_FLOAT32` stays as it is: its weights would take
    twice the memory.

    Args:
        model: of transformers, in bf16; what it holds is converted in place.
    """
    import torch

    slow = model.device.type == "cpu" and model.dtype == torch.bfloat16 and not has_bf16_products()
    return model.float() if slow and model.num_parameters() <= MOST_FLOAT32 else model


def _probe() -> str:
    for isa in ("default", SAFE_ISA):
        environment = dict(os.environ)
        if isa != "default":
            environment["ONEDNN_MAX_CPU_ISA"] = isa
        done = subprocess.run(
            [sys.executable, "-c", _PROBE], env=environment, capture_output=True, check=False, timeout=300
        )
        if done.returncode == 0:
            return isa
    raise ModelError(
        "A bf16 product fails on this processor, with and without AMX.",
        remedy="Run `parquetry doctor`, or use --model scripted on this machine.",
    )


def _cpu_flags() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return set()
    line = next((row for row in text.splitlines() if row.startswith("flags")), "")
    return set(line.partition(":")[2].split())


def _machine_key() -> str:
    """Changes with the kernel (a new boot of another host) and with torch."""
    from importlib.metadata import version

    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = ""
    return hashlib.sha256(f"{boot}/{platform.release()}/{version('torch')}".encode()).hexdigest()[:12]
