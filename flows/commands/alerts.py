"""``parquetry alerts``: who is told of what, and whether there is something to tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.commands.common import Config, Home, stdout

if TYPE_CHECKING:
    from flows.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Automations, where their messages go, and what is watched.")

Folder = Annotated[
    Path | None,
    typer.Option("--from", help="Folder of automations.", show_default="deploy/automations"),
]


def _settings(home: Path | None, config: Path | None) -> Settings:
    """The settings, with the server that is meant in the environment of Prefect."""
    from flows.alerts import telling
    from flows.settings import load_settings
    from schemas.errors import UsageError

    settings = load_settings(config, home=home)
    if not telling.use_server(settings):
        raise UsageError(
            "No Prefect server is known.", remedy="Set PREFECT_API_URL, or start parquetry serve."
        )
    return settings


@app.command()
def apply(folder: Folder = None, home: Home = None, config: Config = None) -> None:
    """Brings the automations of the Prefect server to what the files say. Again changes nothing."""
    settings = _settings(home, config)
    from prefect.client.orchestration import get_client

    from flows.alerts import automations
    from flows.deployment.apply import answering

    out = stdout()
    with get_client(sync_client=True) as client, answering(str(client.api_url)):
        for name, what, why in automations.apply(settings, client, folder or automations.FOLDER):
            shown = f"{name} ({why})" if why else name
            out.print(f"{what:<10} automation {escape(shown)}", soft_wrap=True)
    if settings.alerts.channel is None:
        out.print(
            "Nobody is told: set PARQUETRY_ALERTS__CHANNEL and __ADDRESS (docs/alerts.md).", soft_wrap=True
        )


@app.command()
def write(
    to: Annotated[Path, typer.Argument(help="File to write.")],
    folder: Folder = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Writes the automations with the ids of this server, for `prefect automation create --from-file`."""
    settings = _settings(home, config)
    import yaml
    from prefect.client.orchestration import get_client

    from flows.alerts import automations
    from flows.deployment.apply import answering

    with get_client(sync_client=True) as client, answering(str(client.api_url)):
        ready, left_out = automations.resolved(settings, client, folder or automations.FOLDER)
    each = [one.model_dump(mode="json", exclude_none=True) for one in ready]
    to.write_text(yaml.safe_dump({"automations": each}, sort_keys=False, width=110), encoding="utf-8")
    out = stdout()
    out.print(f"{len(ready)} automations written to {escape(str(to))}.", soft_wrap=True)
    for name, why in left_out.items():
        out.print(f"Left out: {escape(name)}, {escape(why)}.", soft_wrap=True)


@app.command()
def test(home: Home = None, config: Config = None) -> None:
    """Sends a message to the channel of the settings, from this machine."""
    from flows.alerts import channels, telling
    from flows.settings import load_settings
    from schemas.errors import OutageError, UsageError

    settings = load_settings(config, home=home)
    telling.use_server(settings)
    block = channels.notification_block(settings.alerts)
    if block is None and settings.alerts.channel == "block":
        raise UsageError(
            f"The block {settings.alerts.block} is kept by Prefect's server, which alone sends to it.",
            remedy="Let an automation of parquetry fire, and look at the event feed of Prefect's UI.",
        )
    if block is None:
        raise UsageError(
            "The settings name no channel with an address.",
            remedy="Set PARQUETRY_ALERTS__CHANNEL and PARQUETRY_ALERTS__ADDRESS (docs/alerts.md).",
        )
    try:
        with block.raise_on_failure():
            # In plain code Prefect's dispatch sends it at once; its type says that it might be awaited.
            block.notify(  # type: ignore[unused-coroutine]
                "If you can read this, messages of parquetry get here.", "parquetry: a test"
            )
    except Exception as error:
        raise OutageError(
            f"The message was not taken ({type(error).__name__}).",
            remedy="Check alerts.address, and that this machine may reach it.",
        ) from None  # the cause may quote the address
    stdout().print(f"Sent to {settings.alerts.channel}.")


@app.command()
def check(home: Home = None, config: Config = None) -> None:
    """Measures what was promised, and shows what Prefect would be told. Tells nobody."""
    from flows.alerts import health
    from flows.home import open_ledger

    out = stdout()
    with open_ledger(config, home) as (settings, ledger):
        found, said = health.measure(ledger, settings)
    out.print(
        f"{found.waiting} documents wait, the oldest for {found.oldest_hours} hours. "
        f"{found.samples_decided} blind samples decided."
    )
    for notice in said:
        figures = ", ".join(f"{name} {value}" for name, value in notice.payload.items())
        out.print(f"{notice.event}: {escape(notice.name)} ({escape(figures)})", soft_wrap=True)
    if not said:
        out.print("All that was promised holds.")
