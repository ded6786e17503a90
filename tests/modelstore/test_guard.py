"""What is refused in a model folder: code in any disguise, changed bytes, ways out of the folder."""

from __future__ import annotations

import ast
import gzip
import io
import json
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors.models import stored
from extractors.models.guard import JUDGED, check_file, check_name, is_known
from extractors.models.load import load_model, model_description
from extractors.models.manifest import check_folder
from flows.modelstore import fetch
from schemas.errors import ModelError
from tests.modelstore.making import write_checkpoint, write_tuned
from tests.tiny import tiny_model, tiny_processor

ROOT = Path(__file__).parents[2]


class Planted:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch /tmp/parquetry-was-here",)


def zipped() -> bytes:
    out = io.BytesIO()
    torch.save({"a": torch.ones(2)}, out)
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("pickle"))
    return out.getvalue()


def empty_zip() -> bytes:
    out = io.BytesIO()
    zipfile.ZipFile(out, "w").close()
    return out.getvalue()


OLD = pickle.dumps(Planted(), protocol=0)
DISGUISED: dict[str, bytes] = {
    "pickle behind many instructions": b"N0" * 40_000 + OLD,
    "pickle behind a long one": b"V" + b"x" * 100_000 + b"\n0" + OLD,
    **{f"pickle, protocol {n}": pickle.dumps(Planted(), protocol=n) for n in range(6)},
    "torch.save": zipped(),
    "empty zip": empty_zip(),
    "tar": tarred(),
    "program": b"\x7fELF\x02\x01\x01",
    "script": b"#!/bin/sh\ntouch /tmp/parquetry-was-here\n",
}


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "README.md", "merges.txt", "notes", "x.png"]
)
@pytest.mark.parametrize("what", DISGUISED)
def test_code_is_refused_under_any_name(what: str, name: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    (folder / name).write_bytes(DISGUISED[what])
    with pytest.raises(ModelError, match=f"{name} is refused") as caught:
        check_folder(folder)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "name",
    ["pytorch_model.bin", "weights.PT", "a.pth", "a.ckpt", "a.pkl", "modeling_evil.py", "a.joblib", "a.npz", "a.so",
     "deep/er/x.py", "model.pt.safetensors", ".hidden.py"],
)  # fmt: skip
def test_names_of_code_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can hold code"):
        is_known(tmp_path, name)
    folder = write_checkpoint(tmp_path / "m")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"{}")
    with pytest.raises(ModelError, match="can hold code"):
        fetch(str(folder), tmp_path / "cache") if not name.startswith(".") else is_known(folder, name)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("config.json", {"auto_map": {"AutoModel": "modeling_evil.Evil"}}, "auto_map"),
        ("config.json", {"text_config": {"auto_map": {"AutoModel": "a--b.C"}}}, "text_config.auto_map"),
        ("config.json", {"vision": [{"trust_remote_code": True}]}, "trust_remote_code"),
        ("config.json", {"_attn_implementation": "evil/kernel"}, "_attn_implementation"),
        ("config.json", {"text_config": {"attn_implementation": "evil/k@main:f"}}, "attn_implementation"),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["tok.Evil", None]}}, "auto_map"),
        ("processor_config.json", {"auto_map": {"AutoProcessor": "p.Evil"}}, "auto_map"),
        ("adapter_config.json", {"auto_mapping": {"parent_library": "evil"}}, "parent_library"),
        ("adapter_config.json", {"megatron_config": {"a": 1}, "megatron_core": "evil"}, "megatron_config"),
        ("config.json", [{"a": [[{"auto_map": "a.B"}]]}], "auto_map"),
        ("generation_config.json", {"custom_generate": "evil/repo"}, "custom_generate"),
    ],
)
def test_configs_that_ask_for_code_are_refused(file: str, content: Any, said: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    (folder / file).write_text(json.dumps(content))
    with pytest.raises(ModelError, match=said) as caught:
        check_folder(folder)
    assert "asks for code" in str(caught.value)
    with pytest.raises(ModelError, match="asks for code"):
        load_model(str(folder), tmp_path / "cache")
    with pytest.raises(ModelError, match="asks for code"):  # before a run begins, too
        model_description(str(folder))


@pytest.mark.parametrize(
    "shard",
    [
        ".hidden.safetensors",
        "../../other.safetensors",
        "/etc/x.safetensors",
        "pytorch_model.bin",
        "a\\b.safetensors",
    ],
)
def test_an_index_cannot_lead_elsewhere(shard: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": shard}}))
    with pytest.raises(ModelError, match=r"index\.json is refused"):
        check_folder(folder)
    (folder / "model.safetensors.index.json").unlink()
    (folder / "config.json").write_text(json.dumps({"transformers_weights": shard}))
    with pytest.raises(ModelError, match=r"config\.json is refused: it names the weights"):
        check_folder(folder)


@pytest.mark.parametrize(
    "config",
    [
        {"peft_type": "XLORA", "adapters": {"a": "org/of-the-hub"}},
        {"peft_type": "SHADOW", "shadow_model": "org/of-the-hub"},
        {"peft_type": "MULTITASK_PROMPT_TUNING", "prompt_tuning_init_state_dict_path": "/tmp/a.pkl"},
        {"peft_type": "PROMPT_TUNING", "tokenizer_name_or_path": "org/of-the-hub"},
        {},
        [],
    ],
)
def test_adapters_that_load_more_than_themselves_are_refused(config: Any, tmp_path: Path) -> None:
    """peft fetches what these name from the hub, or reads it as a pickle."""
    folder = write_tuned(tmp_path / "m")
    (folder / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="may load what is not in its folder"):
        check_folder(folder)


@pytest.mark.parametrize(
    "name", ["../x.json", "/etc/passwd", "a/../../b.json", "a\\b.json", "C:x", "a\x00b", "a\nb", ""]
)
def test_names_that_lead_out_are_refused(name: str) -> None:
    with pytest.raises(ModelError, match="is refused"):
        check_name("somewhere", name)


def test_links_and_pipes_are_refused(tmp_path: Path) -> None:
    for number, plant in enumerate(
        [
            lambda folder: (folder / "vocab.json").symlink_to("/etc/passwd"),
            lambda folder: (folder / "calibration").symlink_to(tmp_path),
            lambda folder: os.mkfifo(folder / "vocab.json"),
        ]
    ):
        folder = write_checkpoint(tmp_path / f"m{number}")
        plant(folder)
        for look in (check_folder, lambda one: fetch(str(one), tmp_path / "cache")):
            with pytest.raises(ModelError, match=r"is a link|no regular file"):
                look(folder)


def _header(content: bytes, **changed: object) -> bytes:
    """Weights whose first tensor is told in another way."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["a"] |= changed
    told = json.dumps(header).encode()
    return len(told).to_bytes(8, "little") + told + content[8 + length :]


@pytest.mark.parametrize(
    "harm",
    [
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: b"\xff" * 8 + content[8:],
        lambda content: content[:8] + b"[]" + content[10:],
        lambda content: b"",
        lambda content: _header(content, data_offsets=[0, 1e400]),
        lambda content: _header(content, data_offsets=[]),
    ],
)
def test_weights_that_are_no_safetensors_are_refused(harm: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "m") / "model.safetensors"
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(ModelError, match="not safetensors"):
        check_folder(path.parent)


@pytest.mark.parametrize(
    "content",
    [
        '{"a":' * 200_000,
        "[" * 950 + "]" * 950,
        '{"attn_implementation":' + "[" * 900 + '"a"' + "]" * 900 + "}",
    ],
    ids=["broken", "list", "texts"],
)
def test_deep_json_is_refused_and_not_the_end_of_the_process(content: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "m")
    (folder / "config.json").write_text(content)
    with pytest.raises(ModelError, match="no JSON"):
        check_folder(folder)


def test_weights_of_an_unknown_type_are_an_error_that_says_so(tmp_path: Path) -> None:
    """The length is right; what the library makes of it is not ours."""
    folder = tmp_path / "m"
    tiny_model(1).save_pretrained(folder)
    tiny_processor().save_pretrained(folder)
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content.replace(b'"dtype":"F32"', b'"dtype":"F99"'))
    with pytest.raises(ModelError, match="is no image-text-to-text checkpoint"):
        load_model(str(folder), tmp_path / "cache")
    (folder / "config.json").write_text('{"model_type": "idefics3", "text_config": 5}')
    with pytest.raises(ModelError, match=r"that can be loaded|is no image-text-to-text checkpoint"):
        load_model(str(folder), tmp_path / "cache")


@pytest.mark.parametrize(
    "card",
    [
        {"window_tokens": "many"},
        {"window_tokens": 0},
        {"window_tokens": 1.5},
        {"unsure_below": {}},
        {"rows_unsure_below": float("nan")},
    ],
)
def test_a_card_with_other_than_numbers_is_an_error_that_says_which(
    card: dict[str, Any], tmp_path: Path
) -> None:
    folder = write_tuned(tmp_path / "m")
    (folder / "model.json").write_text(json.dumps({"base": "embedded-base", **card}))
    with pytest.raises(ModelError, match=f"{next(iter(card))} is no number that can be"):
        load_model(str(folder), tmp_path / "cache")
    (folder / "model.json").write_text("[" * 100_000)
    with pytest.raises(ModelError, match=r"model\.json"):
        load_model(str(folder), tmp_path / "cache")


@pytest.fixture(scope="module")
def in_store(tmp_path_factory: pytest.TempPathFactory) -> stored.StoredModel:
    folder = tmp_path_factory.mktemp("flipped")
    return fetch(str(write_tuned(folder / "bills")), folder / "cache")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_is_refused(in_store: stored.StoredModel, data: st.DataObject) -> None:
    """Of any file, the manifest with it: what is in the store is what was fetched, or is not loaded."""
    names = [*in_store.manifest.files, "manifest.json"]
    path = in_store.folder / data.draw(st.sampled_from(names))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    flipped = content[at] ^ data.draw(st.integers(1, 255))
    path.chmod(0o600)
    path.write_bytes(content[:at] + bytes([flipped]) + content[at + 1 :])
    try:
        if (
            path.name == "manifest.json"
        ):  # what it tells of itself may differ; what it says of the files may not
            with suppress(ModelError):
                assert check_folder(in_store.folder, in_store.digest).files == in_store.manifest.files
        else:
            with pytest.raises(ModelError):
                check_folder(in_store.folder, in_store.digest)
            with pytest.raises(ModelError) as caught:
                load_model(in_store.reference, in_store.folder.parents[2])
            assert "base weights" not in str(caught.value)  # which are not here: it does not come so far
    finally:
        path.write_bytes(content)
    check_folder(in_store.folder, in_store.digest)


def test_files_that_come_or_go_are_noticed(tmp_path: Path) -> None:
    found = fetch(str(write_checkpoint(tmp_path / "m")), tmp_path / "cache")
    found.folder.chmod(0o700)
    (found.folder / "vocab.json").write_text("{}")
    with pytest.raises(ModelError, match="not in the manifest"):
        check_folder(found.folder, found.digest)
    (found.folder / "vocab.json").unlink()
    (found.folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json is missing"):
        check_folder(found.folder, found.digest)


def test_a_manifest_that_was_written_anew_does_not_help(tmp_path: Path) -> None:
    """Whoever changes a file and the manifest with it gets another digest, and that is the folder's name."""
    found = fetch(str(write_checkpoint(tmp_path / "m")), tmp_path / "cache")
    other = fetch(str(write_checkpoint(tmp_path / "n", seed=1.0)), tmp_path / "cache")
    for name in ("manifest.json", "model.safetensors"):
        (found.folder / name).chmod(0o600)
        (found.folder / name).write_bytes((other.folder / name).read_bytes())
    with pytest.raises(ModelError, match="is not the model"):
        check_folder(found.folder, found.digest)
    with pytest.raises(ModelError, match="is not the model"):
        load_model(found.reference, tmp_path / "cache")


def test_the_base_of_the_embedded_model_is_held_against_its_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from extractors.models import base, load
    from extractors.models.base import base_folder, file_sha256

    folder = write_checkpoint(base_folder(tmp_path))
    hashes = {path.name: file_sha256(path) for path in folder.iterdir()}
    (folder / "manifest.json").write_text(json.dumps({"base": base.WHEEL, "files": hashes}))
    loads: list[Path] = []
    monkeypatch.setattr(load, "_load_checkpoint", lambda found, cache: (loads.append(found), None))
    load.load_base("embedded-base", tmp_path)
    assert loads == [folder]
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match="it was changed"):
        load.load_base("embedded-base", tmp_path)
    assert loads == [folder]


def test_the_embedded_model_passes(tmp_path: Path) -> None:
    checked = check_folder(stored.EMBEDDED)
    assert all(is_known(stored.EMBEDDED, name) for name in checked.files)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no archive", "it is not what gzip packs"),
        (gzip.compress(b"{}")[:-6], "it is not what gzip packs"),
        (gzip.compress(pickle.dumps(Path("x"))), "it is a pickle"),
        (gzip.compress(b"\xff\xfe{}"), "it is no text"),
        (gzip.compress(bytes(65 << 20)), "it has more than 64 MB"),
    ],
)
def test_judged_documents_are_looked_into(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "judged.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=said):
        check_file(tmp_path, JUDGED, path)
    path.write_bytes(gzip.compress(b'{"version": 1}\n'))
    check_file(tmp_path, JUDGED, path)


LOADERS = {"load", "loads", "Unpickler", "read_pickle", "load_pickle"}
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def test_nothing_in_the_project_loads_a_pickle() -> None:
    """Neither by a module whose business that is, nor by torch and NumPy; code of a model is never trusted."""
    found = []
    paths = [
        path
        for package in ("schemas", "extractors", "flows", "scripts")
        for path in (ROOT / package).rglob("*.py")
    ]
    assert len(paths) > 300
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if problem := pickled(node):
                found.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}: {problem}")
    assert found == []


