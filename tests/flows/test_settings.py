from __future__ import annotations

from pathlib import Path

import pytest

from flows.settings import DEFAULT_HOME, load_settings, page_range, read_passwords
from schemas.errors import UsageError


def test_defaults_keep_everything_in_the_home_folder(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.home == tmp_path / DEFAULT_HOME
    assert settings.database_url == f"sqlite:///{settings.home}/ledger.db"
    assert settings.lake_uri == str(settings.home / "lake")
    assert settings.serve.schedule == "0 2 * * *"


def test_command_line_wins_over_environment_over_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("parquetry.toml").write_text(
        'schema = "receipt"\nmodel = "from-file"\n[read]\nmax_pages = 5\nmax_seconds = 7\n', encoding="utf-8"
    )
    monkeypatch.setenv("PARQUETRY_READ__MAX_PAGES", "6")
    monkeypatch.setenv("PARQUETRY_MODEL", "from-environment")
    settings = load_settings(model="from-command-line")
    assert settings.model == "from-command-line"
    assert settings.schema_ == "receipt"
    assert (settings.read.max_pages, settings.read.max_seconds) == (6, 7)
    assert load_settings().model == "from-environment"


def test_file_is_found_in_the_home_folder(tmp_path: Path) -> None:
    home = tmp_path / "elsewhere"
    home.mkdir()
    (home / "parquetry.toml").write_text("concurrency = 3\n", encoding="utf-8")
    assert load_settings(home=home).concurrency == 3


def test_a_settings_file_that_is_not_there_names_what_named_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = tmp_path / "gone.toml"
    with pytest.raises(UsageError, match="gone") as by_option:
        load_settings(gone)
    monkeypatch.setenv("PARQUETRY_CONFIG", str(gone))
    with pytest.raises(UsageError, match="gone") as by_variable:
        load_settings()
    assert "--config" in by_option.value.remedy and "PARQUETRY_CONFIG" in by_variable.value.remedy


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("PARQUETRY_HOM", "x", "PARQUETRY_HOME"),
        ("PARQUETRY_READ__MAX_PAGS", "3", "read.max_pages"),
    ],
)
def test_misspelt_names_are_refused_with_the_right_one(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, remedy: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert remedy in caught.value.remedy
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("toml", "part"),
    [
        ("concurrency = 0", "concurrency"),
        ("[serve]\nschedule = 'every night'", "cron line"),
        ("[serve]\ntimezone = 'Mars'", "time zone"),
        ("[read.pages]\nfirst = 3\nlast = 1", "ends before it begins"),
        ("surce = 'x'", "Unknown setting 'surce'"),
        ("schema = ", "is not TOML"),
    ],
)
def test_wrong_values_in_the_file_say_which_and_where(toml: str, part: str) -> None:
    Path("parquetry.toml").write_text(toml, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_settings()
    assert part in str(caught.value)
    assert "parquetry.toml" in str(caught.value)
    assert caught.value.remedy


def test_a_wrong_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("parquetry.toml").write_text('[read]\npasswords = "hunter2"\n', encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_settings()
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in f"{error!s} {getattr(error, 'remedy', '')}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_secrets_do_not_show() -> None:
    settings = load_settings(source="s3://key:hunter2@bucket/in", database="postgresql://u:hunter2@h/d")
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()
    assert "hunter2" in settings.database_url


def test_password_file_is_one_password_a_line(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.write_text("first\n\n with spaces \n", encoding="utf-8")
    assert [p.get_secret_value() for p in read_passwords(file)] == ["first", " with spaces "]
    with pytest.raises(UsageError, match="cannot be read"):
        read_passwords(tmp_path / "missing")


@pytest.mark.parametrize(("text", "expected"), [("1-3", (1, 3)), ("2-", (2, None)), ("4", (4, 4))])
def test_page_ranges(text: str, expected: tuple[int, int | None]) -> None:
    pages = page_range(text)
    assert (pages.first, pages.last) == expected


@pytest.mark.parametrize("text", ["", "0", "3-1", "a-b", "-3", "1-2-3", "1,2"])
def test_what_is_no_page_range_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no page range"):
        page_range(text)


@pytest.mark.parametrize(
    "line", ["61 2 * * *", "0 24 * * *", "0 2 * *", "every night at two am", "*/0 * * * *", "0 2 * 0 *"]
)
@pytest.mark.parametrize("name", ["SERVE__SCHEDULE", "ALERTS__LOOK_SCHEDULE"])
def test_a_cron_line_that_prefect_would_refuse_is_refused(
    line: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PARQUETRY_{name}", line)
    with pytest.raises(UsageError, match="not a cron line"):
        load_settings()


@pytest.mark.parametrize(
    "line", ["", "0 2 * * mon-fri", "*/15 * * * *", "0 2 1,15 JAN-mar 1-5/2", "0 2 l * 5#2"]
)
def test_cron_lines_of_prefect_are_taken(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARQUETRY_SERVE__SCHEDULE", f" {line}")
    assert load_settings().serve.schedule == line


def test_a_home_in_the_folder_that_a_worker_removes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = tmp_path / "tmp5pe3pwbiprefect"
    passing.mkdir()
    monkeypatch.chdir(passing)
    assert load_settings().home == passing / DEFAULT_HOME
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "fd0221ba-f465-408a-8e10-6426ac158bb3")
    with pytest.raises(UsageError, match="PARQUETRY_HOME to an absolute path"):
        load_settings()
    monkeypatch.setenv("PARQUETRY_HOME", str(tmp_path))
    assert load_settings().home == tmp_path
