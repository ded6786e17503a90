"""Models from folders and buckets into the store: whole or not at all, whoever else is at it, whatever happens."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import s3fs

from extractors.models.manifest import check_folder
from extractors.models.stored import StoredModel, find_stored, store_folder, stored_models
from flows.cli import main
from flows.modelstore import bring, fetch, listing
from schemas.errors import ModelError
from tests.landing.s3 import serving
from tests.modelstore.making import write_checkpoint, write_tuned

BUCKET = "models"


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    with serving() as (url, _):
        yield url


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_ENDPOINT_URL": s3_server,
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    yield client
    for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=found["Key"])
    client.delete_bucket(Bucket=BUCKET)
    s3fs.S3FileSystem.clear_instance_cache()


def upload(client: Any, folder: Path, key: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            client.put_object(Bucket=BUCKET, Key=f"{key}/{name}", Body=path.read_bytes())


def left_behind(cache: Path) -> list[Path]:
    return [path for path in store_folder(cache).iterdir() if path.name.startswith(".")]


def test_a_folder_becomes_a_model_of_the_store(tmp_path: Path) -> None:
    folder = write_tuned(tmp_path / "runs" / "bills" / "model")
    (folder / "reliability.png").write_bytes(b"\x89PNG")
    said: list[str] = []
    found = fetch(str(folder), tmp_path / "cache", say=said.append)
    assert found.name == "bills"  # `parquetry train` calls every folder model
    assert found.manifest.base == "embedded-base"
    assert found.manifest.revision == found.manifest.digest == found.digest
    assert "calibration/calibration.json" in found.manifest.files
    assert "left out: reliability.png" in said
    assert (
        json.loads((found.folder / "manifest.json").read_text())["files"].keys()
        == found.manifest.files.keys()
    )
    for path in [found.folder, *found.folder.rglob("*")]:
        assert not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH), path
    assert fetch(str(folder), tmp_path / "cache").digest == found.digest
    assert len(stored_models(tmp_path / "cache")) == 1
    assert left_behind(tmp_path / "cache") == []


@pytest.mark.slow
def test_the_same_files_have_the_same_digest_wherever_they_come_from(bucket: Any, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "bills")
    here = fetch(str(folder), tmp_path / "cache")
    upload(bucket, folder, "m/bills")
    there = fetch(f"s3://{BUCKET}/m/bills", tmp_path / "other")
    upload(bucket, here.folder, "copied/of-the-store")  # with its manifest
    again = fetch(f"s3://{BUCKET}/copied/of-the-store/", tmp_path / "third", name="bills")
    assert here.digest == there.digest == again.digest
    assert there.manifest.uri == f"s3://{BUCKET}/m/bills"
    check_folder(there.folder, here.digest)


@pytest.mark.slow
def test_what_a_bucket_still_has_as_it_was_is_not_fetched_again(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(bucket, write_checkpoint(tmp_path / "bills"), "bills")
    uri, cache = f"s3://{BUCKET}/bills", tmp_path / "cache"
    copied: list[str] = []
    real = listing.write_stream
    monkeypatch.setattr(
        "flows.modelstore.places.write_stream", lambda stream, to: (copied.append(to.name), real(stream, to))
    )
    first = fetch(uri, cache)
    assert len(copied) == len(first.manifest.files)
    assert fetch(uri, cache) == first
    assert len(copied) == len(first.manifest.files)
    bucket.put_object(Bucket=BUCKET, Key="bills/README.md", Body=b"# Newer")
    assert fetch(uri, cache).digest != first.digest
    path = find_stored("bills", cache).folder / "config.json"
    path.chmod(0o600)
    path.write_text("{}")  # what is damaged is
    check_folder(fetch(uri, cache).folder)


def test_a_bucket_with_a_changed_byte_is_refused_by_its_manifest(bucket: Any, tmp_path: Path) -> None:
    upload(bucket, fetch(str(write_checkpoint(tmp_path / "bills")), tmp_path / "cache").folder, "bills")
    key = "bills/tokenizer.json"
    content = bucket.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    bucket.put_object(Bucket=BUCKET, Key=key, Body=content.replace(b"2", b"3"))
    with pytest.raises(ModelError, match="it was changed"):
        fetch(f"s3://{BUCKET}/bills", tmp_path / "other")
    assert stored_models(tmp_path / "other") == []


@pytest.mark.slow
def test_a_bucket_that_changes_meanwhile_is_refused(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(bucket, write_checkpoint(tmp_path / "bills"), "bills")
    real = listing.write_stream

    def and_change(stream: Any, to: Path) -> None:
        real(stream, to)
        if to.name == "tokenizer.json":
            bucket.put_object(Bucket=BUCKET, Key="bills/README.md", Body=b"# Another one")

    monkeypatch.setattr("flows.modelstore.places.write_stream", and_change)
    with pytest.raises(ModelError, match="changed while it was fetched"):
        fetch(f"s3://{BUCKET}/bills", tmp_path / "cache")
    assert left_behind(tmp_path / "cache") == []


@pytest.mark.parametrize(
    ("key", "content", "said"),
    [
        ("pytorch_model.bin", b"x", "can hold code"),
        ("config.json", b'{"auto_map": {"A": "b.C"}}', "asks for code"),
    ],
)
def test_what_is_planted_in_a_bucket_is_refused(
    bucket: Any, key: str, content: bytes, said: str, tmp_path: Path
) -> None:
    upload(bucket, write_checkpoint(tmp_path / "bills"), "bills")
    bucket.put_object(Bucket=BUCKET, Key=f"bills/{key}", Body=content)
    with pytest.raises(ModelError, match=said):
        fetch(f"s3://{BUCKET}/bills", tmp_path / "cache")
    assert stored_models(tmp_path / "cache") == []


def test_a_key_that_leads_out_of_the_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server of the tests keeps such keys; a hostile one may."""

    class System:
        def invalidate_cache(self) -> None: ...

        def find(self, root: str, detail: bool) -> dict[str, dict[str, Any]]:
            return {f"{root}/../../up.json": {"name": "x", "type": "file", "size": 2}}

    monkeypatch.setattr("flows.modelstore.places.file_system", lambda uri: (System(), "bucket/bills"))
    with pytest.raises(ModelError, match="out of the model's folder"):
        fetch("s3://bucket/bills", tmp_path / "cache")


