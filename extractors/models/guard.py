"""What may be in a model folder: weights as safetensors, and files of configuration that cannot bring code along.

A pickle runs whatever its author wrote when it is loaded, and a config can name code to import, or to download. Both
are refused before anything is loaded, by the name of a file and by what is in it: a pickle called ``model.safetensors``
is none.
"""

from __future__ import annotations

import gzip
import json
import os
import pickletools
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from schemas.errors import ModelError

MANIFEST = "manifest.json"
EVALUATION = "evaluation.json"
RUN_RECORD = "run.json"
RECORDS = frozenset({MANIFEST, EVALUATION, RUN_RECORD})
"""What is told of a model and changes nothing about it: no part of its identity."""

JUDGED = "calibration/judged.jsonl.gz"
"""Features and verdicts that a model brings along to fit with (`extractors.confidence.judged`)."""
_CONFIGS = frozenset(
    {
        "config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json",
        "image_processor_config.json", "video_preprocessor_config.json", "tokenizer_config.json",
        "special_tokens_map.json", "chat_template.json", "adapter_config.json", "model.json",
    }
)  # fmt: skip
_DATA = (
    frozenset(
        {
            "tokenizer.json",
            "vocab.json",
            "added_tokens.json",
            "calibration/calibration.json",
            JUDGED,
        }
    )
    | RECORDS
)
_TEXTS = frozenset({"merges.txt", "vocab.txt", "chat_template.jinja", "recipe.toml"})
_TEXT_NAMES = re.compile(r"(README|LICENSE|NOTICE|MODEL_CARD|USE_POLICY)[\w.-]*", re.IGNORECASE)
_INDEX = ".safetensors.index.json"
_FORBIDDEN = frozenset(
    {
        ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".dill", ".joblib", ".npy", ".npz", ".h5", ".hdf5",
        ".keras", ".msgpack", ".mar", ".nemo", ".zip", ".tar", ".whl", ".egg", ".jar", ".py", ".pyc", ".pyo", ".pyd",
        ".pyx", ".pth.tar", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".ps1",
    }
)  # fmt: skip
_MAGIC = {
    b"PK\x03\x04": "a zip archive, as torch.save writes it",
    b"PK\x05\x06": "a zip archive",
    b"\x7fELF": "a program",
    b"\xcf\xfa\xed\xfe": "a program",
    b"MZ\x90\x00": "a program",
    b"#!": "a script",
    b"\x93NUMPY": "a NumPy file, which may hold a pickle",
    b"\x89HDF": "an HDF5 file",
}
_CODE_KEYS = frozenset(
    {"auto_map", "custom_pipelines", "custom_generate", "trust_remote_code", "megatron_config"}
)
_KERNEL_KEYS = ("attn_implementation", "experts_implementation", "kernel_config")
_MAX_CONFIG = 64 << 20
_MAX_HEADER = 100_000_000  # what safetensors itself allows
_MAX_FILES = 1000
_MANY = 10_000
"""Instructions of a pickle that no text reads as by chance."""
_ADAPTERS = frozenset({"LORA"})
"""Kinds of adapters that load nothing but their own weights: others fetch models, or read pickles, by their config."""
_REMEDY = (
    "Use a model whose weights are safetensors and whose code is in transformers; nothing else is loaded."
)


def refused(folder: object, name: str, why: str, remedy: str = _REMEDY) -> ModelError:
    """The error about one file of a model."""
    return ModelError(f"{folder}: {name} is refused: {why}.", remedy=remedy)


def check_name(where: object, name: str) -> None:
    """Sees that a relative name stays inside the folder, on every system.

    Raises:
        ModelError: it does not, or has characters that no file of a model has.
    """
    parts = PurePosixPath(name).parts
    if not name or name.startswith("/") or "\\" in name or ":" in name or ".." in parts or len(parts) > 8:
        raise refused(where, repr(name), "it points out of the model's folder")
    if not name.isprintable() or len(name) > 255:
        raise refused(where, repr(name), "its name has characters that no file of a model has")


def is_known(where: object, name: str) -> bool:
    """Whether a file of this name is part of a model; others are left where they are.

    Raises:
        ModelError: the name is that of code, of a pickle, or of an archive.
    """
    check_name(where, name)
    path = PurePosixPath(name.lower())
    if found := next((suffix for suffix in path.suffixes if suffix in _FORBIDDEN), None):
        raise refused(where, name, f"{found} files can hold code")
    if any(part.startswith(".") for part in path.parts):
        return False
    if name in _DATA:
        return True
    if len(path.parts) > 1:
        return path.parts[0] == "additional_chat_templates" and path.suffix == ".jinja"
    return (
        name in _CONFIGS
        or name in _TEXTS
        or path.suffix == ".safetensors"
        or name.endswith(_INDEX)
        or (bool(_TEXT_NAMES.fullmatch(name)) and path.suffix in ("", ".md", ".txt"))
    )


def files_of(folder: Path) -> dict[str, Path]:
    """All files of a folder by their name in it, without hidden ones.

    Raises:
        ModelError: there is a link, or something that is no file, or there are too many.
    """
    found: dict[str, Path] = {}
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise refused(folder, name, "it is a link", "Copy the folder with what its links mean: cp -rL.")
        if not stat.S_ISREG(mode):
            raise refused(folder, name, "it is no regular file")
        found[name] = path
        if len(found) > _MAX_FILES:
            raise ModelError(
                f"{folder} has more than {_MAX_FILES} files: it is no model folder.",
                remedy="Give the folder that has the model, and nothing else, in it.",
            )
    return dict(sorted(found.items()))


