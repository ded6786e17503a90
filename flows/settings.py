"""What a user may set, from four places: command line, environment, one TOML file, defaults; in that order.

The environment variables are ``PARQUETRY_`` plus the name, nested by two underscores
(``PARQUETRY_READ__MAX_PAGES=20``). The TOML file is the first that exists of: ``--config``,
``PARQUETRY_CONFIG``, ``parquetry.toml`` in the working directory, ``parquetry.toml`` in the home folder.

Importing this module sets what must be set before Prefect is imported: no telemetry, a home of its own.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from extractors.options import ExtractOptions, PageRange, ReadOptions, VllmOptions
from flows.alert_options import AlertOptions, HookOptions
from flows.cluster.options import RayOptions
from flows.cost_options import CostOptions
from flows.cron import cron_line
from flows.intake_options import IntakeOptions
from flows.logs import LogFormat
from flows.review_options import ReviewOptions
from schemas.errors import UsageError

PREFIX = "PARQUETRY_"
CONFIG_VARIABLE = "PARQUETRY_CONFIG"
CONFIG_NAME = "parquetry.toml"
DEFAULT_HOME = Path(".parquetry")
_PAGES = re.compile(r"(\d{1,6})(?:(-)(\d{1,6})?)?")

# Prefect's server phones home unless told not to; nothing here opens a connection nobody asked for.
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # so does Ray


def _in_passing_folder() -> bool:
    """Whether this is a run of a process worker, in the temporary folder that it makes for each."""
    return (
        "PREFECT__FLOW_RUN_ID" in os.environ and re.fullmatch(r"tmp\w+prefect", Path.cwd().name) is not None
    )


class ServeSettings(BaseModel):
    """What ``parquetry serve`` brings up. It listens on the loopback address only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefect_port: int = Field(4200, ge=1, le=65535, description="port of the Prefect server and its UI")
    schedule: str = Field("0 2 * * *", description="cron line of the batch run; empty: no schedule")
    land_schedule: str = Field(
        "*/15 * * * *", description="cron line for landing what reviewers decided; empty: no schedule"
    )
    maintain_schedule: str = Field("30 5 * * *", description="cron line of the upkeep; empty: no schedule")
    timezone: str = Field("UTC", description="time zone of the cron lines")

    @field_validator("schedule", "land_schedule", "maintain_schedule")
    @classmethod
    def _cron(cls, value: str) -> str:
        return cron_line(value, "0 2 * * *")

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is not a time zone, such as 'Europe/Berlin'")
        return value


