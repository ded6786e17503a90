from __future__ import annotations

import functools
import hashlib
import http.server
import os
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from flows.sources import SourceObject, discover, display_name, public_uri, reopen
from schemas.errors import DocumentError, SourceError
from schemas.outcome import FailureReason


def names(found: Iterator[SourceObject]) -> list[str]:
    return [display_name(o.uri) for o in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "in box"
    for name in (
        "b.pdf",
        "a/z.pdf",
        "a/ü & 1.txt",
        "a/b/c.pdf",
        ".hidden.pdf",
        ".git/x.pdf",
        "up.pdf.part",
        "~$doc.docx",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def test_folder_is_recursive_sorted_and_leaves_out_only_the_named(folder: Path) -> None:
    assert names(discover(str(folder))) == ["c.pdf", "z.pdf", "ü & 1.txt", "b.pdf"]
    assert names(discover(folder.as_uri(), limit=2)) == ["c.pdf", "z.pdf"]
    first = next(discover(str(folder)))
    assert first.uri == (folder / "a/b/c.pdf").as_uri() and first.size == 9
    assert names(discover(str(folder / ".hidden.pdf"))) == [".hidden.pdf"]


def test_relative_and_absolute_sources_name_the_same_objects(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert list(discover("in box")) == list(discover(str(folder / "a" / "..")))


def test_fetch_copies_hashes_and_tells_the_type(folder: Path, tmp_path: Path) -> None:
    (folder / "b.pdf").write_bytes(b"\n%PDF-1.7 rest")
    found = next(o for o in discover(str(folder)) if o.name == "b.pdf")
    got = found.fetch(tmp_path / "copy")
    assert got.path.read_bytes() == b"\n%PDF-1.7 rest"
    assert got.sha256 == hashlib.sha256(b"\n%PDF-1.7 rest").hexdigest()
    assert (got.size, got.media_type, got.version) == (14, "application/pdf", found.version)


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"II*\x00", "image/tiff"),
        (b"MM\x00*", "image/tiff"),
        (b"PK\x03\x04", "application/zip"),
        (b"", "application/octet-stream"),
        (b"hello", "application/octet-stream"),
    ],
)
def test_media_types(tmp_path: Path, head: bytes, media_type: str) -> None:
    (tmp_path / "x").write_bytes(head)
    (found,) = discover(str(tmp_path / "x"))
    assert found.fetch(tmp_path / "copy").media_type == media_type


def test_version_follows_the_file(folder: Path) -> None:
    def version() -> str:
        return next(discover(str(folder / "b.pdf"))).version

    before = version()
    assert version() == before
    os.utime(folder / "b.pdf", (1, 1))
    assert version() != before


def test_too_large_is_a_document_error_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    found = next(discover(str(folder / "b.pdf")))
    with pytest.raises(DocumentError) as caught:
        found.fetch(tmp_path / "copy", max_bytes=4)
    assert caught.value.reason is FailureReason.TOO_LARGE
    (folder / "b.pdf").write_bytes(b"grown meanwhile")
    with pytest.raises(DocumentError):
        found.fetch(tmp_path / "copy", max_bytes=6)
    assert not (tmp_path / "copy").exists()


def test_links_are_followed_and_loops_end(folder: Path) -> None:
    (folder / "a" / "loop").symlink_to(folder)
    (folder / "self").symlink_to("self")
    (folder / "gone.pdf").symlink_to("nowhere.pdf")
    (folder / "linked.pdf").symlink_to(folder / "b.pdf")
    found = {o.name: o for o in discover(str(folder))}
    assert sorted(found) == ["b.pdf", "c.pdf", "gone.pdf", "linked.pdf", "self", "z.pdf", "ü & 1.txt"]
    for broken in ("gone.pdf", "self"):
        with pytest.raises(SourceError):
            found[broken].fetch(folder / "copy")


def test_special_files_neither_count_nor_block(folder: Path) -> None:
    os.mkfifo(folder / "pipe.pdf")
    assert "pipe.pdf" not in names(discover(str(folder)))
    with pytest.raises(SourceError, match="neither file nor folder"):
        next(discover(str(folder / "pipe.pdf")))


def test_a_file_that_becomes_a_pipe_does_not_block(folder: Path, tmp_path: Path) -> None:
    found = next(discover(str(folder / "b.pdf")))
    (folder / "b.pdf").unlink()
    os.mkfifo(folder / "b.pdf")
    with pytest.raises(SourceError, match=r"b\.pdf cannot be fetched: .*no regular file"):
        found.fetch(tmp_path / "copy")