def pickled(node: ast.AST) -> str | None:
    if isinstance(node, ast.Import) and (bad := MODULES & {name.name.split(".")[0] for name in node.names}):
        return f"imports {bad}"
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
        return f"imports from {node.module}"
    if not isinstance(node, ast.Call):
        return None
    said = {word.arg: ast.unparse(word.value) for word in node.keywords}
    for name, wanted in (
        ("allow_pickle", "False"),
        ("trust_remote_code", "False"),
        ("use_safetensors", "True"),
    ):
        if said.get(name, wanted) != wanted:
            return f"{name}={said[name]}"
    called = ast.unparse(node.func)
    if called in ("torch.load", "torch.hub.load", "torch.save", "pandas.read_pickle", "pd.read_pickle"):
        return called
    if called in ("np.load", "numpy.load") and said.get("allow_pickle") != "False":
        return f"{called} without allow_pickle=False"
    if called.endswith("AutoModelForImageTextToText.from_pretrained") and "use_safetensors" not in said:
        return f"{called} without use_safetensors=True"
    return None


@pytest.mark.parametrize(
    "line",
    ["import pickle", "from joblib import load", "torch.load(p)", "np.load(p)", "np.load(p, allow_pickle=True)",
     "A.from_pretrained(p, trust_remote_code=True)"],
)  # fmt: skip
def test_that_test_sees_what_it_looks_for(line: str) -> None:
    assert any(pickled(node) for node in ast.walk(ast.parse(line)))
