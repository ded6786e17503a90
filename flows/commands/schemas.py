"""``parquetry schemas``: which schemas there are, what one says, whether a file is one."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from flows.commands.common import stdout

app = typer.Typer(help="List, show and check schemas.", no_args_is_help=True)

NameOrFile = Annotated[str, typer.Argument(metavar="NAME_OR_FILE", help="Catalog name or JSON Schema file.")]


@app.command("list")
def list_() -> None:
    """The schemas of the catalog."""
    from schemas.errors import SchemaError
    from schemas.registry import catalog_names, load_schema
    from schemas.tree import leaves

    table = Table("schema", "fields", "what it is", box=None)
    for name in catalog_names():
        try:
            schema = load_schema(name)
        except SchemaError as error:  # one bad file must not hide the others
            table.add_row(name, "-", f"broken: {error}")
        else:
            fields = sum(1 for _ in leaves(schema.tree))
            table.add_row(schema.qualified_name, str(fields), schema.description.split("\n")[0])
    stdout().print(table)


@app.command()
def show(
    schema: NameOrFile, as_json: Annotated[bool, typer.Option("--json", help="As JSON Schema.")] = False
) -> None:
    """The fields of a schema: what is extracted, and what the model is told about it."""
    from schemas.registry import load_schema
    from schemas.tree import leaves

    loaded = load_schema(schema)
    if as_json:
        typer.echo(json.dumps(loaded.json_schema, indent=2, ensure_ascii=False))
        return
    table = Table(
        "field", "kind", "", "what it is", title=loaded.qualified_name, box=None, title_justify="left"
    )
    for path, leaf in leaves(loaded.tree):
        table.add_row(path, str(leaf.kind), "" if leaf.nullable else "required", leaf.description)
    stdout().print(table)
    for rule in loaded.rules:
        typer.echo(f"rule: {rule.model_dump_json(exclude_defaults=True)}")


@app.command()
def check(schema: NameOrFile) -> None:
    """Whether a schema can be used, and what it costs; exit code 3 with the place and the remedy when not."""
    from extractors.grammar.preflight import preflight
    from schemas.registry import load_schema
    from schemas.tree import leaves

    loaded = load_schema(schema)
    count = sum(1 for _ in leaves(loaded.tree))
    typer.echo(f"{loaded.qualified_name}: {count} fields, {len(loaded.rules)} rules. It can be used.")
    for note in loaded.notes:
        typer.echo(f"note: {note}")
    cost = preflight(loaded)
    prompts = "one prompt" if cost.parts == 1 else f"{cost.parts} prompts, each for some of the fields"
    in_all = "" if cost.parts == 1 else " in all"
    typer.echo(
        f"Each window of a document takes {prompts}: about {cost.prompt_tokens} tokens for the schema{in_all},\n"
        f"and a grammar of {-(-cost.grammar_bytes // 1024)} KiB beside the page's text."
    )
