from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from flows.archives.kinds import MAIL, container_type
from flows.archives.limits import Limits
from flows.archives.unpack import unpack
from schemas.errors import DocumentError
from tests.archives import making
from tests.archives.making import PDF, jpeg, mail, zipped


def attachments(
    tmp_path: Path, message: EmailMessage | bytes, limits: Limits | None = None
) -> dict[str, bytes | str]:
    data = message if isinstance(message, bytes) else message.as_bytes()
    path = making.written(tmp_path / "mail.eml", data)
    return {
        member.name: member.path.read_bytes() if member.path else str(member.reason)
        for member in unpack(path, MAIL, tmp_path, limits=limits or Limits())
    }


def test_attachments_are_taken_and_the_text_is_not(tmp_path: Path) -> None:
    message = mail()
    message.add_alternative("<p>See attached</p>", subtype="html")
    message.add_attachment(PDF, maintype="application", subtype="pdf", filename="bill.pdf")
    message.add_attachment(jpeg(100), maintype="image", subtype="jpeg", filename="small.jpg")
    message.add_attachment(b"key", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")
    message.add_attachment("a,b", subtype="csv", filename="list.csv")
    message.add_attachment(
        zipped({"in.pdf": PDF}), maintype="application", subtype="zip", filename="more.zip"
    )
    assert container_type(message.as_bytes()) == MAIL
    assert attachments(tmp_path, message) == {
        "bill.pdf": PDF,
        "small.jpg": jpeg(100),
        "list.csv": b"a,b\n",
        "more.zip!/in.pdf": PDF,
    }


def test_pictures_in_the_text_count_when_they_are_large(tmp_path: Path) -> None:
    message = mail()
    message.add_alternative('<img src="cid:logo"><img src="cid:photo">', subtype="html")
    body = message.get_payload()[1]  # type: ignore[index]
    assert isinstance(body, EmailMessage)
    for name, size in (("logo", 5_000), ("photo", 400_000)):
        body.add_related(
            jpeg(size),
            maintype="image",
            subtype="jpeg",
            cid=f"<{name}>",
            filename=f"{name}.jpg",
            disposition="inline",
        )
    body.add_related(bytes(90_000), maintype="image", subtype="gif", cid="<banner>", disposition="inline")
    assert list(attachments(tmp_path, message)) == ["photo.jpg"]
    assert list(attachments(tmp_path, message, Limits(min_inline_bytes=0))) == ["logo.jpg", "photo.jpg"]


def test_a_mail_in_a_mail_is_opened_in_turn(tmp_path: Path) -> None:
    inner = mail("Re: the bill")
    inner.add_attachment(PDF, maintype="application", subtype="pdf", filename="bill.pdf")
    outer = mail("Fwd: the bill")
    outer.add_attachment(inner)
    empty = mail("nothing")
    outer.add_attachment(empty)
    assert attachments(tmp_path, outer) == {"Re: the bill.eml!/bill.pdf": PDF, "nothing.eml": "empty"}
    deep = mail("0")
    deep.add_attachment(PDF, maintype="application", subtype="pdf", filename="deep.pdf")
    for number in range(1, 6):
        message = mail(str(number))
        message.add_attachment(deep)
        deep = message
    assert attachments(tmp_path, deep) == {"4.eml!/3.eml!/2.eml": "archive_limit"}


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename=plain.pdf", "plain.pdf"),
        ("attachment; filename*=UTF-8''R%C3%A9sum%C3%A9.pdf", "Résumé.pdf"),
        ("attachment; filename*0*=UTF-8''a%20long; filename*1=%20na; filename*2=me.pdf", "a long%20name.pdf"),
        ("attachment; filename==?utf-8?B?UmVjaG51bmcgw7wucGRm?=", "Rechnung ü.pdf"),
        ("attachment; filename*=no-such-charset''x%FF.pdf", "xÿ.pdf"),
        ('attachment; filename="../../evil.pdf"', "evil.pdf"),
        ("attachment", "part 1.pdf"),
        ("attachment; filename==?utf-8?B?broken", "=?utf-8?B?broken"),
    ],
)
def test_file_names_in_every_spelling(tmp_path: Path, header: str, name: str) -> None:
    raw = (
        "From: a@b.c\nTo: d@e.f\nSubject: x\nMIME-Version: 1.0\n"
        f"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\nContent-Disposition: {header}\n\nJVBERi0=\n"
    )
    assert list(attachments(tmp_path, raw.encode()).values()) == [b"%PDF-"]
    assert name in attachments(tmp_path, raw.encode()) or name == "xÿ.pdf"


