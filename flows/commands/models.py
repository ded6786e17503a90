"""``parquetry models``: the store of models, and which of them is promoted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from flows.commands.common import Config, Home, stderr, stdout

if TYPE_CHECKING:
    from extractors.models.stored import StoredModel
    from flows.ledger.records import PromotionRecord
    from flows.ledger.store import Ledger
    from flows.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The store of models: fetch, look at, promote, roll back.")

DIGITS = 12
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Reference = Annotated[
    str, typer.Argument(metavar="NAME[@REVISION]", help="As `parquetry models list` shows it.")
]
By = Annotated[
    str | None, typer.Option("--by", metavar="WHO", help="Who decides.", show_default="user@machine")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the promotion.")]


@app.command("list")
def list_models(
    history: Annotated[bool, typer.Option("--history", help="All promotions and rollbacks instead.")] = False,
    as_json: Json = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """The models of the store, and which of them is promoted since when, by whom."""
    from extractors.models.stored import damaged_models, stored_models

    settings = _settings(config, home)
    steps = _steps(settings)
    if history:
        _show_history(steps, as_json)
        return
    now = steps[0] if steps else None
    rows = [_row(one, now) for one in stored_models(settings.cache)]
    for trouble in damaged_models(settings.cache).values():
        stderr().print(escape(f"damaged: {trouble} {trouble.remedy}"), style="yellow", soft_wrap=True)
    if as_json:
        typer.echo(json.dumps({"models": rows, "promoted": _plain(now)}, ensure_ascii=False))
        return
    if rows:
        stdout().print(_table(rows))
    else:
        stdout().print(f"The store in {escape(str(settings.cache))} is empty: parquetry models fetch URI")
    if now is not None and not any(row["promoted"] for row in rows):
        stdout().print(
            f"Promoted is {escape(now.name)} {now.manifest[:DIGITS]}, which is not on this machine yet: "
            f"the next run fetches it from {escape(now.uri)}.",
            soft_wrap=True,
        )


@app.command()
def show(
    reference: Reference,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every file, and hold it against the manifest.")
    ] = False,
    as_json: Json = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Manifest, figures of its training, evaluation, calibration and card of a model."""
    from extractors.models.load import model_description
    from extractors.models.manifest import check_folder
    from extractors.models.stored import find_stored
    from flows.modelstore.about import about, card_of

    settings = _settings(config, home)
    found = find_stored(reference, settings.cache)
    if verify:
        check_folder(found.folder, found.digest)
    steps = _steps(settings)
    told: dict[str, Any] = {
        "reference": found.reference,
        "model_id": model_description(found.reference, settings.cache).model_id,
        "folder": str(found.folder),
        "verified": verify,
        "manifest": found.manifest.model_dump(mode="json"),
        **about(found.folder),
        "promotions": [_plain(one) for one in steps if one.manifest == found.digest],
    }
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    _show_model(found, told, card_of(found.folder))


