"""What reviewers corrected becomes a candidate model: exported, trained on, recorded, judged. It promotes nothing."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict, Field

from extractors.backends.vllm.served import is_vllm
from extractors.training.loop import StepReport
from flows import artifacts, composition, finetuning, gpu_slot, states
from flows.calibration import model_folder
from flows.evaluate import EvaluationReport, Tolerance, evaluate
from flows.finetuning import Corrections
from flows.home import make_home
from flows.ledger.store import Ledger
from flows.parameters import MAY_BE_EMPTY, ModelName, titled
from flows.settings import Settings
from schemas.errors import UsageError

log = logging.getLogger(__name__)

Schema = Annotated[
    str, Field(pattern=r"^\w{1,64}$"), titled("Schema whose corrections are learnt", "invoice")
]
LeastDocuments = Annotated[int, Field(ge=2, le=1_000_000), titled("Least decided documents")]
Tokens = Annotated[int | None, Field(ge=1, le=10_000_000_000), MAY_BE_EMPTY, titled("Budget in tokens")]
Device = Annotated[Literal["auto", "cpu", "cuda"], titled("Device")]
JudgedOn = Annotated[
    str | None,
    Field(min_length=1, max_length=1000),
    MAY_BE_EMPTY,
    titled("Judge it on this labelled folder", "/data/labelled/bills"),
]


class TrainingReport(BaseModel):
    """What was trained, or why nothing was. ``record`` is that of the training (``run.json``)."""

    model_config = ConfigDict(frozen=True)

    schema_name: str
    documents: int
    said: str
    model: str | None = None
    record: dict[str, Any] | None = None
    evaluation: EvaluationReport | None = None


@flow(
    name="finetune",
    flow_run_name=lambda: (
        f"{runtime.flow_run.parameters.get('document_schema')} corrections {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M}"
    ),
    persist_result=False,
)
def finetune(
    document_schema: Schema,
    least_documents: LeastDocuments = 50,
    start: ModelName = None,
    tokens: Tokens = None,
    device: Device = "auto",
    judge_on: JudgedOn = None,
    tolerance: Tolerance = 0.005,
) -> TrainingReport:
    """Trains a candidate on what reviewers decided, and holds it against the model in use if it is told on what.

    Args:
        document_schema: Name of a schema that has been run and reviewed.
        least_documents: With fewer, nothing is trained, and the run says so.
        start: Tuned model to begin with. Empty: the one in the settings of the worker.
        tokens: Empty: by the number of documents.
        device: `auto` is a GPU where there is one.
        judge_on: Documents that were not trained on. Empty: the figures of the training are all there is.
        tolerance: F1 that the candidate may lose against the model in use.
    """
    settings = composition.settings()
    make_home(settings)
    begin = start or settings.model
    _refuse_served(begin)
    with Ledger.open(settings.database_url) as ledger:
        found = export(settings, ledger, document_schema)
    why_not = _why_not(found, least_documents)
    if isinstance(found, str) or why_not:
        documents = 0 if isinstance(found, str) else found.documents
        report = TrainingReport(schema_name=document_schema, documents=documents, said=why_not)
        artifacts.publish_training(report)
        return states.completed(report, why_not, [states.NOTHING_NEW])
    with gpu_slot.held(settings.gpu):
        model = train(settings, found, begin, tokens, device)
    judged = (
        evaluate(judge_on, str(model), document_schema=str(found.data / "schema.json"), tolerance=tolerance)
        if judge_on
        else None
    )
    report = TrainingReport(
        schema_name=document_schema,
        documents=found.documents,
        said=f"A candidate was trained on {found.documents} decided documents: {model}.",
        model=str(model),
        record=found.record,
        evaluation=judged,
    )
    artifacts.publish_training(report)
    return states.completed(report, _said(report), _tags(report))


def _refuse_served(model: str) -> None:
    """Raises `UsageError` for a model whose weights are on a server: training would begin with another one."""
    if is_vllm(model):
        raise UsageError(
            f"The model {model} is on a server; its weights cannot be trained from here.",
            remedy="Name a tuned model as start: embedded, a model folder, or a stored NAME[@REVISION].",
        )


def _why_not(found: Corrections | str, least: int) -> str:
    """Why there is nothing to train, in sentences; empty if there is."""
    if isinstance(found, str):
        return f"{found} Nothing was trained."
    if found.documents < least:
        return f"{found.documents} documents are decided, {least} are wanted; nothing was trained."
    if found.record is not None:
        return (
            f"Nothing was decided since the last training, which is in {found.run}. "
            "To train anew on the same documents, remove that folder."
        )
    return ""


@task(name="export", task_run_name="export {schema}", cache_policy=NO_CACHE, persist_result=False)
def export(settings: Settings, ledger: Ledger, schema: str) -> Corrections | str:
    """The decided documents as a labelled folder, or why there is none."""
    try:
        return finetuning.export_corrections(settings, ledger, schema)
    except UsageError as error:
        log.info("%s", error)
        return f"{error} {error.remedy}".strip()


@task(name="train", cache_policy=NO_CACHE, persist_result=False)
def train(settings: Settings, found: Corrections, start: str, tokens: int | None, device: str) -> Path:
    """Trains on them, or goes on after a stop; gives the model folder. The rules have no weights: embedded begins."""
    folder = model_folder(settings.model_copy(update={"model": start}))
    config = finetuning.corrections_config(
        found, start=str(folder) if folder else None, tokens=tokens, device=device
    )
    bar = artifacts.ProgressArtifact("training: tokens of the budget")

    def show(step: StepReport) -> None:
        bar.show(min(step.tokens, config.max_tokens), config.max_tokens)
        if step.dev_loss is not None:
            log.info("step %d: loss %.4f, development %.4f", step.step, step.loss, step.dev_loss)

    return finetuning.run(config, settings, show, lambda line: log.info("%s", line))


def _said(report: TrainingReport) -> str:
    if report.evaluation is None:
        return report.said
    gate = report.evaluation.gate
    return f"{report.said} Gate {'passed' if gate.passed else 'not passed'}. {gate.said}"


def _tags(report: TrainingReport) -> list[str]:
    if report.evaluation is None:
        return []
    return [states.GATE_PASSED if report.evaluation.gate.passed else states.GATE_NOT_PASSED]
