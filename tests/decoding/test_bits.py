"""In bf16, how a text is cut into passes changes no bit of its scores (where oneDNN uses AVX-512)."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_no_bit_depends_on_how_a_text_is_cut_into_passes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.decoding.same_bits"],
        env=os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
