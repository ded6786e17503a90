"""What reviewers have decided since the last time, into the lake."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows import artifacts, composition
from flows.ledger.store import Ledger
from flows.tasks import land_rows


@flow(name="land_reviews", persist_result=False)
def land_reviews(schema_name: str | None = None) -> dict[str, int]:
    """Lands what is decided and not in the lake yet; gives the rows written, by schema name.

    Args:
        schema_name: only this name; empty: every schema that has been run.
    """
    settings = composition.settings()
    composition.make_home(settings)
    with Ledger.open(settings.database_url) as ledger:
        wanted = {name: kept for name, kept in ledger.latest_schemas().items() if schema_name in (None, name)}
    landed: dict[str, int] = {}
    warnings: list[str] = []
    for name, fingerprint in wanted.items():
        report = land_rows(name, fingerprint)
        landed[name] = report.rows
        warnings += report.warnings
    create_markdown_artifact(
        artifacts.landed_table(landed, warnings), key="landed", description="Rows landed"
    )
    return landed
