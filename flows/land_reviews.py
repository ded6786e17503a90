"""What reviewers have decided since the last time, into the lake."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from pydantic import Field

from flows import artifacts, composition, lineage, states
from flows.home import make_home
from flows.ledger.store import Ledger
from flows.parameters import MAY_BE_EMPTY, titled
from flows.tasks import land_rows

OneSchema = Annotated[
    str | None, Field(pattern=r"^\w{1,64}$"), MAY_BE_EMPTY, titled("Only rows of this schema", "invoice")
]


@flow(
    name="land_reviews",
    flow_run_name=lambda: f"decisions {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M}",
    persist_result=False,
)
def land_reviews(schema_name: OneSchema = None) -> dict[str, int]:
    """Lands what is decided and not in the lake yet; gives the rows written, by schema name.

    Args:
        schema_name: Empty: every schema that has been run.
    """
    settings = composition.settings()
    make_home(settings)
    with Ledger.open(settings.database_url) as ledger:
        wanted = {name: kept for name, kept in ledger.latest_schemas().items() if schema_name in (None, name)}
    landed: dict[str, int] = {}
    warnings: list[str] = []
    for name, fingerprint in wanted.items():
        report = land_rows(name, fingerprint, lineage.decisions_asset(settings, name))
        landed[name] = report.rows
        warnings += report.warnings
    create_markdown_artifact(
        artifacts.landed_table(landed, warnings), key="landed", description="Rows landed"
    )
    rows = sum(landed.values())
    said = ", ".join(
        f"{count} {'row' if count == 1 else 'rows'} of {name}"
        for name, count in sorted(landed.items())
        if count
    )
    return states.completed(
        landed,
        f"Landed: {said}." if said else "Nothing was decided since the last time.",
        [] if rows else [states.NOTHING_NEW],
    )
