"""How documents are cut into Prefect's tasks; needs no server."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flows.extract_batch import task_sizes


@given(documents=st.integers(1, 10**6), batch=st.integers(1, 500), workers=st.integers(1, 64))
def test_all_documents_have_a_place_and_the_last_task_is_small(
    documents: int, batch: int, workers: int
) -> None:
    sizes = task_sizes(documents, batch, workers)
    assert sum(sizes) >= documents
    assert all(size >= batch for size in sizes) and sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == batch  # nobody waits long for the last one
    assert len(sizes) >= min(workers, documents)


def test_small_runs_show_their_progress_and_large_ones_pay_little() -> None:
    assert task_sizes(100, 16, 2) == [16] * 7
    assert len(task_sizes(2_000, 16, 2)) < 50
    assert len(task_sizes(100_000, 16, 4)) < 200
    assert task_sizes(3, 16, 8) == [16, 16, 16]
