"""A candidate against the model in use, on labelled documents: figures, a report, and the gate. It promotes nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, ConfigDict, Field

from extractors.evaluation.gate import Gate, gate
from extractors.evaluation.results import DocumentResult
from extractors.evaluation.run import LabelledSet, open_set
from flows import artifacts, composition, gpu_slot, states
from flows.evaluating import AGAINST, RESULTS, evaluate_model, figures_against, write_report
from flows.home import make_home
from flows.parameters import LabelledFolder, Limit, ModelName, SchemaName, Split, titled
from flows.settings import Settings

FOLDER = "evaluations"

Candidate = Annotated[
    str,
    Field(min_length=1, max_length=1000),
    titled("Candidate", "/home/parquetry/training/bills/model"),
]
Tolerance = Annotated[float, Field(ge=0, le=0.1), titled("F1 that the candidate may lose")]
Crops = Annotated[int, Field(ge=0, le=500), titled("Errors that the report shows")]


class EvaluationReport(BaseModel):
    """What came out; ``page`` and ``figures`` are files."""

    model_config = ConfigDict(frozen=True)

    candidate: str
    current: str
    gate: Gate
    page: str
    figures: str


def _run_name() -> str:
    given = runtime.flow_run.parameters
    candidate, folder = (Path(str(given.get(name, ""))) for name in ("candidate", "folder"))
    model = candidate.parent.name if candidate.name == "model" else candidate.name
    return f"{model} on {folder.name} {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M}"


@flow(name="evaluate", flow_run_name=_run_name, persist_result=False)
def evaluate(
    folder: LabelledFolder,
    candidate: Candidate,
    current: ModelName = None,
    split: Split = "dev",
    document_schema: SchemaName = None,
    limit: Limit = None,
    tolerance: Tolerance = 0.005,
    crops: Crops = 40,
) -> EvaluationReport:
    """Asks both models about the same labelled documents, and says whether the candidate is at least as good.

    Args:
        folder: With docs/, truth/, splits.json, on the machine of the worker; documents that the candidate was not
            trained on.
        candidate: A model folder, `embedded` or `scripted`.
        current: What it is compared with. Empty: the model in the settings of the worker.
        split: Which list of splits.json.
        document_schema: Catalog name, or path of a JSON Schema. Empty: schema.json in the folder.
        limit: Only the first so many. Empty: all.
        tolerance: The whole 95% interval of the difference in F1 must lie above minus this.
        crops: With a picture of the place that each value was taken from.
    """
    settings = composition.settings()
    make_home(settings)
    settings = settings.model_copy(update={"schema_": document_schema or str(Path(folder) / "schema.json")})
    labelled = open_set(Path(folder), split, limit)
    out = settings.home / FOLDER / str(runtime.flow_run.id)
    old = current or settings.model
    with gpu_slot.held(settings.gpu):
        results = answer_all(settings.model_copy(update={"model": candidate}), labelled, out / RESULTS)
        others = answer_all(settings.model_copy(update={"model": old}), labelled, out / AGAINST)
    figures = figures_against(results, others, labelled)
    page = write_report(out, labelled, results, figures, settings, crops)
    found = gate(figures["against"], tolerance)
    report = EvaluationReport(
        candidate=candidate,
        current=old,
        gate=found,
        page=str(page),
        figures=str(page.with_name("report.json")),
    )
    artifacts.publish_evaluation(report, figures)
    tag = states.GATE_PASSED if found.passed else states.GATE_NOT_PASSED
    return states.completed(report, f"Gate {'passed' if found.passed else 'not passed'}. {found.said}", [tag])


@task(
    name="answer",
    task_run_name="answer with {settings.model}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def answer_all(settings: Settings, labelled: LabelledSet, kept: Path) -> list[DocumentResult]:
    """Every document answered by the settings' model, and judged."""
    return evaluate_model(settings, labelled, kept)
