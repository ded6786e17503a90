"""``parquetry train``: fine-tunes a model on labelled folders, from a config file or one folder; can be resumed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from flows.commands.common import Config, Home, stderr

if TYPE_CHECKING:
    from extractors.training.config import TrainConfig
    from extractors.training.loop import StepReport

RUNS = Path("runs")


def train(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CONFIG]", help="TOML file of the training run; or give --folder and --schema."
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Your labelled documents: docs/, truth/, splits.json or none."),
    ] = None,
    schema: Annotated[
        str | None,
        typer.Option("--schema", metavar="NAME_OR_FILE", show_default="FOLDER/schema.json"),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="MODEL", help="Tuned model to begin with.", show_default="embedded"),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", metavar="FOLDER", help="Untuned checkpoint to begin anew on: SmolVLM, Qwen2.5-VL ..."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Folder of checkpoints and model.", show_default="runs/FOLDER's name"),
    ] = None,
    tokens: Annotated[
        int | None, typer.Option("--tokens", min=1, help="Budget of the run.", show_default="by documents")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda, cuda:1 ...", show_default="cuda where it is")
    ] = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Fine-tunes a model and prints its folder, for `--model`. Run it again to go on after a stop."""
    from flows import finetuning
    from flows.settings import load_settings

    settings = load_settings(config, home=home)
    asked = _asked(run, folder, schema, start, base, output, tokens, device)
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
            folder = finetuning.run(
                asked, settings, show, lambda line: console.print(escape(line), style="dim", soft_wrap=True)
            )
    except KeyboardInterrupt:
        console.print("Stopped. Run it again: it goes on from the last checkpoint.")
        raise
    typer.echo(folder)


def _asked(
    run: Path | None,
    folder: Path | None,
    schema: str | None,
    start: str | None,
    base: str | None,
    output: Path | None,
    tokens: int | None,
    device: str | None,
) -> TrainConfig:
    """The run's config: of the file, with what the command line says otherwise, or of the folder."""
    from extractors.training.config import load_config
    from extractors.training.folder import config_for_folder
    from schemas.errors import UsageError

    if (run is None) == (folder is None):
        raise UsageError(
            "Training needs a config file or a folder of labelled documents, and not both.",
            remedy="Give CONFIG, or --folder DIR --schema NAME.",
        )
    if folder is not None:
        return config_for_folder(
            folder,
            schema or str(folder / "schema.json"),
            output or RUNS / folder.resolve().name,
            base=base,
            start=start,
            tokens=tokens,
            device=device or "auto",
        )
    assert run is not None
    if schema is not None:
        raise UsageError("--schema goes with --folder.", remedy="Name schemas in the config file's [[sets]].")
    said = {"base": base, "start": start, "output": output, "max_tokens": tokens, "device": device}
    loaded = load_config(run).model_copy(update={name: value for name, value in said.items() if value})
    # A base that is named on the command line begins anew, whatever the file begins with.
    return loaded.model_copy(update={"start": None}) if base and not start else loaded


def _line(step: StepReport, budget: int) -> str:
    dev = f", development {step.dev_loss:.4f}" if step.dev_loss is not None else ""
    dev += f", F1 {step.dev_f1:.3f}" if step.dev_f1 is not None else ""
    pace = f"{step.tokens_per_second:.0f} tokens/s"
    return f"step {step.step}: loss {step.loss:.4f}{dev}, {step.tokens / budget:.0%} of the budget, {pace}"
