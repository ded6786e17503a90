"""Short forms of the benchmarks that kill, pause, crowd and review; `benchmarks/README.md` tells of the long ones."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from benchmarks import check, kill, review, stores, swarm
from benchmarks.documents import write_documents
from flows.ledger.store import Ledger
from schemas.errors import LedgerError

pytestmark = pytest.mark.slow


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("database", "lake"),
    [("sqlite", "local"), pytest.param("postgresql", "s3", marks=pytest.mark.postgres)],
)
def test_killed_at_ten_random_points(
    tmp_path: Path, database: stores.Database, lake: stores.LakeKind
) -> None:
    with kill.prepared(tmp_path, database, lake, max_attempts=kill.MAX_ATTEMPTS) as plan:
        killing = kill.kill(plan, points=10, seed=int(time.time()))
    result = killing.result
    assert result is not None and result.seen is not None
    assert result.clean, (result.faults(), killing)
    assert result.rows == result.outcomes["accepted"] > 0
    assert result.seen.reads > 0


@pytest.mark.timeout(900)
def test_the_real_command_killed_and_run_again(tmp_path: Path) -> None:
    """`parquetry run` with Prefect and all: its whole process dies, the next run goes on."""
    documents = 40
    with kill.prepared(tmp_path, "sqlite", "local") as plan:
        write_documents(plan.source, range(documents))
        command, environment = kill.command_line(plan)
        with subprocess.Popen(command, env=environment) as first:
            while _landed_or_accepted(plan.database) < 3 and first.poll() is None:
                time.sleep(0.1)
            assert first.poll() is None, "it was through before it could be killed"
            first.send_signal(signal.SIGKILL)
        kill.finish_with_cli(plan)
        result = check.reckon(plan, documents)
        with Ledger.open(plan.database) as ledger:
            runs = sorted(run.state for run in ledger.status().runs)
    assert result.clean, result.faults()
    assert result.rows == documents
    assert runs == ["completed", "crashed"]


def _landed_or_accepted(database: str) -> int:
    try:
        with Ledger.open(database) as ledger:
            return ledger.outcome_counts().get("accepted", 0)
    except LedgerError:  # not made yet
        return 0


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("database", "workers"), [("sqlite", 8), pytest.param("postgresql", 6, marks=pytest.mark.postgres)]
)
def test_a_crowd_of_workers_of_which_some_die(
    tmp_path: Path, database: stores.Database, workers: int
) -> None:
    with kill.prepared(tmp_path, database, "local", **swarm.CROWD) as plan:
        done = swarm.crowd(plan, workers, documents=80, seed=int(time.time()), kill_seconds=1.0)
    assert done.result is not None
    assert done.clean, (done.result.faults(), done.result.errors_shown)


@pytest.mark.timeout(900)
@pytest.mark.postgres
def test_workers_paused_past_their_lease_write_nothing(tmp_path: Path) -> None:
    with kill.prepared(tmp_path, "postgresql", "local", **swarm.PAUSED) as plan:
        done = swarm.paused(plan, workers=8, seed=int(time.time()), documents=40)
    assert done.result is not None
    assert done.clean, (done.result.faults(), done.result.errors_shown)
    assert int(str(done.facts["held a document when paused"])) > 0


@pytest.mark.timeout(900)
@pytest.mark.postgres
def test_reviewers_at_once_before_a_queue(tmp_path: Path) -> None:
    with stores.database("postgresql", tmp_path) as url:
        found = review.measure(url, tmp_path, documents=400, reviewers=3, seconds=4)
    assert found.errors == [] and found.decided > 0
    assert found.decided + found.left == 401, "every document decided on left the queue, and no other"
    assert {"queue", "document", "decision"} <= set(found.seconds)
