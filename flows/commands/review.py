"""``parquetry review``: the review page."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.common import Config, Home, stdout


def review(
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, show_default="8484", help="Port to listen on.")
    ] = None,
    host: Annotated[
        str | None,
        typer.Option("--host", help="Address to listen on; others need accounts.", show_default="127.0.0.1"),
    ] = None,
    home: Home = None,
    land: Annotated[
        bool, typer.Option(help="Land decisions at once; off where a schedule lands them.")
    ] = True,
    config: Config = None,
) -> None:
    """Serves the review page until Ctrl-C: the queue, and documents with the boxes of their values."""
    from contextlib import nullcontext

    from extractors.reading import ReaderPool
    from flows import logs
    from flows.alerts.decided import announcing_decisions
    from flows.decided import land_decided
    from flows.home import make_home
    from flows.ledger.store import Ledger
    from flows.review import server
    from flows.review.app import create_app
    from flows.serve import require_free
    from flows.settings import load_settings
    from schemas.registry import load_schema

    settings = load_settings(config, home=home, review_port=port)
    if host is not None:
        settings = settings.model_copy(update={"review": settings.review.model_copy(update={"host": host})})
    options, at = settings.review, settings.review.host
    require_free(settings.review_port, "review page", "--port")
    make_home(settings)
    reading = settings.read_options()
    with (
        Ledger.open(settings.database_url) as ledger,
        ReaderPool(reading, workers=2) as reader,
        # What lands at once needs nobody to be told.
        nullcontext() if land else announcing_decisions(settings) as announce,
    ):
        server.require_sign_in(ledger, options)
        app = create_app(
            ledger=ledger,
            schemas=load_schema,
            reader=reader,
            blobs=settings.home / "blobs",
            land=(lambda: land_decided(ledger, settings.lake_uri, format=settings.lake_format))
            if land
            else announce,
            read_options=reading,
            passwords=[password.get_secret_value() for password in reading.passwords],
            hosts=[] if server.is_loopback(at) else [at],
            options=options,
            metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else "",
        )
        stdout().print(
            f"Review page: {options.url or f'http://{at}:{settings.review_port}'}  (Ctrl-C ends it)"
        )
        if settings.log_stderr:
            logs.to_stderr(settings.log_format)
        server.run(app, host=at, port=settings.review_port, own_logs=settings.log_stderr)
