from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.archives.kinds import ZIP
from flows.archives.limits import Limits
from flows.archives.names import MAX_CHARS, Labels, label
from flows.archives.unpack import unpack
from schemas.errors import DocumentError
from tests.archives import making
from tests.archives.making import PDF, zipped

Found = dict[str, bytes | str]


def open_zip(
    tmp_path: Path,
    data: bytes,
    limits: Limits | None = None,
    *,
    passwords: tuple[str, ...] = (),
    only: str | None = None,
) -> tuple[Found, DocumentError | None]:
    """Bytes, or the reason, of every member; and what was wrong with the archive as a whole."""
    path = making.written(tmp_path / "archive.zip", data)
    found: Found = {}
    wrong = None
    try:
        for member in unpack(path, ZIP, tmp_path, limits=limits or Limits(), passwords=passwords, only=only):
            assert member.name not in found
            if member.path is None:
                assert member.reason is not None and member.detail
                found[member.name] = member.reason.value
            else:
                found[member.name] = got = member.path.read_bytes()
                assert (hashlib.sha256(got).hexdigest(), len(got)) == (member.sha256, member.size)
                assert member.head == got[: len(member.head)]
    except DocumentError as error:
        wrong = error
    assert [left.name for left in tmp_path.iterdir()] == [
        "archive.zip"
    ]  # nothing is left, and nothing was written elsewhere
    return found, wrong


def test_members_come_one_by_one_with_those_of_archives_in_it(tmp_path: Path) -> None:
    inner = zipped({"x.pdf": b"x", "deep/y.pdf": b"y"})
    data = zipped(
        {"a/b.pdf": b"b", "a/more.zip": inner, "a/": b"", "__MACOSX/a/._b.pdf": b"", ".hidden": b""}
    )
    found, wrong = open_zip(tmp_path, data)
    assert wrong is None
    assert found == {"a/b.pdf": b"b", "a/more.zip!/x.pdf": b"x", "a/more.zip!/deep/y.pdf": b"y"}
    assert open_zip(tmp_path, data, only="a/more.zip!/x.pdf") == ({"a/more.zip!/x.pdf": b"x"}, None)


def test_no_name_leads_anywhere(tmp_path: Path) -> None:
    names = [
        "../../out.pdf",
        "/etc/passwd.pdf",
        "C:\\x\\y.pdf",
        "a/../../b.pdf",
        "new\nline.pdf",
        "x" * 5000 + ".pdf",
    ]
    found, wrong = open_zip(tmp_path, zipped(dict.fromkeys(names, PDF)))
    assert wrong is None and len(found) == len(names) and set(found.values()) == {PDF}
    assert {"out.pdf", "etc/passwd.pdf", "C:/x/y.pdf", "a/b.pdf", "new\ufffdline.pdf"} < set(found)
    assert max(map(len, found)) <= MAX_CHARS


def test_same_names_are_different_members(tmp_path: Path) -> None:
    data = making.with_twins(["same.pdf", "same.pdf", "SAME.pdf", "same.pdf"])
    found, _ = open_zip(tmp_path, data)
    assert found == {
        "same.pdf": PDF + b"0",
        "same.pdf (2)": PDF + b"1",
        "SAME.pdf": PDF + b"2",
        "same.pdf (3)": PDF + b"3",
    }
    assert open_zip(tmp_path, data, only="same.pdf (2)")[0] == {"same.pdf (2)": PDF + b"1"}


@given(st.lists(st.text(max_size=12), max_size=20))
def test_labels_are_unique_printable_and_the_same_again(names: list[str]) -> None:
    def labelled() -> list[str]:
        labels = Labels()
        return [labels.new(name) for name in names]

    given_names = labelled()
    assert len(set(given_names)) == len(names) and given_names == labelled()
    for name in map(label, names):
        assert name.isprintable() and not name.startswith("/") and ".." not in name.split("/")


def test_a_bomb_costs_only_itself(tmp_path: Path) -> None:
    data = zipped({"bomb.pdf": bytes(60_000_000), "good.pdf": PDF, "blank.tif": bytes(5_000_000)})
    found, wrong = open_zip(tmp_path, data)
    assert (found["bomb.pdf"], found["good.pdf"], wrong) == ("archive_limit", PDF, None)
    assert len(found["blank.tif"]) == 5_000_000  # a blank page packs as well, and is no bomb


def test_a_member_too_large_for_a_document(tmp_path: Path) -> None:
    found, _ = open_zip(
        tmp_path, zipped({"large.pdf": bytes(2000), "a.pdf": PDF}), Limits(max_member_bytes=1000)
    )
    assert found == {"large.pdf": "too_large", "a.pdf": PDF}


def test_beyond_the_total_every_member_is_told(tmp_path: Path) -> None:
    data = zipped({f"{n}.pdf": os.urandom(1000) for n in range(5)})
    found, wrong = open_zip(tmp_path, data, Limits(max_total_bytes=2500))
    assert [isinstance(v, str) for v in found.values()] == [False, False, True, True, True]
    assert wrong is not None and wrong.reason == "archive_limit"