class GpuOptions(BaseModel):
    """How many runs may have the model on the GPUs at a time; counted by Prefect's server, across machines."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: str | None = Field(
        None,
        min_length=1,
        max_length=100,
        pattern=r"^[^/%&><]+$",  # what Prefect allows in a name
        description="name of a global concurrency limit of Prefect; a run takes a slot while it uses the model",
    )
    slots: int = Field(1, ge=1, description="how many slots `parquetry deploy apply` gives that limit")
    wait_seconds: float | None = Field(
        None, gt=0, description="how long a run waits for a slot; empty: as long as it takes"
    )
    lease_seconds: float = Field(
        120.0, ge=60, le=86_400, description="after this silence of its process, a slot is free again"
    )


class Settings(BaseSettings):
    """All settings. What may carry a password is a ``SecretStr``: it never shows in a log or a traceback."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, env_ignore_empty=True
    )

    home: Path = Field(DEFAULT_HOME, description="folder of ledger, lake, logs and caches")
    database: SecretStr | None = Field(None, description="SQLAlchemy URL; default: SQLite in the home folder")
    lake: SecretStr | None = Field(None, description="fsspec URI of the lake; default: home/lake")
    lake_format: Literal["parquet", "delta"] = Field(
        "parquet", description="append-only Parquet files, or Delta tables (with `make install EXTRAS=delta`)"
    )
    source: SecretStr | None = Field(None, description="fsspec URI, folder or file to read documents from")
    schema_: str | None = Field(
        None,
        validation_alias=AliasChoices("schema", f"{PREFIX}SCHEMA"),  # "schema" itself is pydantic's
        description="catalog name, or path of a JSON Schema",
    )
    model: str = Field(
        "embedded",
        min_length=1,
        description="embedded, scripted, promoted, vllm[:NAME], a model folder, a stored NAME[@REVISION], or a URI",
    )
    concurrency: int = Field(
        default_factory=lambda: min(4, os.cpu_count() or 1), ge=1, le=64, description="documents at a time"
    )
    batch_size: int = Field(16, ge=1, le=10_000, description="documents per Prefect task")
    lease_seconds: float = Field(
        120.0, ge=5, description="after this silence of its worker, a document is given to another"
    )
    max_attempts: int = Field(
        3, ge=1, description="a document that takes so many workers with it, or fails so often, is left alone"
    )
    cache: Path = Field(
        Path("~/.cache/parquetry"),
        description="folder of fetched and converted model weights; shared by homes",
    )
    passwords_file: Path | None = Field(None, description="passwords for encrypted files, one a line")
    review_port: int = Field(8484, ge=1, le=65535, description="port of the review page")
    review: ReviewOptions = ReviewOptions()
    intake: IntakeOptions = IntakeOptions()
    read: ReadOptions = ReadOptions()
    extract: ExtractOptions = ExtractOptions()
    vllm: VllmOptions = VllmOptions()
    serve: ServeSettings = ServeSettings()
    runner: Literal["local", "ray"] = Field(
        "local", description="where documents are extracted: in this process, or on a Ray cluster (see `ray`)"
    )
    ray: RayOptions = RayOptions()
    gpu: GpuOptions = GpuOptions()
    log_format: LogFormat = Field(
        "text", description="log lines for people (text), or JSON for a collector (json)"
    )
    log_stderr: bool = Field(False, description="log lines on standard error too, as containers want it")
    metrics_file: Path | None = Field(
        None,
        description="file of metrics, written at the end of each run: for node exporter's textfile collector",
    )
    metrics_token: SecretStr | None = Field(
        None, min_length=16, description="who sends it as a bearer token may read /metrics of the review page"
    )
    cost: CostOptions = CostOptions()
    alerts: AlertOptions = AlertOptions()
    hooks: HookOptions = HookOptions()

    @field_validator("home", "cache")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        value = value.expanduser()
        if not value.is_absolute() and _in_passing_folder():
            raise ValueError(
                f"{value} would be in a folder that Prefect's worker removes after the run, and originals and reports "
                "with it; set PARQUETRY_HOME to an absolute path, and PARQUETRY_CONFIG to that of parquetry.toml, "
                "before `prefect worker start`"
            )
        return value.absolute()

    @property
    def logs(self) -> Path:
        """Folder of the full logs; the console stays quiet."""
        return self.home / "logs"

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL, with its password: for `create_engine` only."""
        if self.database is not None:
            return self.database.get_secret_value()
        return f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def lake_uri(self) -> str:
        """The lake's URI, with credentials if the user put some in."""
        return self.lake.get_secret_value() if self.lake is not None else str(self.home / "lake")

    @property
    def review_url(self) -> str:
        """Where people reach the review page: what a proxy makes of it, or this machine."""
        return self.review.url or f"http://127.0.0.1:{self.review_port}"

    def read_options(self) -> ReadOptions:
        """`read` with the passwords of `passwords_file` added.

        Raises:
            UsageError: the file cannot be read.
        """
        if self.passwords_file is None:
            return self.read
        passwords = self.read.passwords + read_passwords(self.passwords_file)
        return self.read.model_copy(update={"passwords": passwords})


