"""What would fail every night is said when it is deployed: a schema that nobody knows, a source that cannot be seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flows.settings import Settings
from schemas.errors import ParquetryError, SchemaError

_RELATIVE = "is a relative path, and runs of workers begin in folders of their own: give it whole."


def doubts(settings: Settings) -> Iterator[str]:
    """What is doubtful about the settings, in sentences. Workers may have others, and reach what this machine does not.

    Raises:
        SchemaError: the schema is none.
    """
    yield from _schema(settings.schema_)
    yield from _source(settings)


def _schema(name: str | None) -> Iterator[str]:
    from schemas.registry import load_schema

    if name is None:
        yield "No schema is set here (PARQUETRY_SCHEMA); scheduled runs need that of the workers' settings."
        return
    is_file = name.endswith(".json")
    if is_file and not Path(name).is_absolute():
        yield f"The schema {name} {_RELATIVE}"
    if is_file and not Path(name).exists():
        yield f"The schema file {name} is not on this machine; the workers must have it."
        return
    try:
        load_schema(name)
    except SchemaError as error:
        raise SchemaError(
            f"Every scheduled run would fail: {error}",
            remedy=f"{error.remedy} It is PARQUETRY_SCHEMA, or schema in parquetry.toml.",
        ) from error


def _source(settings: Settings) -> Iterator[str]:
    from flows.sources import discover, local_path, public_uri

    if settings.source is None:
        yield "No source is set here (PARQUETRY_SOURCE); scheduled runs need that of the workers' settings."
        return
    uri = settings.source.get_secret_value()
    shown = public_uri(uri)
    try:
        path = local_path(uri)
        if path is not None and not path.is_absolute():
            yield f"The source {shown} {_RELATIVE}"
        options = settings.intake.model_copy(update={"settle_wait_seconds": 0.0})
        discover(uri, limit=1, options=options)
    except ParquetryError as error:
        yield f"The source {shown} cannot be listed from here: {error} Workers must reach it."
    except Exception as error:  # whatever a storage library raises: it may quote credentials
        yield f"The source {shown} cannot be listed from here ({type(error).__name__}). Workers must reach it."
