"""The flows in Prefect, with the scripted model, on a folder of small files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.dataset as ds
import pytest

from extractors.backends.scripted import ScriptedBackend
from extractors.options import ExtractOptions
from flows import composition, conductor, worker
from flows.ledger.store import Ledger
from flows.report import RunReport
from flows.settings import Settings, load_settings
from schemas.errors import BackendError, OutageError, SourceError, UsageError
from tests.flows.learning import (  # noqa: F401  tests that share the server of this module
    test_corrections_become_a_model_that_is_promoted_and_used,
    test_what_was_drawn_and_decided_is_fitted_and_used_by_the_next_run,
)
from tests.flows.making import write_folder, write_invoice
from tests.flows.on_events import (  # noqa: F401  tests that share the server of this module
    alerted,
    test_a_failed_run_reaches_the_webhook,
    test_a_look_finds_what_is_new_and_tells_it_once,
    test_a_notification_of_a_bucket_has_a_run_begin,
    test_automations_are_applied_twice_and_stay_one,
    test_what_does_not_hold_reaches_the_webhook_once,
    test_what_reviewers_decide_has_it_landed,
    test_without_a_server_nothing_breaks,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One temporary Prefect server for the module; it takes most of a minute to start."""
    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in conductor.environment(load_settings(home=home)).items():
            patch.setenv(name, value)
        patch.setenv("PREFECT_UI_URL", "http://prefect.example")  # where links of messages lead
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=conductor.STARTUP_SECONDS):
            yield


@pytest.fixture
def settings(tmp_path: Path, prefect_server: None) -> Settings:
    """Three invoices, a copy, two damaged files and a text file; every readable one is accepted."""
    write_folder(tmp_path / "in")
    made = load_settings(
        home=tmp_path / "home",
        source=str(tmp_path / "in"),
        schema="invoice",
        model="scripted",
        concurrency=2,
        batch_size=2,
        intake={"settle_seconds": 0.5},  # every first run over new files waits so long
    )
    composition.use(made)
    return made


def _run(**parameters: Any) -> RunReport:
    from flows.extract_batch import extract_batch

    report = extract_batch(**parameters)
    assert isinstance(report, RunReport)
    return report


def _lake(settings: Settings) -> dict[str, bytes]:
    folder = Path(settings.lake_uri)
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.parquet")}


def test_a_folder_goes_through_once_and_is_not_touched_again(settings: Settings) -> None:
    first = _run()
    assert first.inputs == 7
    assert sum(first.outcomes.values()) == 7
    assert (first.outcomes["duplicate"], first.outcomes["unreadable"]) == (1, 3)
    assert first.outcomes.get("accepted", 0) + first.outcomes.get("review", 0) == 3
    assert first.processed == 6
    assert first.landed_rows == first.outcomes.get("accepted", 0)
    lake = _lake(settings)

    second = _run()
    assert second.outcomes == first.outcomes
    assert (second.processed, second.landed_rows) == (0, 0)
    assert _lake(settings) == lake

    write_invoice(Path(composition.job().source) / "new.pdf", 20)
    third = _run()
    assert (third.inputs, third.processed) == (8, 1)


def test_the_run_leaves_artifacts_and_a_name_and_no_credentials(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.orchestration import get_client

    report = _run(limit=4)
    assert report.inputs == 4
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(report.run_id))
        response = client.request("POST", "/artifacts/filter", json={"limit": 100})
    ours = {a["key"]: a["data"] for a in response.json() if a["flow_run_id"] == report.run_id}
    kept = {"summary", "outcomes", "slowest-documents", "failed-documents", "cost", "progress"}
    assert set(ours) == kept and "| model |" in ours["cost"]
    assert ours["progress"] == 100
    assert run.name.startswith("invoice in 20")
    assert run.parameters["source"] is None


def test_what_a_person_decided_lands_with_land_reviews(settings: Settings) -> None:
    from flows.land_reviews import land_reviews

    nothing_passes = ExtractOptions(min_field_log_probability=0.0, min_ocr_confidence=1.0)
    composition.use(settings.model_copy(update={"extract": nothing_passes}))
    report = _run()
    with Ledger.open(settings.database_url) as ledger:
        waiting = ledger.queue()
        assert len(waiting) == report.queue > 0
        item = waiting[0]
        proposal = ledger.document(item.document_id).extraction
        assert proposal is not None
        ledger.decide(
            item.document_id,
            reviewer="ada",
            action="correct",
            data={**(proposal.data or {}), "document_number": "CORRECTED-1"},
            fields=None,
            changes=[],
            comment="",
            expected_version=item.version,
        )
    assert land_reviews() == {"invoice": 1}
    assert land_reviews() == {"invoice": 0}
    rows = ds.dataset(Path(settings.lake_uri) / "invoice").to_table().to_pylist()
    assert any("CORRECTED-1" in str(row) for row in rows)


