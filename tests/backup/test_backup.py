"""A backup while a run is in progress, brought back into an empty place: nothing lost, nothing twice."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from flows.backup import BackupPlace, back_up, restore
from flows.cli import main
from flows.landing import read_all, read_current
from flows.ledger.dump import dump_ledger
from flows.ledger.store import Ledger
from flows.settings import Settings, load_settings
from schemas.errors import LandingError, LedgerError, UsageError
from tests.landing.conftest import Bucket, bucket, s3_server
from tests.landing.test_land import accept
from tests.ledger.builders import SCHEMA, sha_of

__all__ = ["bucket", "s3_server"]  # fixtures

BLOB = sha_of("a.pdf")


def land(ledger: Ledger, settings: Settings) -> int:
    from flows.landing import land as to_lake

    return to_lake(ledger, settings.lake_uri, SCHEMA, format=settings.lake_format).rows


def settings_in(folder: Path, database: str, **more: str) -> Settings:
    return load_settings(home=folder, database=database, **more)


def fill(settings: Settings, *names: str, run: str = "run-1") -> None:
    with Ledger.open(settings.database_url) as ledger:
        accept(ledger, *names, run=run)
        land(ledger, settings)
    blobs = settings.home / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / BLOB).write_bytes(b"a.pdf")
    (settings.home / "review.key").write_bytes(b"k" * 32)
    (settings.home / "review.key").chmod(0o600)
    (settings.home / "logs").mkdir(exist_ok=True)
    (settings.home / "logs" / "run.log").write_text("passing", encoding="utf-8")


def proven(settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What ``parquetry doctor --lake`` says of ledger and lake, which must agree."""
    monkeypatch.setenv("PARQUETRY_DATABASE", settings.database_url)
    monkeypatch.setenv("PARQUETRY_LAKE", settings.lake_uri)
    capsys.readouterr()
    assert main(["doctor", "--lake", "--home", str(settings.home)]) == 0
    return capsys.readouterr().out


