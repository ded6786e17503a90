"""``parquetry metrics``: metrics for Prometheus, once or at an address."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.common import Config, Home, stderr


def metrics(
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="Stay, and serve them at /metrics of this port."),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; in a container 0.0.0.0.")
    ] = "127.0.0.1",
    home: Home = None,
    config: Config = None,
) -> None:
    """Prints metrics in Prometheus' text format, from the counts of the ledger; or serves them with --port."""
    from flows.home import open_ledger

    with open_ledger(config, home) as (settings, ledger):
        from flows.metrics import give

        if port is None:
            typer.echo(give.exposition(ledger), nl=False)
            return
        from prometheus_client import start_http_server

        from flows import conductor
        from flows.serve import require_free

        require_free(port, "metrics", "--port")
        conductor.log_to_file(settings, "metrics")
        server, thread = start_http_server(port, host, give.registry_of(ledger))
        console = stderr()
        console.print(f"Metrics: http://{host}:{port}/metrics  (Ctrl-C ends it)")
        try:
            thread.join()
        except KeyboardInterrupt:
            console.print("Stopped.")
        finally:
            server.shutdown()
