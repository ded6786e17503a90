from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.intake_options import IntakeOptions
from flows.sources import SourceObject, display_name, reopen
from flows.sources import discover as discover_settled
from schemas.errors import DocumentError, SourceError
from schemas.outcome import FailureReason


def discover(uri: str, limit: int | None = None) -> Iterator[SourceObject]:
    """Files of a test are young; how they are waited for is tested by itself."""
    return discover_settled(uri, limit=limit, options=IntakeOptions(settle_seconds=0))


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


def test_folder_is_recursive_and_leaves_out_only_the_named(folder: Path) -> None:
    assert sorted(names(discover(str(folder)))) == ["b.pdf", "c.pdf", "z.pdf", "ü & 1.txt"]
    assert len(names(discover(folder.as_uri(), limit=2))) == 2
    (found,) = (o for o in discover(str(folder)) if o.name == "c.pdf")
    assert found.uri == (folder / "a/b/c.pdf").as_uri() and found.size == 9
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
        (b"PK\x05\x06", "application/zip"),
        (b"From: a@b.c\r\nTo: d@e.f\r\nSubject: x\r\n\r\n%PDF-", "message/rfc822"),
        (b"%PDF\n1 0 obj", "application/pdf"),
        (b"Subject: a memo\n\nno mail", "application/octet-stream"),
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
