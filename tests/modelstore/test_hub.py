"""Models from a hub: pinned, held against its hashes, and not asked for again; a hub that lies, and none at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from extractors.models.manifest import check_folder
from flows.modelstore import fetch
from flows.modelstore.hub import parse
from schemas.errors import ModelError
from tests.modelstore.hub_server import Hub, serving
from tests.modelstore.making import CHECKPOINT, write_checkpoint

REPOSITORY = "acme/bills-256m"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as made:
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        yield made


@pytest.fixture
def commit(hub: Hub, tmp_path: Path) -> str:
    return hub.push_folder(REPOSITORY, write_checkpoint(tmp_path / "pushed"))


def test_a_commit_is_fetched_and_pinned(hub: Hub, commit: str, tmp_path: Path) -> None:
    said: list[str] = []
    found = fetch(f"hf://{REPOSITORY}@{commit}", tmp_path / "cache", say=said.append)
    assert (found.name, found.manifest.revision) == ("bills-256m", commit)
    assert found.manifest.uri == f"hf://{REPOSITORY}@{commit}"
    assert sorted(found.manifest.files) == sorted(CHECKPOINT)
    assert "left out: .gitattributes" in said
    for name in CHECKPOINT:
        assert (found.folder / name).read_bytes() == (tmp_path / "pushed" / name).read_bytes()
    check_folder(found.folder, found.digest)
    assert {path.name for path in found.folder.iterdir()} == {*CHECKPOINT, "manifest.json"}
    about = f"/api/models/{REPOSITORY}/revision/{commit}"
    files = {f"/{REPOSITORY}/resolve/{commit}/{name}" for name in CHECKPOINT}
    assert {asked.split()[1] for asked in hub.asked} == {about, *files}  # and nothing else of anybody


def test_a_branch_is_pinned_to_what_it_was(hub: Hub, commit: str, tmp_path: Path) -> None:
    first = fetch(f"hf://{REPOSITORY}@main", tmp_path / "cache")
    assert first.manifest.uri == f"hf://{REPOSITORY}@{commit}"
    later = hub.push_folder(REPOSITORY, write_checkpoint(tmp_path / "later", seed=1.0) / ".")
    second = fetch(f"hf://{REPOSITORY}", tmp_path / "cache")
    assert second.manifest.revision == later != commit
    assert first.digest != second.digest
    check_folder(first.folder, first.digest)


def test_a_commit_in_the_store_needs_no_hub(
    hub: Hub, commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"hf://{REPOSITORY}@{commit}"
    found = fetch(uri, tmp_path / "cache")
    asked = len(hub.asked)
    assert fetch(uri, tmp_path / "cache") == found
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert fetch(uri, tmp_path / "cache") == found
    assert len(hub.asked) == asked


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_the_hub_is_not_asked(
    hub: Hub, commit: str, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE is set") as caught:
        fetch(f"hf://{REPOSITORY}@{commit}", tmp_path / "cache")
    assert "copy the folder" in caught.value.remedy
    assert hub.asked == []


def test_a_hub_that_cannot_be_reached_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be fetched from http://127\.0\.0\.1:9") as caught:
        fetch(f"hf://{REPOSITORY}@{'a' * 40}", tmp_path / "cache")
    assert "connection" in caught.value.remedy


def test_credentials_in_the_address_of_a_hub_are_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://me:hunter2@127.0.0.1:9")
    with pytest.raises(ModelError, match="cannot be fetched from http://127") as caught:
        fetch("hf://org/bills", tmp_path / "cache")
    assert "hunter2" not in str(caught.value) + caught.value.remedy


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_bytes_that_are_not_what_the_hub_says_are_refused(
    hub: Hub, commit: str, name: str, tmp_path: Path
) -> None:
    content = hub.files[REPOSITORY, commit][name]
    hub.lie[name] = content[:-2] + b" }" if name == "config.json" else content[:-1] + b"\x01"
    assert len(hub.lie[name]) == len(content)
    with pytest.raises(ModelError, match=f"{name} is refused"):
        fetch(f"hf://{REPOSITORY}@{commit}", tmp_path / "cache")
    assert not list((tmp_path / "cache" / "store").rglob("*.json"))


def test_a_hub_that_answers_for_another_commit_is_refused(hub: Hub, commit: str, tmp_path: Path) -> None:
    hub.commit_said = "b" * 40
    with pytest.raises(ModelError, match="not the commit that was asked for"):
        fetch(f"hf://{REPOSITORY}@{commit}", tmp_path / "cache")
    hub.commit_said = "main"
    with pytest.raises(ModelError, match="not the commit"):
        fetch(f"hf://{REPOSITORY}", tmp_path / "cache")


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ({"pytorch_model.bin": b"x"}, "can hold code"),
        ({"modeling_bills.py": b"import os"}, "can hold code"),
        ({"config.json": b'{"auto_map": {"AutoModel": "modeling_bills.Bills"}}'}, "asks for code"),
        ({"../../evil.json": b"{}"}, "out of the model's folder"),
        ({"README.md": b"\x80\x04\x95."}, "a pickle"),
        ({"model.safetensors": b"\x80\x04\x95."}, "not safetensors"),
    ],
)
def test_what_is_planted_in_a_repository_is_refused(
    hub: Hub, planted: dict[str, bytes], said: str, tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path / "pushed")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    commit = hub.push(REPOSITORY, files | planted)
    with pytest.raises(ModelError, match=said):
        fetch(f"hf://{REPOSITORY}@{commit}", tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*evil*"))
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("cache", "pushed")] == []


def test_what_is_not_there_is_named(hub: Hub, commit: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no model"):
        fetch("hf://acme/none@" + "a" * 40, tmp_path / "cache")
    with pytest.raises(ModelError, match="no such revision"):
        fetch(f"hf://{REPOSITORY}@v9", tmp_path / "cache")
    hub.private.add(REPOSITORY)
    with pytest.raises(ModelError, match="is gated") as caught:
        fetch(f"hf://{REPOSITORY}@main", tmp_path / "cache")
    assert "HF_TOKEN" in caught.value.remedy


@pytest.mark.parametrize(
    "uri", ["hf://", "hf://only", "hf://a/b/c", "hf://a/b@", "hf://a/../b", "hf://a/b@../x"]
)
def test_an_address_that_is_none_is_named(uri: str) -> None:
    with pytest.raises(ModelError, match="no address of a model"):
        parse(uri)