def test_a_tuned_model_brings_its_base_along_by_digest(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    base = fetch(str(write_checkpoint(tmp_path / "larger")), cache)
    folder = write_tuned(tmp_path / "bills", base="/home/ada/checkpoints/larger")
    with pytest.raises(ModelError, match="of the machine that trained it") as caught:
        fetch(str(folder), cache)
    assert "--base" in caught.value.remedy
    found = fetch(str(folder), cache, base="larger")
    assert found.manifest.base == base.reference
    named = fetch(str(write_tuned(tmp_path / "letters", base=f"larger@{base.digest[:10]}")), cache)
    assert named.manifest.base == base.reference
    with pytest.raises(ModelError, match="has no model 'larger'"):
        fetch(str(tmp_path / "letters"), tmp_path / "elsewhere")


def _fetch_in_process(uri: str, cache: str, gate: Any, results: Any) -> None:
    gate.wait(120)
    try:
        results.put(fetch(uri, Path(cache)).reference)
    except BaseException as error:
        results.put(repr(error))


@pytest.mark.slow
def test_processes_that_fetch_at_once_all_get_it(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "bills")
    context = multiprocessing.get_context("fork")
    gate, results = context.Barrier(4), context.Queue()
    arguments = (str(folder), str(tmp_path / "cache"), gate, results)
    processes = [context.Process(target=_fetch_in_process, args=arguments) for _ in range(4)]
    for process in processes:
        process.start()
    told = {results.get(timeout=120) for _ in processes}
    for process in processes:
        process.join(120)
    (found,) = stored_models(tmp_path / "cache")
    assert told == {found.reference}
    check_folder(found.folder, found.digest)
    assert left_behind(tmp_path / "cache") == []


KILLED = """
import sys, time
from pathlib import Path
from flows.modelstore import fetch, places
real = places.write_stream
def slowly(stream, to):
    real(stream, to)
    if to.name == "model.safetensors":
        print("in the middle", flush=True)
        time.sleep(600)
places.write_stream = slowly
fetch(sys.argv[1], Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_killed_fetch_leaves_nothing_that_counts_and_the_next_one_sweeps(tmp_path: Path) -> None:
    folder, cache = write_checkpoint(tmp_path / "bills"), tmp_path / "cache"
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), str(cache)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in the middle\n"
    before = left_behind(cache)
    assert before
    other = fetch(str(folder), cache, name="meanwhile")  # sweeps nothing that somebody still fills
    assert set(left_behind(cache)) == set(before)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdout.close()
    assert [one.name for one in stored_models(cache)] == ["meanwhile"]
    found = fetch(str(folder), cache)
    assert left_behind(cache) == []
    assert check_folder(found.folder, found.digest).files == other.manifest.files


def test_a_damaged_model_of_the_store_is_replaced(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "bills")
    found = fetch(str(folder), tmp_path / "cache")
    path = found.folder / "README.md"
    path.chmod(0o600)
    path.write_text("# Another\n")
    said: list[str] = []
    again = fetch(str(folder), tmp_path / "cache", say=said.append)
    assert again.folder == found.folder
    assert any("was damaged" in line for line in said)
    check_folder(again.folder, again.digest)
    assert left_behind(tmp_path / "cache") == []


def test_a_damaged_manifest_costs_its_own_model_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others stay, nothing older is taken in its place, and it can be fetched again."""
    cache = tmp_path / "cache"
    older = fetch(str(write_checkpoint(tmp_path / "old")), cache, name="bills")
    good = fetch(str(write_checkpoint(tmp_path / "good", seed=2.0)), cache, name="good")
    bad = fetch(str(write_checkpoint(tmp_path / "new", seed=1.0)), cache, name="bills")
    (bad.folder / "manifest.json").chmod(0o600)
    (bad.folder / "manifest.json").write_text("{")
    assert find_stored("good", cache).digest == good.digest
    assert find_stored(f"bills@{older.digest}", cache).digest == older.digest
    for name in ("bills", bad.reference):
        with pytest.raises(ModelError, match="is no manifest"):
            find_stored(name, cache)
    assert (
        main(["models", "list", "--home", str(tmp_path / "home"), "--config", _settings(tmp_path, cache)])
        == 0
    )
    out, err = capsys.readouterr()
    assert "good" in out and "damaged" in err and bad.digest[:12] in err.replace("\n", "")
    assert fetch(str(tmp_path / "new"), cache, name="bills").digest == bad.digest
    assert find_stored("bills", cache).digest == bad.digest


def _settings(folder: Path, cache: Path) -> str:
    path = folder / "settings.toml"
    path.write_text(f'cache = "{cache}"\n')
    return str(path)


@pytest.mark.parametrize("moment", ["while copying", "before"])
def test_a_full_disk_is_said_and_nothing_stays(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_checkpoint(tmp_path / "bills")
    if moment == "before":
        monkeypatch.setattr("flows.modelstore.fetching.shutil.disk_usage", lambda path: Free())
    else:

        def full(source: Any, to: Any, size: int) -> None:
            to.write(source.read(10))
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("flows.modelstore.listing.shutil.copyfileobj", full)
    with pytest.raises(ModelError, match=r"the disk of|disk of .* is full") as caught:
        fetch(str(folder), tmp_path / "cache")
    assert "Make room" in caught.value.remedy
    assert list(store_folder(tmp_path / "cache").iterdir()) == []


class Free:
    free = 3


@pytest.mark.slow
def test_a_model_that_another_machine_promoted_is_brought(bucket: Any, tmp_path: Path) -> None:
    upload(bucket, write_checkpoint(tmp_path / "bills"), "bills")
    uri = f"s3://{BUCKET}/bills"
    found = fetch(uri, tmp_path / "one")
    bring(found.reference, uri, tmp_path / "two")
    assert find_stored(found.reference, tmp_path / "two").digest == found.digest
    bucket.put_object(Bucket=BUCKET, Key="bills/README.md", Body=b"# Newer")
    bring(found.reference, uri, tmp_path / "two")  # it has it
    with pytest.raises(ModelError, match="no longer the model"):
        bring(found.reference, uri, tmp_path / "three")


def test_names_and_revisions_choose(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = fetch(str(write_checkpoint(tmp_path / "a")), cache, name="bills")
    time.sleep(0.01)
    second = fetch(str(write_checkpoint(tmp_path / "b", seed=2.0)), cache, name="bills")
    assert find_stored("bills", cache) == second
    assert find_stored(f"bills@{first.digest[:8]}", cache) == StoredModel(first.folder, first.manifest)
    with pytest.raises(ModelError, match="has no revision"):
        find_stored("bills@0000000", cache)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("", "address is empty"),
        ("/nowhere/at/all", "cannot be fetched"),
        ("ftp9://host/model", "cannot be fetched"),
        ("https://host/model", "cannot be fetched"),
        ("s3://key:secret@bucket/model", "carries credentials"),
        ("memory://nothing/here", "cannot be fetched|Nothing is at"),
    ],
)
def test_an_address_that_leads_nowhere_is_named(uri: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        fetch(uri, tmp_path / "cache")
    assert caught.value.remedy
    assert "secret" not in f"{caught.value} {caught.value.remedy}"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "config.json").unlink(), r"has no config\.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no .*safetensors"),
        (lambda folder: (folder / "model.json").write_text("{}"), r"has no adapter_config\.json"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "no manifest"),
        (lambda folder: (folder / "manifest.json").write_text('{"files": {"../x": {"sha256": "' + "0" * 64 + '"}}}'),
         "out of the model's folder"),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_model_is_named(spoil: Any, said: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "bills")
    spoil(folder)
    with pytest.raises(ModelError, match=said):
        fetch(str(folder), tmp_path / "cache")


@pytest.mark.parametrize("name", ["embedded", "promoted", "../up", ".hidden", "a b", "x" * 65, "a@b"])
def test_a_name_that_cannot_be_is_named(name: str, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "bills")
    with pytest.raises(ModelError, match="cannot be called"):
        fetch(str(folder), tmp_path / "cache", name=name)
