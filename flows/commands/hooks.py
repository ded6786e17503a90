"""``parquetry hooks``: the endpoint for notifications of buckets."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.common import Config, Home, stdout


def hooks(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, show_default="8585", help="Port to listen on.")
    ] = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Takes notifications of a bucket (S3, MinIO, GCS) until Ctrl-C, and has a run begin for them."""
    from flows import conductor
    from flows.alerts import notices, telling
    from flows.home import make_home
    from flows.hooks import app as endpoint
    from flows.review.server import run
    from flows.serve import require_free
    from flows.settings import load_settings
    from flows.sources import local_path, public_uri
    from schemas.errors import UsageError

    settings = load_settings(config, home=home)
    options = settings.hooks
    if options.token is None:
        raise UsageError(
            "There is no secret by which senders are known.",
            remedy="Set PARQUETRY_HOOKS__TOKEN to what `openssl rand -hex 24` prints, and give it to the sender.",
        )
    if settings.source is None:
        raise UsageError(
            "No source was given: there is no bucket whose objects are waited for.",
            remedy="Set PARQUETRY_SOURCE, or source in parquetry.toml, to s3://... or gs://...",
        )
    source = public_uri(settings.source.get_secret_value())
    if local_path(source) is not None or source.startswith(("http://", "https://")):
        raise UsageError(
            f"The source {source} is no bucket.", remedy="Set PARQUETRY_SOURCE to s3://... or gs://..."
        )
    at, listen = host or options.host, port or options.port
    require_free(listen, "endpoint", "--port")
    make_home(settings)
    conductor.log_to_file(settings, "hooks")
    if not telling.use_server(settings):
        raise UsageError(
            "No Prefect server is known.", remedy="Set PREFECT_API_URL, or start parquetry serve."
        )
    app = endpoint.create_app(
        source=source,
        token=options.token.get_secret_value(),
        per_minute=options.per_minute,
        tell=lambda count, uri: telling.post([notices.new_objects(source, count, uri)]),
        seconds=settings.alerts.source_seconds,
    )
    stdout().print(f"Notifications: POST http://{at}:{listen}{endpoint.PATH}  (Ctrl-C ends it)")
    run(app, host=at, port=listen)
