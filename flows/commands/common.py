"""What the subcommands share: options, consoles, and the way to say a page range."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from flows.settings import Settings

Home = Annotated[
    Path | None, typer.Option("--home", help="Folder of ledger, lake and state.", show_default=".parquetry")
]
Config = Annotated[Path | None, typer.Option("--config", help="A parquetry.toml to use.")]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="embedded, scripted, promoted, a model folder, a stored NAME[@REVISION], or a URI (hf://..., s3://...).",
        show_default="embedded",
    ),
]
Pages = Annotated[str | None, typer.Option("--pages", help="Pages to read: 1-3, 2-, or 4.", metavar="A-B")]
Passwords = Annotated[
    Path | None, typer.Option("--password-file", help="Passwords for encrypted files, one a line.")
]
Runner = Annotated[
    str | None,
    typer.Option("--runner", metavar="NAME", help="local, or ray: on a Ray cluster.", show_default="local"),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        metavar="ADDRESS",
        help="With --runner ray: local, auto, HOST:PORT or ray://HOST:PORT.",
        show_default="local",
    ),
]
ErrorBudget = Annotated[
    float | None,
    typer.Option(
        "--error-budget",
        metavar="SHARE",
        help="Share of values landed without a person that may be wrong, such as 0.02.",
        show_default="as set, else none",
    ),
]
Confidence = Annotated[
    float | None,
    typer.Option("--confidence", help="How sure it must be that the budget is kept.", show_default="0.95"),
]


def budget_settings(error_budget: float | None, confidence: float | None) -> dict[str, float] | None:
    """What the command line says of the budget, as settings; see `budget_for_all`."""
    said: dict[str, Any] = {}
    if error_budget is not None:
        said = {"error_budget": error_budget}
    if confidence is not None:
        said["confidence"] = confidence
    return said or None


def budget_for_all(settings: Settings, error_budget: float | None) -> Settings:
    """The settings, in which a budget of the command line counts before those that are set for single schemas."""
    if error_budget is None:
        return settings
    alone = settings.extract.model_copy(update={"error_budgets": {}})
    return settings.model_copy(update={"extract": alone})


def stderr() -> Console:
    """A console for people; standard output belongs to results."""
    return Console(stderr=True, highlight=False)


def stdout() -> Console:
    """A console for results that people read."""
    return Console(highlight=False)


def duration(seconds: float) -> str:
    """``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def schema_of_lake(settings: Settings, asked: str | None) -> str:
    """The name of the schema whose rows are meant; one that left the catalog may still have rows in the lake.

    Raises:
        UsageError: none was named, and the lake has several or none.
    """
    from flows.landing.lake import open_lake
    from schemas.errors import SchemaError, UsageError
    from schemas.registry import load_schema

    wanted = asked or settings.schema_
    if wanted is None:
        found = open_lake(settings.lake_uri).folders()
        if len(found) == 1:
            return found[0]
        raise UsageError(
            "Which rows? " + (f"The lake has {', '.join(found)}." if found else "Nothing has landed yet."),
            remedy="Use --schema NAME.",
        )
    try:
        return load_schema(wanted).name
    except SchemaError:
        if wanted.isidentifier():
            return wanted
        raise


def landed_schema(settings: Settings, asked: str | None) -> str:
    """As `schema_of_lake`, where rows of it must have landed: no rows at all are a mistake, and not an answer.

    Raises:
        UsageError: there are none; says which ones there are.
    """
    from flows.landing.lake import open_lake
    from flows.sources import public_uri
    from schemas.errors import UsageError

    name, lake = schema_of_lake(settings, asked), open_lake(settings.lake_uri)
    if lake.has(name):
        return name
    where, there = public_uri(settings.lake_uri), lake.folders()
    if there:
        raise UsageError(
            f"The lake {where} has no rows of {name}; it has {', '.join(there)}.", remedy="Correct --schema."
        )
    raise UsageError(
        f"The lake {where} is empty, or not there: nothing has landed in it.",
        remedy="Check lake and home in parquetry.toml (PARQUETRY_LAKE, --home); `parquetry status` shows what ran.",
    )