def page_range(text: str) -> PageRange:
    """``1-3``, ``2-`` (to the end) or ``4`` (that page).

    Raises:
        UsageError: it is none of them, or ends before it begins.
    """
    match = _PAGES.fullmatch(text.strip())
    remedy = "Write --pages 1-3, --pages 2- or --pages 4."
    if match is None:
        raise UsageError(f"{text!r} is no page range.", remedy=remedy)
    first, dash, last = match.groups()
    try:
        return PageRange(first=int(first), last=int(last) if last else None if dash else int(first))
    except ValueError as error:
        raise UsageError(f"{text!r} is no page range: pages count from 1, upwards.", remedy=remedy) from error


def read_passwords(path: Path) -> tuple[SecretStr, ...]:
    """The passwords of a file, one a line; empty lines are passed over.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The password file {path} cannot be read: {error}.",
            remedy="Give a text file with one password a line.",
        ) from error
    return tuple(SecretStr(line) for line in lines if line)


def load_settings(config: Path | None = None, **overrides: Any) -> Settings:
    """The settings in force here.

    Args:
        config: the TOML file; ``None``: look in the usual places.
        overrides: what the command line says; ``None`` means not said.

    Raises:
        UsageError: an unknown name or a wrong value, and where it stands.
    """
    said = {name: value for name, value in overrides.items() if value is not None}
    path = _config_file(config, said.get("home"))
    _refuse_unknown_variables()

    class _Here(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            sources = (init_settings, env_settings)
            return (*sources, TomlConfigSettingsSource(settings_cls, toml_file=path)) if path else sources

    try:
        return _Here(**said)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}.", remedy="Correct the file.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}.", remedy="Give a readable file.") from error
    except SettingsError as error:
        raise UsageError(f"A setting cannot be read: {error}.", remedy="Correct the variable.") from error
    except ValidationError as error:
        raise _usage_error(error, path) from None  # the cause would print the rejected value


def _config_file(config: Path | None, home: Path | str | None) -> Path | None:
    """The TOML file in force, or ``None``; one that was named must exist."""
    named = config or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    if named is not None:
        if not named.is_file():
            remedy = "Correct --config." if config else f"Correct {CONFIG_VARIABLE}."
            raise UsageError(f"There is no settings file {named}.", remedy=remedy)
        return named
    folder = Path(home or os.environ.get(f"{PREFIX}HOME") or DEFAULT_HOME).expanduser()
    return next((p for p in (Path(CONFIG_NAME), folder / CONFIG_NAME) if p.is_file()), None)


def _refuse_unknown_variables() -> None:
    """A misspelt variable must not be passed over in silence: the run would not do what was asked."""
    known = {f"{PREFIX}{name.rstrip('_').upper()}" for name in Settings.model_fields} | {CONFIG_VARIABLE}
    for name in os.environ:
        if name.startswith(PREFIX) and name.partition("__")[0].upper() not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise UsageError(
                f"Unknown setting {name} in the environment.",
                remedy=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(known))}.",
            )


def _usage_error(error: ValidationError, path: Path | None) -> UsageError:
    """The first complaint of pydantic as one sentence; never with the value, which may be a secret."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = ".".join(str(part).rstrip("_") for part in first["loc"])
    variable = PREFIX + name.replace(".", "__").upper()
    where = f" (from {variable})" if variable in os.environ else f" (looked in {path})" if path else ""
    if first["type"] == "extra_forbidden":
        options = _names(Settings)
        near = difflib.get_close_matches(name, options, n=1)
        return UsageError(
            f"Unknown setting {name!r}{where}.",
            remedy=f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(options)}.",
        )
    message = first["msg"].removeprefix("Value error, ")
    return UsageError(f"Setting {name!r} is wrong{where}: {message}.", remedy="Correct its value.")


def _names(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Every setting by its dotted name."""
    found = []
    for name, info in model.model_fields.items():
        dotted = prefix + name.rstrip("_")
        kind: Any = info.annotation
        nested = isinstance(kind, type) and issubclass(kind, BaseModel)
        found += _names(kind, f"{dotted}.") if nested else [dotted]
    return found
