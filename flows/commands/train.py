"""``parquetry train``: fine-tunes a model on labelled folders, from one config file; can be resumed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from flows.commands.common import Config, Home, stderr

if TYPE_CHECKING:
    from extractors.training.loop import StepReport


def train(
    run: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="TOML file of the training run (sets, budget, output).")
    ],
    home: Home = None,
    config: Config = None,
) -> None:
    """Fine-tunes a model and prints its folder, for `--model`. Run it again to go on after a stop."""
    from extractors.training.config import load_config
    from extractors.training.run import train as run_training
    from flows.settings import load_settings

    settings = load_settings(config, home=home)
    asked = load_config(run)
    console = stderr()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("training", total=asked.max_tokens)

    def show(step: StepReport) -> None:
        bar.update(task, completed=step.tokens, description=f"loss {step.loss:.4f}")
        if step.dev_loss is not None or step.step == 1 or not step.step % asked.checkpoint_every:
            console.print(_line(step, asked.max_tokens), style="dim")

    try:
        with bar:
            folder = run_training(
                asked,
                cache=settings.cache,
                read_options=settings.read_options(),
                report=show,
                say=lambda line: console.print(escape(line), style="dim", soft_wrap=True),
            )
    except KeyboardInterrupt:
        console.print("Stopped. Run it again: it goes on from the last checkpoint.")
        raise
    typer.echo(folder)


def _line(step: StepReport, budget: int) -> str:
    dev = f", development {step.dev_loss:.4f}" if step.dev_loss is not None else ""
    pace = f"{step.tokens_per_second:.0f} tokens/s"
    return f"step {step.step}: loss {step.loss:.4f}{dev}, {step.tokens / budget:.0%} of the budget, {pace}"