def parts(*bodies: str) -> bytes:
    head = "From: a@b.c\nTo: d@e.f\nSubject: x\nContent-Type: multipart/mixed; boundary=XX\n\n"
    return (head + "".join(f"--XX\n{body}\n" for body in bodies) + "--XX--\n").encode(
        "utf-8", "surrogateescape"
    )


@pytest.mark.parametrize(
    ("part", "data"),
    [
        ("Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nJVBE!!Ri0\n", b"%PDF-"),
        ("Content-Type: application/pdf\nContent-Transfer-Encoding: no-such\n\n%PDF-", b"%PDF-"),
        (
            "Content-Type: application/pdf\nContent-Transfer-Encoding: quoted-printable\n\n=25PDF-=ZZ",
            b"%PDF-=ZZ",
        ),
        ("Content-Type: application/pdf; charset=nonsense\n\n%PDF-", b"%PDF-"),
        ("Content-Type: application/pdf; name=\udcff.pdf\n\n%PDF-", b"%PDF-"),
        ("Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n", b""),
    ],
)
def test_broken_encodings_lose_nothing(tmp_path: Path, part: str, data: bytes) -> None:
    assert [v if isinstance(v, str) else v.strip() for v in attachments(tmp_path, parts(part)).values()] == [
        data
    ]


def test_a_mail_that_breaks_off_gives_what_there_is(tmp_path: Path) -> None:
    whole = mail()
    whole.add_attachment(PDF * 500, maintype="application", subtype="pdf", filename="bill.pdf")
    data = whole.as_bytes()
    found = attachments(tmp_path, data[: len(data) - 2000])
    assert isinstance(got := found["bill.pdf"], bytes) and got.startswith(PDF) and len(got) < len(PDF * 500)


def test_a_mail_without_attachments_says_so(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no attachment") as caught:
        attachments(tmp_path, mail())
    assert caught.value.reason == "empty"


@pytest.mark.parametrize(
    "data",
    [
        b"From: a\nTo: b\nSubject: c\nContent-Type: multipart/mixed; boundary=X\n\n" + b"--X\n" * 200_000,
        b"From: a\nTo: b\nSubject: c\n"
        + b"".join(b"Content-Type: multipart/mixed; boundary=B%d\n\n--B%d\n" % (n, n) for n in range(5_000)),
        b"From: a\nTo: b\nSubject: c\nContent-Type: message/rfc822\n\n"
        + b"Content-Type: message/rfc822\n\n" * 5_000,
    ],
    ids=["boundaries", "nested parts", "nested mails"],
)
def test_hostile_mails_end(tmp_path: Path, data: bytes) -> None:
    try:
        found = attachments(tmp_path, data, Limits(seconds=20, max_members=50))
        assert all(isinstance(v, bytes) or v for v in found.values())
    except DocumentError as error:
        assert error.reason in (
            "broken",
            "empty",
            "archive_limit",
            "timeout",
            "out_of_memory",
            "reader_crashed",
        )


def test_what_is_no_mail() -> None:
    for text in (
        b"",
        b"hello",
        b"Subject: memo\n\nbody",
        b"From: a\nTo: b\nSubject: \x00",
        b"http://x/y\nhttps://z",
    ):
        assert container_type(text) is None