@app.command()
def fetch(
    uri: Annotated[
        str,
        typer.Argument(
            metavar="URI", help="hf://ORG/NAME@REVISION, a folder, or an fsspec URI (s3://bucket/x)."
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", help="What it is called in the store.", show_default="as at its source"),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", metavar="NAME@REVISION", help="Stored base of a tuned model that names a folder."
        ),
    ] = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Brings a model into the store: looked through, hashed, whole or not at all. Prints its name and revision."""
    from flows.modelstore import fetch as fetch_model

    settings = _settings(config, home)
    console = stderr()

    def say(line: str) -> None:
        console.print(escape(line), style="dim", soft_wrap=True)

    found = fetch_model(uri, settings.cache, name=name, base=base, say=say)
    typer.echo(found.reference)


@app.command()
def promote(
    reference: Reference,
    reason: Reason = "",
    evaluation: Annotated[
        Path | None,
        typer.Option(
            "--evaluation", metavar="DIR", help="What `parquetry evaluate --report DIR` wrote for it."
        ),
    ] = None,
    without_evaluation: Annotated[
        bool,
        typer.Option("--without-evaluation", help="Although nothing says how good it is; asks for a reason."),
    ] = False,
    by: By = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Puts a model in force for all runs with model = "promoted" that begin from now on."""
    from flows.home import open_ledger
    from flows.modelstore.promotion import promote as put_in_force
    from flows.modelstore.promotion import whoever

    with open_ledger(config, home) as (settings, ledger):
        done = put_in_force(
            reference,
            ledger,
            settings.cache,
            actor=by or whoever(),
            reason=reason,
            evaluation=evaluation,
            without_evaluation=without_evaluation,
        )
    told = (
        f"F1 {done.evaluation['f1']:.3f} on {done.evaluation['documents']} documents"
        if done.evaluation
        else "unevaluated"
    )
    stdout().print(
        f"Promoted {escape(done.name)} {done.revision[:DIGITS]} ({told}). Runs that have begun keep theirs.",
        soft_wrap=True,
    )
    if done.uri.startswith("file:"):
        stderr().print(
            "It came from a folder of this machine: others that share the ledger cannot fetch it from there.",
            style="dim",
            soft_wrap=True,
        )


@app.command()
def rollback(reason: Reason = "", by: By = None, home: Home = None, config: Config = None) -> None:
    """Puts the model promoted before back in force; again, the one before that."""
    from flows.home import open_ledger
    from flows.modelstore.promotion import whoever

    with open_ledger(config, home) as (_, ledger):
        done = ledger.rollback_model(actor=by or whoever(), reason=reason)
    stdout().print(f"In force again: {escape(done.name)} {done.revision[:DIGITS]}.")


def _settings(config: Path | None, home: Path | None) -> Settings:
    from flows.settings import load_settings

    return load_settings(config, home=home)


def _steps(settings: Settings) -> list[PromotionRecord]:
    """What the ledger says, if there is one: looking at the store must not make one."""
    if settings.database is None and not (settings.home / "ledger.db").exists():
        return []
    from flows.ledger.store import Ledger

    opened: Ledger
    with Ledger.open(settings.database_url) as opened:
        return opened.promotions()


def _row(found: StoredModel, now: PromotionRecord | None) -> dict[str, Any]:
    from flows.modelstore.about import about

    manifest, told = found.manifest, about(found.folder)
    in_force = now is not None and (now.name, now.manifest) == (found.name, found.digest)
    return {
        "name": found.name,
        "revision": manifest.revision,
        "digest": found.digest,
        "size": manifest.size,
        "base": manifest.base,
        "calibration": told["calibration"],
        "fetched_at": manifest.fetched_at,
        "uri": manifest.uri,
        "promoted": _plain(now) if in_force else None,
    }


def _table(rows: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(
        "name", "revision", "size", "base", "calibration", "promoted since", "by", box=None, pad_edge=False
    )
    for row in rows:
        name, mark, digest = (row["base"] or "none: whole").partition("@")
        promoted = row["promoted"] or {}
        calibration = row["calibration"]
        table.add_row(
            escape(row["name"]),
            row["revision"][:DIGITS],
            f"{row['size'] / 1e6:,.1f} MB",
            escape(name + mark + digest[:7]),
            "none"
            if calibration is None
            else escape(_shown(", ".join(calibration["schemas"])) or "no evidence"),
            escape(str(promoted.get("at", ""))[:16].replace("T", " ")),
            escape(promoted.get("actor", "")),
        )
    return table


def _show_history(steps: list[PromotionRecord], as_json: bool) -> None:
    from rich.table import Table

    if as_json:
        typer.echo(json.dumps([_plain(one) for one in steps], ensure_ascii=False))
        return
    if not steps:
        stdout().print("No model has been promoted yet.")
        return
    table = Table("at", "what", "name", "revision", "by", "F1", "reason", box=None, pad_edge=False)
    for one in steps:
        table.add_row(
            f"{one.at:%Y-%m-%d %H:%M}",
            "promoted" if one.restores is None else "rolled back to",
            escape(one.name),
            one.revision[:DIGITS],
            escape(one.actor),
            f"{one.evaluation['f1']:.3f}" if one.evaluation else "none",
            escape(one.reason),
        )
    stdout().print(table)


def _show_model(found: StoredModel, told: dict[str, Any], card: str) -> None:
    out = stdout()
    manifest = found.manifest
    lines = [
        f"{found.name}, revision {manifest.revision}",
        f"model id: {told['model_id']}",
        f"from: {manifest.uri}, fetched {manifest.fetched_at}",
        f"base: {manifest.base or 'none: a whole checkpoint'}",
        f"manifest: {found.digest}, {manifest.size / 1e6:,.1f} MB in {len(manifest.files)} files"
        + (", every byte verified" if told["verified"] else " (--verify reads them all)"),
        *(f"  {one.sha256[:DIGITS]}  {one.size or 0:>14,}  {name}" for name, one in manifest.files.items()),
    ]
    for title in ("training", "evaluation", "calibration"):
        content = told[title]
        lines.append(f"{title}: {_in_words(content)}" if content else f"{title}: none")
    for one in told["promotions"]:
        what = "promoted" if one["restores"] is None else "back in force"
        why = f": {one['reason']}" if one["reason"] else ""
        lines.append(f"{what} {one['at'][:16].replace('T', ' ')} by {one['actor']}{why}")
    for line in lines:
        out.print(escape(_shown(line)), soft_wrap=True)
    if card:
        out.print()
        out.print(escape(card), soft_wrap=True)


def _shown(text: str) -> str:
    """What others wrote into a model's folder, without what would move a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in text)


def _in_words(content: dict[str, Any]) -> str:
    shown = {
        k: ", ".join(map(str, v)) if isinstance(v, list) else v for k, v in content.items() if v is not None
    }
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in shown.items())


def _plain(step: PromotionRecord | None) -> dict[str, Any] | None:
    return None if step is None else step.model_dump(mode="json")