def test_too_many_members_and_too_deep(tmp_path: Path) -> None:
    found, wrong = open_zip(tmp_path, zipped({f"{n}": b"" for n in range(11)}), Limits(max_members=10))
    assert not found and wrong is not None and wrong.reason == "archive_limit"
    inner = zipped({f"{n}": b"" for n in range(11)})
    found, wrong = open_zip(tmp_path, zipped({"in.zip": inner, "a.pdf": PDF}), Limits(max_members=10))
    assert found == {"in.zip": "archive_limit", "a.pdf": PDF} and wrong is None
    found, wrong = open_zip(tmp_path, making.quine())
    assert wrong is None and list(found.values()) == [PDF, PDF, PDF, "archive_limit"]


@pytest.mark.slow
def test_a_list_of_half_a_million_members_is_refused_within_memory(tmp_path: Path) -> None:
    found, wrong = open_zip(tmp_path, making.directory_only(500_000), Limits(memory_mb=200))
    assert not found and wrong is not None and wrong.reason in ("out_of_memory", "archive_limit")


def test_time_is_limited(tmp_path: Path) -> None:
    _, wrong = open_zip(tmp_path, zipped({"a.pdf": bytes(9_000_000)}), Limits(seconds=0.001))
    assert wrong is not None and wrong.reason == "timeout"


def test_damage_costs_only_the_damaged(tmp_path: Path) -> None:
    data = zipped({"a.pdf": b"first member", "b.pdf": b"second member"}, zipfile.ZIP_STORED)
    found, wrong = open_zip(tmp_path, making.corrupt(data, b"first member"))
    assert found == {"a.pdf": "broken", "b.pdf": b"second member"} and wrong is None
    for broken in (data[:-30], data[:40], b"PK\x03\x04" + os.urandom(500), b"PK\x05\x06"):
        found, wrong = open_zip(tmp_path, broken)
        assert not found and wrong is not None and wrong.reason == "broken"


def test_an_empty_archive_and_one_with_an_empty_one(tmp_path: Path) -> None:
    _, wrong = open_zip(tmp_path, zipped({}))
    assert wrong is not None and wrong.reason == "empty"
    found, wrong = open_zip(tmp_path, zipped({"none.zip": zipped({}), "a.pdf": b""}))
    assert (found, wrong) == ({"none.zip": "empty", "a.pdf": b""}, None)


@pytest.mark.parametrize(
    ("method", "reason"), [(9, "unsupported_type"), (98, "unsupported_type"), (61, "unsupported_type")]
)
def test_methods_that_cannot_be_unpacked(tmp_path: Path, method: int, reason: str) -> None:
    found, _ = open_zip(tmp_path, making.flagged(zipped({"a.pdf": PDF}), method=method))
    assert found == {"a.pdf": reason}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_can(tmp_path: Path, method: int) -> None:
    assert open_zip(tmp_path, zipped({"a.pdf": PDF * 99}, method)) == ({"a.pdf": PDF * 99}, None)


def test_sizes_after_the_data(tmp_path: Path) -> None:
    assert open_zip(tmp_path, making.streamed("a.pdf", PDF * 99)) == ({"a.pdf": PDF * 99}, None)


def test_encrypted_members_are_told(tmp_path: Path) -> None:
    locked = making.flagged(zipped({"a.pdf": PDF}), flags=1)
    assert open_zip(tmp_path, locked)[0] == {"a.pdf": "encrypted"}
    assert open_zip(tmp_path, locked, passwords=("wrong", "also wrong"))[0] == {"a.pdf": "encrypted"}
    assert open_zip(tmp_path, making.flagged(locked, method=99))[0] == {"a.pdf": "encrypted"}


def test_links_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("link.pdf")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    data = path.read_bytes()
    path.unlink()
    assert open_zip(tmp_path, data) == ({"link.pdf": "unsupported_type"}, None)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}, "Word"),
        ({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}, "Excel"),
        ({"[Content_Types].xml": b"<x/>", "ppt/presentation.xml": b"<x/>"}, "PowerPoint"),
        ({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b""}, "opendocument"),
        ({"META-INF/MANIFEST.MF": b"", "a/B.class": b""}, "Java"),
        ({"Index/Document.iwa": b"", "preview.jpg": b""}, "Pages"),
    ],
)
def test_an_office_file_is_no_archive(tmp_path: Path, members: dict[str, bytes], words: str) -> None:
    found, wrong = open_zip(tmp_path, zipped(members))
    assert not found and wrong is not None and wrong.reason == "unsupported_type" and words in str(wrong)
    found, wrong = open_zip(tmp_path, zipped({"letter.docx": zipped(members), "a.pdf": PDF}))
    assert found == {"letter.docx": "unsupported_type", "a.pdf": PDF} and wrong is None


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_whatever_is_damaged_every_member_is_told_or_the_archive_is(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray(zipped({"a.pdf": PDF * 50, "b.pdf": b"b" * 50, "c.zip": zipped({"d.pdf": PDF})}))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    _, wrong = open_zip(tmp_path_factory.mktemp("damaged"), bytes(whole))
    assert wrong is None or wrong.reason in (
        "broken",
        "archive_limit",
        "empty",
        "unsupported_type",
        "encrypted",
    )
