from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from flows.intake_options import IntakeOptions
from flows.sources import SourceObject, display_name, reopen
from flows.sources import discover as discover_settled
from schemas.errors import SourceError


def discover(uri: str, limit: int | None = None) -> Iterator[SourceObject]:
    return discover_settled(uri, limit=limit, options=IntakeOptions(settle_seconds=0))


def names(found: Iterator[SourceObject]) -> list[str]:
    return [display_name(o.uri) for o in found]


def test_archive_as_a_chained_source(tmp_path: Path) -> None:
    for archive in ("one.zip", "two.zip"):
        with zipfile.ZipFile(tmp_path / archive, "w") as out:
            out.writestr("in/a.pdf", f"%PDF- {archive}")
            out.writestr("b.pdf", "x")
    source = f"zip://::{tmp_path / 'one.zip'}"
    found = list(discover(source))
    assert [o.uri for o in found] == [
        f"zip://b.pdf::{tmp_path / 'one.zip'}",
        f"zip://in/a.pdf::{tmp_path / 'one.zip'}",
    ]
    assert found[1].fetch(tmp_path / "copy").path.read_text() == "%PDF- one.zip"
    again = reopen(source, found[1].uri)
    assert again == found[1] and again.version and again.fetch(tmp_path / "copy").size == found[1].size
    with pytest.raises(SourceError, match="not in the source"):
        reopen(f"zip://::{tmp_path / 'two.zip'}", found[1].uri)


@pytest.mark.parametrize(
    "source",
    [
        "/nowhere/at/all",
        "file:///nowhere",
        "memory://nowhere",
        "nosuch://x/y",
        "",
        "http://127.0.0.1:1/x.pdf",
    ],
)
def test_a_source_that_is_not_there_says_so_at_once(source: str) -> None:
    with pytest.raises(SourceError) as caught:
        discover(source)
    assert caught.value.remedy


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    for name in ("b.pdf", "a/c.pdf", "a/.hidden", "_tmp/d.pdf", "x?y#z.pdf"):
        system.pipe(f"/bucket/{name}", name.encode())
    yield system
    system.rm("/bucket", recursive=True)


def test_fsspec_folder(memory: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    found = list(discover("memory://bucket"))
    assert [o.uri for o in found] == [
        "memory:///bucket/_tmp/d.pdf",
        "memory:///bucket/a/c.pdf",
        "memory:///bucket/b.pdf",
        "memory:///bucket/x?y#z.pdf",
    ]
    assert found[3].fetch(tmp_path / "copy").path.read_bytes() == b"x?y#z.pdf"
    again = reopen("memory://bucket", found[1].uri)
    assert again == found[1] and again.version.startswith("7-")
    assert names(discover("memory://bucket", limit=1)) == ["d.pdf"]
    never = IntakeOptions(settle_seconds=100, settle_wait_seconds=0)
    assert all(o.unsettled for o in discover_settled("memory://bucket", options=never))
    with pytest.raises(SourceError, match="not in the source"):
        reopen("memory://bucket/a", found[2].uri)


def test_fsspec_object_that_goes_away(memory: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    (found,) = discover("memory://bucket/b.pdf")
    memory.rm("/bucket/b.pdf")
    with pytest.raises(SourceError, match=r"memory:///?bucket/b\.pdf cannot be fetched"):
        found.fetch(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    memory.pipe("/bucket/b.pdf", b"")


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(SourceError) as caught:
        discover("gs://bucket/folder")
    assert "gcsfs" in caught.value.remedy


@pytest.mark.parametrize("source", ["zip://::http://127.0.0.1/x.zip", "simplecache::https://10.0.0.1/a.pdf"])
def test_nothing_is_fetched_by_http_behind_our_back(source: str) -> None:
    with pytest.raises(SourceError, match="by HTTP"):
        discover(source)