def test_a_wrong_request_fails_before_it_touches_the_ledger(settings: Settings) -> None:
    with pytest.raises(UsageError, match="credentials") as caught:
        _run(source="s3://key:hunter2@bucket/in")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(SourceError):
        _run(source=str(settings.home / "nowhere"))


def test_retry_and_reprocess_do_again_what_they_are_asked_to(settings: Settings) -> None:
    first = _run()
    again = _run(retry_outcome="unreadable", retry_reason="empty")
    assert (again.inputs, again.processed, again.outcomes) == (1, 1, {"unreadable": 1})
    nothing = _run(retry_outcome="failed")
    assert (nothing.inputs, nothing.processed) == (0, 0)
    whole = _run(reprocess=True)
    assert (whole.inputs, whole.processed, whole.outcomes) == (7, 6, first.outcomes)
    rows = ds.dataset(Path(settings.lake_uri) / "invoice").to_table().to_pylist()
    accepted = first.outcomes["accepted"]
    assert sorted(row["version"] for row in rows) == [1] * accepted + [2] * accepted
    assert len({row["row_key"] for row in rows}) == accepted
    reports = sorted((settings.home / "reports").glob("*.json"))
    assert len(reports) == 4
    kept = RunReport.model_validate_json((settings.home / "reports" / f"{whole.run_id}.json").read_text())
    assert kept == whole
    assert whole.pages.total == whole.pages.text_layer + whole.pages.unreadable > 0
    assert whole.memory.parent > 0 and {stage.name for stage in whole.stages} >= {
        "discover",
        "extract",
        "land",
    }


def test_a_model_that_is_gone_ends_the_run_with_a_report_and_the_next_one_finishes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise BackendError("no answer from the GPU")

    folder = Path(composition.job().source)
    for number in range(30, 130):
        write_invoice(folder / f"more-{number}.pdf", number)
    with monkeypatch.context() as patch:
        patch.setattr(worker, "BACKEND_PAUSES", ())
        patch.setattr(ScriptedBackend, "answer", gone)
        with pytest.raises(OutageError, match="no answer from the GPU"):
            _run()
    with Ledger.open(settings.database_url) as ledger:
        counts = ledger.status().outcomes
        # Five in a row, and what other tasks came through with while the machine's own page was tried (33 were seen).
        # How much that is depends on the machine, not on how many wait; most of the documents it is not.
        assert counts["pending"] > counts.get("failed", 0) > 0
        assert ledger.newest_runs()[0].state == "failed"
    (kept,) = (settings.home / "reports").glob("*.json")
    report = RunReport.model_validate_json(kept.read_text(encoding="utf-8"))
    assert report.state == "failed" and "no answer from the GPU" in report.error
    whole = _run()
    assert not {"pending", "failed"} & set(whole.outcomes)
    assert whole.inputs == 107


def test_a_run_with_the_promoted_model_keeps_it_while_another_is_promoted(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On real weights, however small: the store, the pointer, the run's record and its report agree."""
    from extractors.backends.transformers import TransformersBackend
    from extractors.models.stored import find_stored
    from flows.modelstore import fetch
    from flows.modelstore.promotion import promote
    from tests.tiny import tiny_model, tiny_processor

    cache = tmp_path / "cache"
    for name, seed in (("first", 0), ("second", 1)):
        tiny_model(seed).save_pretrained(tmp_path / name)
        tiny_processor().save_pretrained(tmp_path / name)
        fetch(str(tmp_path / name), cache)
    for path in (tmp_path / "in").iterdir():
        path.unlink()
    write_invoice(tmp_path / "in" / "one.pdf", 11)
    ours = load_settings(
        home=settings.home, source=str(tmp_path / "in"), schema="receipt", model="promoted", cache=cache
    )
    composition.use(ours)

    def put_in_force(name: str) -> None:
        with Ledger.open(ours.database_url) as ledger:
            promote(name, ledger, cache, actor="ada", reason="a trial", without_evaluation=True)

    put_in_force("first")
    real = TransformersBackend.answer

    def and_promote(*arguments: Any) -> Any:
        put_in_force("second")
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(TransformersBackend, "answer", and_promote)
        began_with_first = _run()
    began_with_second = _run()
    for report, name in ((began_with_first, "first"), (began_with_second, "second")):
        found = find_stored(name, cache)
        assert report.processed == 1 and report.model.startswith(f"{name}-")
        assert report.weights is not None
        assert (report.weights.name, report.weights.manifest) == (name, found.digest)
        page = (settings.home / "reports" / f"{report.run_id}.html").read_text(encoding="utf-8")
        assert f"Model {name}, revision {found.digest}" in page
        with Ledger.open(ours.database_url) as ledger:
            assert ledger.run(report.run_id).weights == report.weights
            assert ledger.run(report.run_id).parameters["model"] == found.reference