def test_folder_deeper_than_python_may_call(tmp_path: Path) -> None:
    depth, root = 600, tmp_path
    handle = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=handle)
        below = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(os.open("deep.pdf", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
    os.close(handle)
    assert names(discover(str(root))) == ["deep.pdf"]


def test_names_in_any_encoding(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff\xfe caf\xe9?#%.pdf"
    Path(os.fsdecode(raw)).write_bytes(b"x")
    (found,) = discover(str(tmp_path))
    assert found.uri.endswith("/%FF%FE%20caf%E9%3F%23%25.pdf") and found.uri.isascii()
    assert found.fetch(tmp_path / ".copy").size == 1
    assert reopen(str(tmp_path), found.uri).fetch(tmp_path / ".copy").size == 1


def test_unreadable_folder_and_file_are_failed_inputs_not_silence(folder: Path) -> None:
    if os.geteuid() == 0:
        pid = os.fork()  # root may read everything: look at it as nobody
        if pid == 0:
            code = 1
            try:
                (folder / "a").chmod(0)
                for parent in (folder, *list(folder.parents)[:-2]):
                    parent.chmod(0o755)
                os.setuid(65534)
                _check_unreadable(folder)
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0
    else:
        (folder / "a").chmod(0)
        _check_unreadable(folder)
    (folder / "a").chmod(0o755)


def _check_unreadable(folder: Path) -> None:
    found = {o.name: o for o in discover(str(folder))}
    assert sorted(found) == ["a", "b.pdf"]
    with pytest.raises(SourceError, match="Permission denied"):
        found["a"].fetch(Path("/nonexistent"))


def test_settling_passes_over_fresh_files(folder: Path) -> None:
    old = time.time() - 100
    os.utime(folder / "b.pdf", (old, old))
    assert names(discover(str(folder), settle_seconds=50)) == ["b.pdf"]


def test_a_time_in_the_future_hides_no_file(folder: Path) -> None:
    later = time.time() + 10_000
    os.utime(folder / "b.pdf", (later, later))
    assert "b.pdf" in names(discover(str(folder)))
    assert names(discover(str(folder), settle_seconds=50)) == ["b.pdf"]


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
    assert names(discover("memory://bucket", settle_seconds=100)) == []
    with pytest.raises(SourceError, match="not in the source"):
        reopen("memory://bucket/a", found[2].uri)


def test_fsspec_object_that_goes_away(memory: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    (found,) = discover("memory://bucket/b.pdf")
    memory.rm("/bucket/b.pdf")
    with pytest.raises(SourceError, match=r"memory:///?bucket/b\.pdf cannot be fetched"):
        found.fetch(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    memory.pipe("/bucket/b.pdf", b"")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "bill.pdf").write_bytes(b"%PDF-1.4 web")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=tmp_path / "web")
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_http_is_one_file_and_keeps_its_token_for_itself(web: str, tmp_path: Path) -> None:
    source = f"{web}/bill.pdf?token=SECRET"
    (found,) = discover(source)
    assert found.uri == f"{web}/bill.pdf" and "SECRET" not in repr(found)
    got = found.fetch(tmp_path / "copy")
    assert got.media_type == "application/pdf" and got.size == 12
    assert reopen(source, found.uri).fetch(tmp_path / "copy").sha256 == got.sha256
    with pytest.raises(SourceError) as caught:
        discover(f"{web}/missing.pdf?token=SECRET")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "public"),
    [
        ("/a/b c.pdf", "/a/b c.pdf"),
        ("docs", "docs"),
        ("file:///a/b@c?token=1", "file:///a/b@c?token=1"),
        ("s3://bucket/key", "s3://bucket/key"),
        ("s3://bucket/a@b/c:d", "s3://bucket/a@b/c:d"),
        ("s3://AK:SE@bucket/key", "s3://bucket/key"),
        ("s3://AK:S/E@bucket/key", "s3://bucket/key"),
        ("s3://bucket/what?now", "s3://bucket/what?now"),
        ("ftp://user:p@ss@host:21/x", "ftp://host:21/x"),
        ("https://host/x?page=2&sig=abc", "https://host/x?page=2"),
        ("https://host/x?page=2", "https://host/x?page=2"),
        ("https://host/x?a=%2F", "https://host/x?a=%2F"),
        ("https://u:p@host:8443/x?access_token=1#frag", "https://host:8443/x"),
        ("https://h/x?X-Amz-Signature=1&X-Amz-Credential=2&AWSAccessKeyId=3&v=4", "https://h/x?v=4"),
        (
            "https://h.blob.core.windows.net/c/x?sv=1&se=2&sp=r&sig=3&snapshot=9",
            "https://h.blob.core.windows.net/c/x?snapshot=9",
        ),
        ("https://h/x?apikey=1&api_key=2&api-key=3&keyword=shoes", "https://h/x?keyword=shoes"),
        ("zip://a.pdf::https://u:p@h/x.zip?token=1", "zip://a.pdf::https://h/x.zip"),
        ("HTTPS://u:p@h/x", "https://h/x"),
    ],
)
def test_public_uri(uri: str, public: str) -> None:
    assert public_uri(uri) == public
    assert public_uri(public) == public
