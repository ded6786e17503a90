"""``parquetry people`` and ``parquetry audit``, and who may reach the page from elsewhere."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from flows import worker
from flows.cli import main
from flows.home import open_ledger
from flows.ledger.store import Ledger
from flows.ledger.trust import Role, Sampling
from flows.review.server import require_sign_in
from flows.review_options import OidcOptions, ReviewOptions
from flows.settings import load_settings
from schemas.errors import UsageError
from schemas.extraction import Extraction
from tests.databases import sqlite_ledger
from tests.flows.working import RUN, make_parts, work

PASSWORD = "correct horse battery"


def call(monkeypatch: pytest.MonkeyPatch, line: str, typed: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return main(line.split())


def test_accounts_from_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "people list") == 0
    assert "No accounts" in capsys.readouterr().out
    assert call(monkeypatch, "people add ada --role admin --password-stdin", f"{PASSWORD}\n") == 0
    assert call(monkeypatch, "people add bob@example.org --no-password") == 0
    assert call(monkeypatch, "people set bob@example.org --role senior --close") == 0
    assert call(monkeypatch, "people list") == 0
    out = capsys.readouterr().out
    assert "ada" in out and "senior" in out and PASSWORD not in out
    assert call(monkeypatch, "people token ada") == 0
    assert len(capsys.readouterr().out.strip().split(".")) == 3
    with open_ledger(None, None) as (_, ledger):
        bob = ledger.credentials("bob@example.org")
        assert bob is not None and (bob[0].role, bob[0].active, bob[1]) == (Role.SENIOR, False, None)
        assert [line.actor for line in ledger.trail()] == ["console"] * 4


@pytest.mark.parametrize(
    ("line", "typed", "said"),
    [
        ("people add ada --role chief --no-password", "", "no role"),
        ("people add ada --password-stdin", "short\n", "10 to 500"),
        ("people add ada --role boss", "", "'boss' is no role"),  # nobody is asked for a password first
        ("people set ada --role boss --password", "", "'boss' is no role"),
        ("people set nobody --close", "", "no account"),
        ("people set nobody", "", "Nothing to change"),
        ("people token nobody", "", "no active account"),
        ("audit verify --file nowhere.jsonl", "", "cannot be read"),
        ("audit export --out no/such/folder/x", "", "cannot be written"),
        ("review --host 0.0.0.0", "", "only for this machine"),
    ],
)
def test_wrong_input_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, typed: str, said: str
) -> None:
    assert call(monkeypatch, line, typed) == 2
    out, err = capsys.readouterr()
    assert said in err and "What to do" in err and "Traceback" not in err and out == ""


def test_a_trail_is_exported_checked_and_a_changed_one_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("ada", "bob", "cy"):
        assert call(monkeypatch, f"people add {name} --role admin --no-password") == 0
    assert call(monkeypatch, "audit export --out trail.jsonl") == 0
    digest = capsys.readouterr().out.strip().splitlines()[-1]
    assert call(monkeypatch, f"audit verify --head {digest}") == 0
    assert call(monkeypatch, f"audit verify --file trail.jsonl --head {digest}") == 0
    capsys.readouterr()
    lines = Path("trail.jsonl").read_text(encoding="utf-8").splitlines()
    for changed in (
        lines[1:],
        lines[:1] + lines[2:],
        lines[:2],
        [lines[0].replace("ada", "eve"), *lines[1:]],
    ):
        Path("other.jsonl").write_text("\n".join(changed) + "\n", encoding="utf-8")
        assert call(monkeypatch, f"audit verify --file other.jsonl --head {digest}") == 6
        assert "not whole" in capsys.readouterr().err
    Path("other.jsonl").write_text(json.dumps({"number": 1}), encoding="utf-8")
    assert call(monkeypatch, "audit verify --file other.jsonl") == 6
    assert "no line of a trail" in capsys.readouterr().err


def test_the_page_is_reached_from_elsewhere_only_where_people_sign_in(tmp_path: Path) -> None:
    oidc = OidcOptions(
        issuer="https://id.example.org", client_id="x", client_secret=None, name="x", new_role=None
    )
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        require_sign_in(ledger, ReviewOptions())
        require_sign_in(ledger, ReviewOptions(url="http://localhost:8484"))
        require_sign_in(ledger, ReviewOptions(host="0.0.0.0", url="https://r.example.org", oidc=oidc))
        for options in (
            ReviewOptions(host="0.0.0.0"),
            ReviewOptions(host="::"),
            ReviewOptions(url="https://r.example.org"),
        ):
            with pytest.raises(UsageError):
                require_sign_in(ledger, options)
        ledger.add_account("ada", Role.ADMIN, actor="console")
        require_sign_in(ledger, ReviewOptions(host="0.0.0.0"))


@pytest.mark.parametrize(
    ("settings", "share"),
    [
        ({}, 0.0),
        ({"extract": {"error_budget": 0.02}}, 0.02),
        ({"extract": {"error_budget": 0.02}, "review": {"audit_share": 0.0}}, 0.0),
        ({"review": {"audit_share": 0.5}}, 0.5),
    ],
)
def test_what_lands_under_a_budget_is_looked_at_unless_said_otherwise(
    settings: dict[str, object], share: float
) -> None:
    review = load_settings(**settings).review
    budget = load_settings(**settings).extract.error_budget
    assert review.sampled(under_budget=budget is not None) == share


def test_a_worker_draws_what_it_accepts_and_what_it_queues(tmp_path: Path) -> None:
    review = {"audit_share": 1.0, "queue_share": 1.0}
    parts = make_parts(tmp_path, sqlite_ledger(tmp_path / "ledger.db"), documents=3, review=review)
    assert parts.sampling == Sampling(accepted=1.0, queued=1.0)
    worker.register_inputs(parts, RUN)
    work(parts)
    (figures,) = parts.ledger.sample_figures()
    assert (figures.kind, figures.drawn) == ("queue", 3)
    parts.ledger.close()


def test_of_what_is_accepted_the_files_are_kept_that_somebody_will_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the page of a blind sample has no picture, which gives it away, and nothing can be learnt from it."""
    review = {"audit_share": 0.5}
    parts = make_parts(tmp_path, sqlite_ledger(tmp_path / "ledger.db"), documents=24, review=review)
    plain = parts.extractor.extract

    def accepted(*arguments: Any) -> Extraction:
        return plain(*arguments).model_copy(update={"accepted": True})

    monkeypatch.setattr(parts.extractor, "extract", accepted)
    worker.register_inputs(parts, RUN)
    work(parts)
    drawn = {one.document_id for one in parts.ledger.samples(parts.schema.fingerprint)}
    kept = {path.name for path in parts.blobs.folder.iterdir()}
    assert 0 < len(drawn) < 24
    assert kept == {parts.ledger.document(one).sha256 for one in drawn}
    parts.ledger.close()
