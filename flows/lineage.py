"""Lineage as Prefect shows it: a source becomes a table of the lake, and so does what reviewers decided."""

from __future__ import annotations

import hashlib
from pathlib import Path

from prefect.assets import Asset, AssetProperties
from prefect.context import AssetContext
from prefect.types.names import MAX_ASSET_KEY_LENGTH, RESTRICTED_ASSET_CHARACTERS

from flows.landing.land import LandingReport
from flows.settings import Settings
from flows.sources import local_path, public_uri

BY = "parquetry"
_SHOWN_FILES = 20


def source_asset(source: str) -> Asset:
    """Where documents come from; ``source`` without credentials."""
    about = AssetProperties(name=_last(source), description="Documents to be extracted.")
    return Asset(key=asset_key(source), properties=about)


def decisions_asset(settings: Settings, schema_name: str) -> Asset:
    """What reviewers decided on documents of a schema."""
    about = AssetProperties(
        name=f"decisions on {schema_name}",
        description="What reviewers confirmed, corrected or rejected.",
        url=settings.review_url,
    )
    return Asset(key=f"parquetry://decisions/{schema_name}", properties=about)


def table_asset(settings: Settings, schema_name: str) -> Asset:
    """The table of a schema in the lake."""
    where = f"{public_uri(settings.lake_uri).rstrip('/')}/{schema_name}"
    kind = "Delta tables" if settings.lake_format == "delta" else "Parquet files, append-only"
    about = AssetProperties(name=schema_name, description=f"Rows of {schema_name}: {kind}.")
    return Asset(key=asset_key(where), properties=about)


def asset_key(place: str) -> str:
    """A place as a key: a URI without what Prefect does not allow in one; two places have two keys."""
    path = local_path(place)
    uri = place if path is None else f"file://{Path(path).absolute()}"
    plain = "".join("_" if char in RESTRICTED_ASSET_CHARACTERS else char for char in uri)
    if plain == uri and len(uri) <= MAX_ASSET_KEY_LENGTH:
        return uri
    digest = hashlib.sha256(uri.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{plain[: MAX_ASSET_KEY_LENGTH - 11]}-{digest}"


def note(table: Asset, landed: LandingReport) -> None:
    """What the event of a landing says besides. A table that nothing was added to has no event."""
    context = AssetContext.get()
    if context is None:
        return
    if not landed.rows:
        context.downstream_assets.clear()
        return
    files = [file.path for file in landed.files]
    context.add_asset_metadata(
        table.key, {"rows": landed.rows, "files": len(files), "paths": files[:_SHOWN_FILES]}
    )


def _last(place: str) -> str:
    return place.rstrip("/").rsplit("/", 1)[-1] or place
