"""``parquetry extract``: documents to JSON lines, without ledger, lake or Prefect."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.progress import Progress

from flows.commands.common import (
    Confidence,
    Config,
    ErrorBudget,
    Home,
    Model,
    Pages,
    Passwords,
    budget_for_all,
    budget_settings,
    stderr,
)


def extract(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="PDF, JPEG, PNG or TIFF files.")],
    schema: Annotated[
        str, typer.Option("--schema", metavar="NAME_OR_FILE", help="Catalog name or JSON Schema file.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", help="Write the lines into this file, not to standard output.")
    ] = None,
    model: Model = None,
    pages: Pages = None,
    error_budget: ErrorBudget = None,
    confidence: Confidence = None,
    password_file: Passwords = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, max=64, help="Documents at a time.")] = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Writes exactly one JSON line per PATH, as each document ends; keeps no records.

    A file that cannot be read, or is not there, has its line too: `outcome` and `failure` say why.
    """
    from flows.extractor import extractor_for
    from flows.settings import load_settings, page_range

    settings = load_settings(
        config,
        home=home,
        model=model,
        schema=schema,
        passwords_file=password_file,
        concurrency=jobs,
        extract=budget_settings(error_budget, confidence),
    )
    settings = budget_for_all(settings, error_budget)
    asked = page_range(pages) if pages else None
    with (
        extractor_for(settings, asked) as extractor,
        _opened(output) as lines,
        ThreadPoolExecutor(settings.concurrency) as pool,
        Progress(console=stderr(), transient=True, disable=not sys.stderr.isatty()) as bar,
    ):
        task = bar.add_task("documents", total=len(paths))
        waiting = [pool.submit(extractor.extract_path, Path(path), path) for path in paths]
        try:
            for done in as_completed(waiting):
                lines.write(done.result().model_dump_json() + "\n")
                lines.flush()
                bar.advance(task)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Standard output, or the file.

    Raises:
        UsageError: the file cannot be written.
    """
    from schemas.errors import UsageError

    if output is None:
        yield sys.stdout
        return
    try:
        stream = output.open("w", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{output} cannot be written: {error.strerror or error}.", remedy="Give another --output."
        ) from error
    with stream:
        yield stream
