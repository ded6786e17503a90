"""What the page refuses: forged forms, foreign names, markup in documents, wrong addresses."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from flows.review.security import clean_name, load_secret
from flows.review.server import is_loopback
from flows.review.site import local_path
from schemas.errors import LedgerError, SourceError
from tests.review.support import Desk, desk, parsed, receipt_case, token_of

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)> \"quoted\" 'single' {{ 7777*3 }}"


def test_text_of_documents_is_only_ever_text(signed_in: Desk) -> None:
    case = receipt_case('<svg onload=x> & "name".pdf', EVIL, messages=[EVIL])
    case.data["company"] = EVIL
    [document_id] = signed_in.add(case)
    form = signed_in.form(document_id)
    assert form["v.company"] == [EVIL], "the browser sees the very text"
    form["comment"] = [EVIL]
    form["v.total"] = ["<b>x</b>"]
    pages = [
        signed_in.client.get("/"),
        signed_in.client.get(f"/?q={EVIL}"),
        signed_in.client.get(f"/documents/{document_id}"),
        signed_in.decide(document_id, form),
        signed_in.decide(document_id, {**form, "v.total": ["9.90"]}),
        signed_in.client.get(f"/documents/{document_id}"),
        signed_in.decide(document_id, form),  # stale: the conflict page
    ]
    assert [page.status_code for page in pages] == [200, 200, 200, 422, 303, 200, 409]
    for page in pages:
        tags = parsed(page.text).tags
        assert {a.get("src") for t, a in tags if t == "script"} <= {
            f"/static/{name}.js" for name in ("queue", "document", "hold")
        }
        assert not [a for _, a in tags if any(name.startswith("on") for name in a)]
        assert "b" not in {t for t, _ in tags} and "23331" not in page.text


def test_every_answer_carries_the_protective_headers(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    for path in (
        "/",
        "/who",
        f"/documents/{document_id}",
        "/static/base.css",
        "/nothing",
        f"/documents/{document_id}/pages/1.png",
    ):
        headers = signed_in.client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    assert signed_in.client.get("/").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_form_from_elsewhere_is_refused(signed_in: Desk, headers: dict[str, str]) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = signed_in.form(document_id)
    answer = signed_in.client.post(
        f"/documents/{document_id}/decision", data={**form, "action": "save"}, headers=headers
    )
    assert answer.status_code == 403
    assert signed_in.ledger.document(document_id).decisions == []


def test_our_own_origin_is_let_through(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = {**signed_in.form(document_id), "action": "save"}
    ours = {"origin": "http://127.0.0.1:8484", "sec-fetch-site": "same-origin"}
    assert (
        signed_in.client.post(f"/documents/{document_id}/decision", data=form, headers=ours).status_code
        == 303
    )


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_a_form_without_our_token_is_refused(signed_in: Desk, token: str | None) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = signed_in.form(document_id)
    del form["token"]
    if token is not None:
        form["token"] = [token]
    assert signed_in.decide(document_id, form).status_code == 403
    assert signed_in.ledger.document(document_id).decisions == []


def test_a_token_of_another_browser_is_refused(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = signed_in.form(document_id)
    signed_in.client.cookies.clear()
    signed_in.sign_in("Mallory")
    assert signed_in.decide(document_id, form).status_code == 403


def test_a_cookie_that_we_did_not_sign_counts_for_nothing(empty_desk: Desk) -> None:
    [document_id] = empty_desk.add(receipt_case("r.pdf", "Shop"))
    empty_desk.client.cookies.set("parquetry_reviewer", "eyJrZXkiOiJ4IiwicmV2aWV3ZXIiOiJBZGEifQ.aaaa.bbbb")
    answer = empty_desk.client.get(f"/documents/{document_id}")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/who?next=%2Fdocuments%2F{document_id}",
    )


def test_nothing_is_shown_before_a_name_was_given(empty_desk: Desk) -> None:
    [document_id] = empty_desk.add(receipt_case("r.pdf", "Shop"))
    for path in (
        "/",
        f"/documents/{document_id}",
        f"/documents/{document_id}/pages/1.png",
        f"/documents/{document_id}/original",
    ):
        assert empty_desk.client.get(path).status_code == 303
    assert empty_desk.reader.asked == []
    assert "no accounts and no passwords" in empty_desk.client.get("/who").text


def test_the_cookie_is_out_of_reach_of_scripts(empty_desk: Desk) -> None:
    cookie = empty_desk.client.get("/who").headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie


def test_a_name_must_be_a_name(empty_desk: Desk) -> None:
    page = empty_desk.client.get("/who")
    answer = empty_desk.client.post(
        "/who", data={"token": token_of(page.text), "name": "\u202e \t", "next": "/"}
    )
    assert answer.status_code == 422 and "Type a name." in answer.text
    assert clean_name("  Ada\r\nLove\u200blace  " + "x" * 200) == ("Ada Lovelace " + "x" * 200)[:80].strip()


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "/a\nb", ""]
)
def test_the_way_back_leads_nowhere_else(target: str) -> None:
    assert local_path(target) == "/"
    assert local_path("/documents/1?q=a") == "/documents/1?q=a"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::2]"])
def test_another_host_name_is_refused(signed_in: Desk, host: str) -> None:
    assert signed_in.client.get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost:8484", "127.0.0.1", "[::1]:8484"])
def test_this_machine_is_let_in(signed_in: Desk, host: str) -> None:
    assert signed_in.client.get("/healthz", headers={"host": host}).json() == {"status": "ok", "queue": 0}


def test_a_named_host_is_let_in(tmp_path: Path) -> None:
    with desk(tmp_path, hosts=["review.example"]) as made:
        assert made.client.get("/healthz", headers={"host": "review.example"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/documents/nope",
        "/documents/" + "0" * 64,
        "/nothing",
        "/documents/x/pages/y.png",
        "/static/../app.py",
    ],
)
def test_an_unknown_address_is_a_page_of_its_own(signed_in: Desk, path: str) -> None:
    answer = signed_in.client.get(path)
    assert answer.status_code == 404
    assert "To the queue" in answer.text


def test_an_oversized_form_is_refused(signed_in: Desk) -> None:
    [document_id] = signed_in.add(receipt_case("r.pdf", "Shop"))
    form = signed_in.form(document_id)
    form["comment"] = ["x" * (9 << 20)]
    assert signed_in.decide(document_id, form).status_code == 413


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "review.key"
    key = load_secret(path)
    assert load_secret(path) == key and len(key) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["review.key"]


def test_bytes_are_kept_under_their_own_hash_only(signed_in: Desk) -> None:
    case = receipt_case("r.pdf", "Shop")
    source = signed_in.folder / "x.pdf"
    source.write_bytes(case.content + b"changed")
    with pytest.raises(SourceError, match="changed while"):
        signed_in.store.put(source, case.sha256)
    assert not signed_in.store.has(case.sha256)
    assert list(signed_in.store.folder.iterdir()) == []
    with pytest.raises(LedgerError):
        signed_in.store.path("../../etc/passwd")


def test_loopback_is_recognised() -> None:
    assert [is_loopback(h) for h in ("127.0.0.1", "::1", "[::1]", "localhost", "127.8.8.8")] == [True] * 5
    assert [is_loopback(h) for h in ("0.0.0.0", "192.168.0.1", "::", "example.org")] == [False] * 4