def test_a_backup_amid_a_run_comes_back_whole_and_the_run_goes_on(
    empty_url: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On SQLite and on PostgreSQL: documents are accepted and landed by another thread all the while."""
    home = settings_in(tmp_path / "home", empty_url)
    fill(home, "a.pdf")
    names, stop = ["a.pdf"], threading.Event()

    def run() -> None:
        with Ledger.open(empty_url) as ledger:
            while not stop.is_set():
                names.append(f"{len(names)}.pdf")
                accept(ledger, names[-1], run=f"run-{len(names)}")
                land(ledger, home)

    working = threading.Thread(target=run)
    working.start()
    place = BackupPlace(str(tmp_path / "backups"))
    reports = []
    try:
        for _ in range(3):
            before = len(names)
            while len(names) < before + 3 and working.is_alive():
                stop.wait(0.05)
            report = back_up(home, place)
            while report.backup_id == f"{_now()}":  # names are seconds
                stop.wait(0.1)
            reports.append(report)
    finally:
        stop.set()
        working.join(60)
    assert all(report.missing == [] for report in reports)
    assert [report.home_files for report in reports] == [2, 2, 2]
    assert reports[2].copied < reports[2].lake_files + 2  # what an older backup has is not copied again

    with Ledger.open(empty_url) as ledger:
        then = {name for name, _ in _versions(home)}
        assert len(then) == len(names) == ledger.status().inputs

    url = _another(request, empty_url, tmp_path)
    other = settings_in(tmp_path / "other", url)
    found = restore(other, place, reports[1].backup_id)
    assert found.lake_files > 0 and found.home_files == 2
    assert (other.home / "blobs" / BLOB).read_bytes() == b"a.pdf"
    assert (other.home / "review.key").stat().st_mode & 0o777 == 0o600
    assert not (other.home / "logs").exists()
    assert "bill (parquet)" in proven(other, capsys, monkeypatch)
    with Ledger.open(url) as ledger:
        known = ledger.status().inputs
        assert 0 < known < len(names)
        # Nobody holds any more what was in work at that moment; a run would wait for the end of the lease.
        ledger.release_run(ledger.newest_runs(1)[0].run_id)
        accept(ledger, *names, run="again")  # the source still has all: what came later is done again
        ledger.check_conservation("again")
        land(ledger, other)
        assert ledger.status().inputs == len(names)
    assert {name for name, _ in _versions(other)} == then
    assert read_current(other.lake_uri, "bill").num_rows == len(names)
    assert "ok" in proven(other, capsys, monkeypatch)


def _now() -> str:
    import datetime as dt

    return f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}Z"


def _versions(settings: Settings) -> list[tuple[str, int]]:
    rows = [(row["row_key"], row["version"]) for row in read_all(settings.lake_uri, "bill").to_pylist()]
    assert len(set(rows)) == len(rows)
    return rows


def _another(request: pytest.FixtureRequest, url: str, folder: Path) -> str:
    """Another empty database on the same server, or another file."""
    if url.startswith("sqlite"):
        return f"sqlite:///{folder / 'other' / 'ledger.db'}"
    from tests.databases import execute

    server = str(request.getfixturevalue("postgres_server"))
    execute(server, "CREATE DATABASE restored")
    request.addfinalizer(lambda: execute(server, "DROP DATABASE restored WITH (FORCE)"))
    return server.replace("/postgres?", "/restored?")


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    made = load_settings(home=tmp_path / "home")
    fill(made, "a.pdf", "b.pdf")
    return made


def test_on_the_command_line(home: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(tmp_path / "backups")
    assert main(["backup", place, "--home", str(home.home)]) == 0
    assert "1 files of the lake, 2 of the home folder; 3 of them were new" in capsys.readouterr().out
    assert main(["restore", place, "--list"]) == 0
    assert "ledger.db, 3 files" in capsys.readouterr().out
    assert main(["restore", place, "--home", str(tmp_path / "other")]) == 0
    assert "bill: 1 batches, 2 rows agree with the ledger." in capsys.readouterr().out
    assert main(["doctor", "--lake", "--home", str(tmp_path / "other")]) == 0
    manifest = next((tmp_path / "backups" / "backups").glob("*/manifest.json"))
    assert json.loads(manifest.read_text())["missing"] == []


def test_nothing_is_written_over(home: Settings, tmp_path: Path) -> None:
    place = BackupPlace(str(tmp_path / "backups"))
    back_up(home, place)
    with pytest.raises(LedgerError, match="is not empty"):
        restore(home, place)
    with pytest.raises(UsageError, match="The lake is not empty: it has bill"):
        restore(load_settings(home=tmp_path / "other", lake=home.lake_uri), place)
    elsewhere = load_settings(
        home=home.home, database=f"sqlite:///{tmp_path}/new.db", lake=str(tmp_path / "l")
    )
    with pytest.raises(UsageError, match="is in use"):
        restore(elsewhere, place)


def test_a_changed_byte_is_told_and_nothing_wrong_is_restored(home: Settings, tmp_path: Path) -> None:
    place = BackupPlace(str(tmp_path / "backups"))
    report = back_up(home, place)
    dump = tmp_path / "backups" / "backups" / report.backup_id / "ledger.db"
    bytes_of_it = bytearray(dump.read_bytes())
    bytes_of_it[len(bytes_of_it) // 2] ^= 1
    dump.write_bytes(bytes(bytes_of_it))
    other = load_settings(home=tmp_path / "other")
    with pytest.raises(LandingError, match=r"ledger\.db is damaged"):
        restore(other, place)
    assert not (other.home / "ledger.db").exists()


def test_a_lake_that_lacks_a_file_is_told_and_comes_back_from_the_ledger(
    home: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = next((home.home / "lake" / "bill").glob("*.parquet"))
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    assert main(["backup", str(tmp_path / "backups"), "--home", str(home.home)]) == 1
    assert "1 files of the lake are not what the ledger has landed" in capsys.readouterr().out
    other = load_settings(home=tmp_path / "other")
    found = restore(other, BackupPlace(str(tmp_path / "backups")))
    assert (found.lake_files, found.checkups[0].troubles[0].repaired) == (0, True)
    assert (other.home / "lake" / "bill" / file.name).read_bytes() == whole


def test_older_backups_go_with_what_only_they_had(home: Settings, tmp_path: Path) -> None:
    place = BackupPlace(str(tmp_path / "backups"))
    first = back_up(home, place)
    (home.home / "blobs" / BLOB).unlink()  # an original that was deleted must not live on in backups for ever
    while _now() == first.backup_id:
        threading.Event().wait(0.1)
    second = back_up(home, place, keep=1)
    assert second.removed == [first.backup_id] and place.backups() == [second.backup_id]
    assert not place.has_object(BLOB)
    assert restore(load_settings(home=tmp_path / "other"), place).lake_files == 1


def test_a_delta_lake_is_made_anew_from_the_ledger(tmp_path: Path) -> None:
    made = load_settings(home=tmp_path / "home", lake_format="delta")
    fill(made, "a.pdf", "b.pdf")
    place = BackupPlace(str(tmp_path / "backups"))
    assert back_up(made, place).lake_files == 0
    other = load_settings(home=tmp_path / "other", lake_format="delta")
    found = restore(other, place)
    assert [t.repaired for t in found.checkups[0].troubles] and read_current(
        other.lake_uri, "bill"
    ).num_rows == 2


def test_buckets_for_lake_and_backups(bucket: Bucket, tmp_path: Path) -> None:
    name = bucket.uri.removesuffix("/lake")
    made = load_settings(home=tmp_path / "home", lake=bucket.uri)
    fill(made, "a.pdf", "b.pdf")
    place = BackupPlace(f"{name}/backups")
    report = back_up(made, place, keep=1)
    assert (report.lake_files, report.missing) == (1, [])
    other = load_settings(home=tmp_path / "other", lake=f"{name}/lake-2")
    assert restore(other, place).lake_files == 1
    assert read_current(other.lake_uri, "bill").num_rows == 2


def test_another_kind_of_database_is_refused(home: Settings, tmp_path: Path) -> None:
    place = BackupPlace(str(tmp_path / "backups"))
    back_up(home, place)
    other = load_settings(home=tmp_path / "other", database="postgresql://nobody@localhost:1/none")
    with pytest.raises(LedgerError):
        restore(other, place)


def test_a_server_that_does_not_answer_is_told_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="pg_dump failed") as caught:
        dump_ledger("postgresql://me:hidden@127.0.0.1:1/none", tmp_path)
    assert "hidden" not in str(caught.value)


def test_without_pg_dump_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(()))
    with pytest.raises(LedgerError, match="pg_dump is not installed") as caught:
        dump_ledger("postgresql://me@127.0.0.1:1/none", tmp_path)
    assert "postgresql-client" in caught.value.remedy
