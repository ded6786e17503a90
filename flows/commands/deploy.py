"""``parquetry deploy``: tells a Prefect server what it is to know: pools, limits, deployments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.commands.common import Config, Home, stderr, stdout
from flows.deployment.target import PoolType

if TYPE_CHECKING:
    from flows.settings import Settings

app = typer.Typer(no_args_is_help=True, help="What a Prefect server knows of parquetry.")

ROOT = Path(__file__).resolve().parents[2]


@app.command()
def apply(
    pool: Annotated[str, typer.Option("--pool", help="Name of the work pool.")] = "parquetry",
    pool_type: Annotated[
        PoolType,
        typer.Option("--pool-type", help="Of its workers; docker and kubernetes want the extra `workers`."),
    ] = PoolType.PROCESS,
    image: Annotated[
        str | None, typer.Option("--image", help="Of the runs' containers.", show_default="the template's")
    ] = None,
    gpus: Annotated[
        int, typer.Option("--gpus", min=0, help="For each run that uses the model: in containers.")
    ] = 0,
    work_pools: Annotated[
        Path,
        typer.Option(
            "--work-pools", help="Folder of the base job templates.", show_default="deploy/work_pools"
        ),
    ] = ROOT / "deploy" / "work_pools",
    home: Home = None,
    config: Config = None,
) -> None:
    """Brings the Prefect server (PREFECT_API_URL, or that of `parquetry serve`) into the state that is declared.

    Apply it again at any time: what is as it should be is left alone. A schema that is none is refused; a source that
    cannot be listed from this machine is told, since workers may reach it.
    """
    from flows.settings import load_settings

    settings = load_settings(config, home=home)
    out = stdout()
    url = _server(settings)
    from prefect.client.orchestration import get_client

    from flows.deployment.apply import apply as apply_all
    from flows.deployment.checks import doubts
    from flows.deployment.target import Target

    told = list(doubts(settings))  # before anything is applied: it may refuse
    with get_client(sync_client=True) as client:
        target = Target(settings, client, pool, pool_type, work_pools, image, gpus)
        for change in apply_all(target):
            out.print(f"{change.what:<10} {change.kind} {escape(change.name)}", soft_wrap=True)
    for doubt in told:
        stderr().print(f"[yellow]warn[/] {escape(doubt)}", soft_wrap=True)
    out.print(
        f"Workers: prefect worker start --pool {escape(pool)}   (PREFECT_API_URL={url})", soft_wrap=True
    )


def _server(settings: Settings) -> str:
    """The API to apply to; sets what Prefect must find in the environment when it is imported.

    Raises:
        UsageError: there is none.
    """
    import os

    from flows import conductor
    from schemas.errors import UsageError

    url = os.environ.get("PREFECT_API_URL") or conductor.running_server(settings.home)
    if not url:
        raise UsageError(
            "There is no Prefect server to apply this to.",
            remedy="Set PREFECT_API_URL to that of a server (http://HOST:4200/api), or start `parquetry serve`.",
        )
    os.environ.update(conductor.environment(settings) | {"PREFECT_API_URL": url})
    return url
