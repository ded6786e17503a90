"""``parquetry doctor``: is everything here that a run needs? Each check says what to do when not."""

from __future__ import annotations

import os
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from extractors.backends.vllm.served import is_vllm
from flows.settings import Settings
from schemas.errors import ParquetryError

if TYPE_CHECKING:
    from flows.landing import Checkup

Verdict = Literal["ok", "warn", "fail"]

PACKAGES = (
    "pydantic",
    "pdfplumber",
    "pypdfium2",
    "rapidocr",
    "onnxruntime",
    "torch",
    "transformers",
    "peft",
    "llguidance",
    "sqlalchemy",
    "pyarrow",
    "fsspec",
    "prefect",
    "fastapi",
    "uvicorn",
)
TRIED_PREFECT = "3.8.8"
LITTLE_DISK = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor. ``remedy`` is empty when all is well."""

    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """All findings, each as soon as it is known. None of the checks changes anything that stays."""
    checks: list[Callable[[Settings], Finding]] = [
        _python,
        _packages,
        _prefect,
        _home,
        _model,
        _calibration,
        _schema,
        _database,
        _originals,
        _source,
        _lake,
        _passwords,
        _ports,
        _readers,
    ]
    for check in checks:
        name = check.__name__.lstrip("_")
        try:
            yield check(settings)
        except ParquetryError as error:
            yield Finding(name, "fail", str(error), error.remedy)
        except Exception as error:  # a check that breaks is a finding too
            yield Finding(name, "fail", f"{type(error).__name__}: {error}", "Report this.")


def examine_lake(settings: Settings, *, repair: bool) -> Iterator[Checkup]:
    """Ledger against lake, both ways, schema by schema; see `flows.landing.check_lake`."""
    from flows.landing import check_lake
    from flows.ledger.store import Ledger

    with Ledger.open(settings.database_url) as ledger:
        yield from check_lake(ledger, settings.lake_uri, format=settings.lake_format, repair=repair)


def _python(_: Settings) -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "ok", f"{found}, {os.cpu_count()} cores")


def _packages(_: Settings) -> Finding:
    missing = [name for name in PACKAGES if _version(name) is None]
    if missing:
        return Finding("packages", "fail", f"missing: {', '.join(missing)}", "Run `make install`.")
    return Finding("packages", "ok", f"torch {_version('torch')}, transformers {_version('transformers')}")


def _prefect(settings: Settings) -> Finding:
    from flows.conductor import healthy, running_server

    found = _version("prefect")
    if found != TRIED_PREFECT:
        remedy = f"Install prefect=={TRIED_PREFECT}: other versions have not been tried."
        return Finding("prefect", "warn" if found else "fail", str(found), remedy)
    server = os.environ.get("PREFECT_API_URL") or running_server(settings.home)
    if server and not healthy(server.rstrip("/")):
        remedy = "Check PREFECT_API_URL, and that `prefect server start` or `parquetry serve` runs there."
        return Finding("prefect", "warn", f"{found}, server {server} does not answer", remedy)
    return Finding(
        "prefect", "ok", f"{found}, " + (f"server {server}" if server else "temporary server per run")
    )


def _home(settings: Settings) -> Finding:
    existing = next(p for p in (settings.home, *settings.home.parents) if p.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Finding("home", "fail", f"{settings.home} cannot be written", "Choose another with --home.")
    free = shutil.disk_usage(existing).free
    detail = f"{settings.home} ({free / 2**30:.1f} GiB free)"
    if free < LITTLE_DISK:
        return Finding("home", "warn", detail, "Make room, or choose a home on a larger disk.")
    return Finding("home", "ok", detail if settings.home.exists() else f"{detail}, will be created")


def _model(settings: Settings) -> Finding:
    from extractors.models.base import base_folder, is_fetched
    from extractors.models.load import EMBEDDED, model_description

    if settings.model == "scripted":
        return Finding("model", "ok", "scripted: no weights")
    if is_vllm(settings.model):
        return _served_model(settings)
    if settings.model == "embedded":
        if not (EMBEDDED / "model.json").is_file():
            return Finding("model", "fail", f"{EMBEDDED} is not complete", "Install parquetry again.")
        if is_fetched(settings.cache):
            base = base_folder(settings.cache)
            locked = sorted(file.name for file in base.iterdir() if not os.access(file, os.R_OK))
            if locked:
                why = f"{base}: {', '.join(locked)} cannot be read"
                return Finding("model", "fail", why, "Let the user of this process read these files.")
            return Finding("model", "ok", f"embedded, base weights in {base}")
        fetch = f"Run `python -m extractors.models fetch {settings.cache}`, or use --model scripted."
        return Finding("model", "fail", "the base weights of the embedded model are not here", fetch)
    from flows.modelstore import pinned

    try:  # an address is fetched by that: a run would do the same
        found = model_description(pinned(settings.model, settings).model, settings.cache)
    except ParquetryError as error:
        return Finding("model", "fail", str(error), error.remedy)
    return Finding("model", "ok", f"{settings.model}: {found.name}, revision {found.revision[:12]}")


def _calibration(settings: Settings) -> Finding:
    """Whether the calibration that a run would take is of this model; if not, every run is refused."""
    from extractors.backends.scripted import RULES
    from extractors.models.load import model_description
    from flows.calibration import calibrator_of
    from flows.modelstore import pinned

    if is_vllm(settings.model):
        return Finding("calibration", "ok", "looked at when the run begins")
    if settings.model == "scripted":
        model_id = RULES
    else:
        model_id = model_description(pinned(settings.model, settings).model, settings.cache).model_id
    found = calibrator_of(settings, model_id)
    return Finding(
        "calibration", "ok", f"of {found.made[:10]}" if found else "none: no probabilities are shown"
    )


def _served_model(settings: Settings) -> Finding:
    """Whether the server answers, and keeps to grammars."""
    from extractors.backends.vllm.backend import VllmBackend

    at_once = settings.vllm.model_copy(update={"outage_seconds": 0.0})
    backend = VllmBackend(settings.model, at_once, settings.cache)
    try:
        served = f"{backend.name} by vLLM {backend.served.version} at {at_once.url}"
    finally:
        backend.close()
    return Finding("model", "ok", f"{served}; it keeps to grammars")


def _schema(settings: Settings) -> Finding:
    from schemas.registry import catalog_names, load_schema

    if settings.schema_ is None:
        for name in catalog_names():
            load_schema(name)
        return Finding("schema", "ok", f"catalog: {', '.join(catalog_names())}")
    return Finding("schema", "ok", load_schema(settings.schema_).qualified_name)


def _database(settings: Settings) -> Finding:
    from flows.ledger.store import Ledger

    if settings.database is None and not (settings.home / "ledger.db").exists():
        return Finding("database", "ok", f"{settings.home / 'ledger.db'}, will be created")
    with Ledger.open(settings.database_url) as ledger:
        report = ledger.status(last_runs=1)
    return Finding("database", "ok", f"{report.inputs} inputs, {report.queue} waiting for review")


def _originals(settings: Settings) -> Finding:
    """Of what waits for a person, the files are kept in the home folder; without one, there is no page to look at."""
    from flows.ledger.store import Ledger
    from flows.review.blobs import BlobStore

    if settings.database is None and not (settings.home / "ledger.db").exists():
        return Finding("originals", "ok", "nothing waits for a person")
    blobs, waiting, gone = BlobStore(settings.home / "blobs"), 0, 0
    with Ledger.open(settings.database_url) as ledger:
        for sha256 in ledger.waiting_hashes():
            waiting, gone = waiting + 1, gone + (not blobs.has(sha256))
    if not gone:
        return Finding("originals", "ok", f"of {waiting} documents that wait for a person, all are kept")
    return Finding(
        "originals",
        "warn",
        f"of {waiting} documents that wait for a person, {gone} have no file in {blobs.folder}: no pages can be shown",
        "Is this the home folder of the runs? Then bring its folder blobs back from a backup, or, while the source has "
        "the files, run `parquetry retry --outcome review`.",
    )


def _source(settings: Settings) -> Finding:
    from flows.sources import discover, public_uri

    if settings.source is None:
        return Finding("source", "warn", "none is set", "Give --source, PARQUETRY_SOURCE, or parquetry.toml.")
    uri = settings.source.get_secret_value()
    found = next(iter(discover(uri, limit=1, options=settings.intake)), None)
    if found is None:
        return Finding("source", "warn", f"{public_uri(uri)} holds no documents", "Is it the right place?")
    return Finding("source", "ok", public_uri(uri))


def _lake(settings: Settings) -> Finding:
    import fsspec

    from flows.sources import public_uri

    shown = public_uri(settings.lake_uri)
    local = Path(settings.lake_uri)
    if "://" not in settings.lake_uri and not local.exists():
        existing = next(p for p in local.absolute().parents if p.exists())
        writable = os.access(existing, os.W_OK | os.X_OK)
        return (
            Finding("lake", "ok", f"{shown}, will be created")
            if writable
            else Finding("lake", "fail", f"{shown} cannot be created", "Choose another lake.")
        )
    try:
        filesystem, path = fsspec.url_to_fs(settings.lake_uri)
        probe = f"{path.rstrip('/')}/.parquetry-doctor-{uuid.uuid4().hex}"
        filesystem.pipe_file(probe, b"parquetry")
        filesystem.rm_file(probe)
    except Exception as error:  # whatever a storage library raises
        message = str(error).replace(settings.lake_uri, shown)
        return Finding("lake", "fail", f"{shown}: {message}", "Check place and rights.")
    return Finding("lake", "ok", f"{shown} can be written")


def _passwords(settings: Settings) -> Finding:
    count = len(settings.read_options().passwords)
    return Finding("passwords", "ok", f"{count} for encrypted files" if count else "none")


def _ports(settings: Settings) -> Finding:
    from flows.conductor import running_server
    from flows.supervisor import port_is_free

    wanted = {"Prefect UI": settings.serve.prefect_port, "review page": settings.review_port}
    if running_server(settings.home):
        return Finding("ports", "ok", "`parquetry serve` is up")
    taken = [f"{port} ({what})" for what, port in wanted.items() if not port_is_free(port)]
    if taken:
        remedy = "Give `parquetry serve` other ports: --prefect-port, --review-port."
        return Finding("ports", "warn", f"in use: {', '.join(taken)}", remedy)
    return Finding("ports", "ok", ", ".join(f"{port} ({what})" for what, port in wanted.items()))


def _readers(_: Settings) -> Finding:
    from extractors.reading.isolation import try_isolation

    found = try_isolation("text")
    layers = ", ".join(found.layers)
    if not found.open:
        return Finding("readers", "ok", f"documents are read without network, writing, processes ({layers})")
    return Finding(
        "readers",
        "warn",
        f"a process that reads documents could {', '.join(found.open)} (in force: {layers})",
        "Use a Linux kernel 5.13 or later with Landlock and seccomp, or a container without network.",
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