def _walk(folder: Path) -> Iterator[Path]:
    for path, folders, files in os.walk(folder):
        links = [name for name in folders if Path(path, name).is_symlink()]
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in links)
        yield from (Path(path, name) for name in sorted([*files, *links]) if not name.startswith("."))


def check_file(folder: object, name: str, path: Path) -> None:
    """Sees that a file is what its name says, and brings no code along.

    Args:
        folder: of the model, for messages.
        name: in the model.
        path: where it lies.

    Raises:
        ModelError: it is not.
    """
    known = is_known(folder, name)
    if name.lower().endswith(".safetensors"):
        _check_safetensors(folder, name, path)
        return
    content = _unpacked(folder, name, path) if name == JUDGED else _beginning(path)
    if what := _is_dangerous(content):
        raise refused(folder, name, f"it is {what}")
    if not known:
        return
    if len(content) > _MAX_CONFIG:
        raise refused(folder, name, f"it has more than {_MAX_CONFIG >> 20} MB")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refused(folder, name, "it is no text") from error
    if name.endswith(".json"):
        _check_json(folder, name, text)
    elif "\x00" in text:
        raise refused(folder, name, "it is no text")


def _beginning(path: Path) -> bytes:
    """As much of a file as one may have, and a byte more where it has more."""
    with path.open("rb") as file:
        return file.read(_MAX_CONFIG + 1)


def _unpacked(folder: object, name: str, path: Path) -> bytes:
    """The same of what a file is that gzip packed, which says nothing of how much that is.

    Raises:
        ModelError: it is not packed by gzip.
    """
    try:
        with gzip.open(path) as file:
            return file.read(_MAX_CONFIG + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise refused(folder, name, "it is not what gzip packs, or damaged") from error


def _is_dangerous(head: bytes) -> str | None:
    """What a file's first bytes say that it is, if it is of a kind that can hold code."""
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            return what
    if head[257:262] == b"ustar":
        return "a tar archive"
    return "a pickle" if _is_pickle(head) else None


def _is_pickle(head: bytes) -> bool:
    """Whether a pickle begins here: by its mark, or, of the oldest kind, by instructions that name a class.

    Also when there are so many instructions that the one in question may come behind them.
    """
    if head[:1] == b"\x80" and head[1:2] in (b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    names_class = False
    with suppress(Exception):  # whatever is no pickle ends here, sooner or later
        for count, (opcode, _, _) in enumerate(pickletools.genops(head)):
            names_class = names_class or opcode.name in ("GLOBAL", "STACK_GLOBAL", "INST", "EXT1")
            if opcode.name == "STOP":
                return names_class
            if count > _MANY:
                return True
    return False


def _check_safetensors(folder: object, name: str, path: Path) -> None:
    """Header and length; what the tensors are is for the library, which reads numbers only."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(_MAX_HEADER, size - 8):
                raise ValueError("no header")
            header = json.loads(file.read(length).decode("utf-8"))
        ends = [int(tensor["data_offsets"][1]) for key, tensor in header.items() if key != "__metadata__"]
        if max(ends, default=0) != size - 8 - length:
            raise ValueError("cut off, or something behind it")
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise refused(folder, name, "its content is not safetensors") from error


def _check_json(folder: object, name: str, text: str) -> None:
    try:
        content = json.loads(text)
        found = _code_in(content) if name in _CONFIGS else None
    except (ValueError, RecursionError) as error:
        raise refused(folder, name, "it is no JSON", "Restore the file, or fetch the model again.") from error
    if name.endswith(_INDEX):
        _check_index(folder, name, content)
    if found:
        raise refused(folder, name, f"{found} asks for code from outside, which is never run")
    if name == "adapter_config.json":
        kind = content.get("peft_type") if isinstance(content, dict) else None
        if kind not in _ADAPTERS:
            raise refused(
                folder, name, f"an adapter of the kind {str(kind)[:40]!r} may load what is not in its folder"
            )
    weights = (
        content.get("transformers_weights") if name == "config.json" and isinstance(content, dict) else None
    )
    if weights and not _is_beside(weights, ".safetensors", _INDEX):
        raise refused(
            folder, name, f"it names the weights {str(weights)[:80]!r}, which are no safetensors beside it"
        )


def _check_index(folder: object, name: str, content: Any) -> None:
    """The shards that an index names are loaded as what they are called: each must be safetensors beside it."""
    shards = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(shards, dict):
        raise refused(folder, name, "it is no index of weights")
    for shard in set(map(str, shards.values())):
        if not _is_beside(shard, ".safetensors"):
            raise refused(folder, name, f"it names the weights {shard!r}, which are no safetensors beside it")


def _is_beside(name: object, *ends: str) -> bool:
    """Whether a name is that of a file in the same folder that was looked at, too: hidden ones are not."""
    text = str(name)
    return text.endswith(ends) and not text.startswith(".") and "/" not in text and "\\" not in text


def _code_in(value: Any, path: str = "") -> str | None:
    """Where a config asks for code that is not in the installed libraries, as a dotted path."""
    if isinstance(value, list):
        return next((found for one in value if (found := _code_in(one, path))), None)
    if not isinstance(value, dict):
        return None
    for key, one in value.items():
        where = f"{path}.{key}".lstrip(".")
        if key in _CODE_KEYS and one:
            return where
        if str(key).endswith(_KERNEL_KEYS) and any("/" in text or ":" in text for text in _texts(one)):
            return where
        if key == "parent_library" and one and not str(one).startswith("transformers."):
            return where
        if found := _code_in(one, where):
            return found
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
