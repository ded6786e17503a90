"""Children die, hang and grow; the pool lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pikepdf
import psutil
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from extractors.options import ReadOptions
from extractors.reading import ReaderPool
from schemas.errors import DocumentError
from schemas.outcome import FailureReason
from tests.reading.making import picture, read, scan_pdf, text_of, write_pdf

OPTIONS = ReadOptions(ocr=False, image_side_px=32, max_seconds=250)
ROOT = Path(__file__).resolve().parents[2]


def _children(of: int | None = None) -> set[int]:
    return {p.pid for p in psutil.Process(of).children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE}


def _eventually(condition: Callable[[], bool], seconds: float = 150) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def _endless_map(path: Path) -> Path:
    """A font whose ToUnicode map promises two thousand million characters: pdfplumber never comes back."""
    write_pdf(path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for font in pdf.pages[0].Resources.Font.values():
            font.ToUnicode = pdf.make_stream(
                b"begincmap 1 begincodespacerange <00000000> <ffffffff> endcodespacerange\n"
                b"1 beginbfrange <10000000> <7fffffff> <0041> endbfrange endcmap"
            )
        pdf.save(path)
    return path


def _busy_page(path: Path, shapes: int) -> Path:
    """A page that takes long to read and draw, in C as well as in Python."""
    canvas = Canvas(str(path), pagesize=(400, 300))
    for index in range(shapes):
        canvas.line(index % 400, index % 299, (index * 7) % 400, (index * 13) % 300)
    canvas.setFillColorRGB(1, 1, 1)
    canvas.rect(40, 40, 80, 30, stroke=0, fill=1)
    canvas.setFillColorRGB(0, 0, 0)
    canvas.drawString(50, 50, "busy")
    canvas.save()
    return path


def test_children_are_warm_and_gone_at_the_end(tmp_path: Path) -> None:
    path, before = write_pdf(tmp_path / "a.pdf"), _children()
    with ReaderPool(OPTIONS) as pool:
        assert not _children() - before, "children start when they are needed"
        read(pool, path)
        first = _children() - before
        read(pool, path)
        assert len(first) == 1 and _children() - before == first
    assert not _children() - before  # what others left may end meanwhile
    with pytest.raises(RuntimeError, match="closed"):
        read(pool, path)


def test_a_child_is_replaced_after_a_failure(tmp_path: Path) -> None:
    good, bad, before = write_pdf(tmp_path / "a.pdf"), tmp_path / "bad.pdf", _children()
    bad.write_bytes(b"%PDF-1.7\nnothing more")
    with ReaderPool(OPTIONS) as pool:
        read(pool, good)
        first = _children() - before
        with pytest.raises(DocumentError):
            read(pool, bad)
        read(pool, good)
        assert (_children() - before).isdisjoint(first)


def test_a_child_that_died_idle_is_not_the_next_documents_fault(tmp_path: Path) -> None:
    path, before = write_pdf(tmp_path / "a.pdf"), _children()
    with ReaderPool(OPTIONS) as pool:
        read(pool, path)
        (pid,) = _children() - before
        os.kill(pid, signal.SIGKILL)
        assert _eventually(lambda: pid not in _children())
        assert read(pool, path).pages[0].words


@pytest.mark.parametrize("times", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_child_killed_in_the_midst_is_excused_once_and_then_costs_its_page(
    tmp_path: Path, times: int
) -> None:
    """Once it may have been a system short of memory; the second time the page is read in another way."""
    path, before = _busy_page(tmp_path / "busy.pdf", 60_000), _children()
    with ReaderPool(OPTIONS) as pool, ThreadPoolExecutor(1) as threads:
        read(pool, write_pdf(tmp_path / "first.pdf"))
        (pid,) = _children() - before
        started = psutil.Process(pid).cpu_times().user  # what a child needs to start, and for a page
        future, killed = threads.submit(read, pool, path), set(before)
        for _ in range(times):
            assert _eventually(lambda: bool(_children() - killed))
            (pid,) = _children() - killed
            assert _eventually(lambda: psutil.Process(pid).cpu_times().user > 1.5 * started + 0.5)  # noqa: B023
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        page = future.result().pages[0]
        assert text_of(page) == "busy"
        assert any("simpler reader" in warning.text for warning in page.warnings) == (times == 2)


def test_the_clock_ends_a_document_and_its_child(tmp_path: Path) -> None:
    path, before = _busy_page(tmp_path / "busy.pdf", 150_000), _children()
    with ReaderPool(OPTIONS) as pool:
        began = time.monotonic()
        with pytest.raises(DocumentError) as caught:
            read(pool, path, OPTIONS.model_copy(update={"max_seconds": 0.3}))
        assert caught.value.reason is FailureReason.TIMEOUT
        assert "0.3 s" in str(caught.value) and "--pages" in caught.value.remedy
        assert time.monotonic() - began < 60
        assert not _children() - before  # what others left may end meanwhile


def test_a_text_layer_that_never_ends_is_read_by_the_simpler_reader(tmp_path: Path) -> None:
    with ReaderPool(OPTIONS) as pool:
        document = read(
            pool, _endless_map(tmp_path / "map.pdf"), OPTIONS.model_copy(update={"max_seconds": 8})
        )
    assert any("simpler reader" in warning.text for warning in document.pages[0].warnings)
    assert document.pages[0].words


def test_memory_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("L", (9_900, 9_900), 255).save(path)
    with ReaderPool(OPTIONS) as pool:
        with pytest.raises(DocumentError) as caught:
            read(pool, path, OPTIONS.model_copy(update={"max_memory_mb": 256}))
        assert caught.value.reason is FailureReason.OUT_OF_MEMORY
        assert read(pool, write_pdf(tmp_path / "a.pdf")).pages[0].words


@pytest.mark.slow
def test_when_ocr_dies_or_hangs(tmp_path: Path) -> None:
    """The child that reads pixels is stopped, so that it dies, or does nothing, with a page in hand."""
    scan = scan_pdf(tmp_path / "scan.pdf", picture(("Total 9.50",), (300, 150)))
    path, options, before = (
        tmp_path / "both.pdf",
        OPTIONS.model_copy(update={"ocr": True, "max_seconds": 250}),
        _children(),
    )
    with pikepdf.open(write_pdf(tmp_path / "text.pdf")) as both, pikepdf.open(scan) as other:
        both.pages.extend(other.pages)
        both.save(path)
    with ReaderPool(options) as pool, ThreadPoolExecutor(1) as threads:
        read(pool, write_pdf(tmp_path / "first.pdf"))
        text_child = _children() - before
        assert text_of(read(pool, path).pages[1]) == "Total 9.50"

        (ocr_child,) = _children() - before - text_child
        os.kill(ocr_child, signal.SIGSTOP)
        future = threads.submit(read, pool, path)
        time.sleep(1)
        os.kill(ocr_child, signal.SIGKILL)
        first, second = future.result().pages
        assert text_of(first).startswith("Invoice") and not first.warnings
        assert not second.words and "OCR failed (reader_crashed)" in second.warnings[-1].text

        assert text_of(read(pool, path).pages[1]) == "Total 9.50"
        (ocr_child,) = _children() - before - text_child
        os.kill(ocr_child, signal.SIGSTOP)
        with pytest.raises(DocumentError) as caught:
            read(pool, path, options.model_copy(update={"max_seconds": 2}))
        assert caught.value.reason is FailureReason.TIMEOUT
        assert ocr_child not in _children()


def test_who_waits_for_a_closed_pool_is_told(tmp_path: Path) -> None:
    path, before = _busy_page(tmp_path / "busy.pdf", 5_000), _children()
    pool = ReaderPool(OPTIONS)
    with ThreadPoolExecutor(3) as threads:
        futures = [threads.submit(read, pool, path) for _ in range(3)]
        assert _eventually(lambda: bool(_children() - before))
        pool.close()
        errors = [future.exception() for future in futures]
    assert errors.count(None) >= 1
    assert all(error is None or isinstance(error, RuntimeError) for error in errors)


def test_many_threads_share_a_pool(tmp_path: Path) -> None:
    paths = [write_pdf(tmp_path / f"{n}.pdf", lines=(f"Number {n}",)) for n in range(12)]
    before = _children()
    with ReaderPool(OPTIONS, workers=2) as pool, ThreadPoolExecutor(6) as threads:
        documents = list(threads.map(lambda path: read(pool, path), paths))
        assert len(_children() - before) == 2
    assert [text_of(d.pages[0]) for d in documents] == [f"Number {n} Page 1" for n in range(12)]


def test_a_pool_needs_a_worker() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ReaderPool(OPTIONS, workers=0)


def test_children_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from extractors.options import ReadOptions
        from extractors.reading import ReaderPool, document_ref
        path = Path(sys.argv[1])
        pool = ReaderPool(ReadOptions(ocr=False))
        pool.read(document_ref(path, "test://a"), path)
        print("read", flush=True)
        time.sleep(60)
        """
    )
    command = [sys.executable, "-c", script, str(write_pdf(tmp_path / "a.pdf"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == b"read\n"
        orphans = _children(parent.pid)
        assert orphans
        parent.kill()
    assert _eventually(lambda: not any(psutil.pid_exists(pid) for pid in orphans))


def test_a_noisy_library_does_not_spoil_the_pipe() -> None:
    script = (
        "import os; from extractors.reading.limits import private_stdout\n"
        "channel = private_stdout(); print('noise'); os.system('echo noise'); os.write(1, b'noise')\n"
        "channel.write(b'frame'); channel.flush()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == b"frame" and done.stderr.count(b"noise") == 3


def test_secrets_of_the_environment_stay_with_the_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_SECRET", "s3cr3t")
    before = _children()
    with ReaderPool(OPTIONS) as pool:
        read(pool, write_pdf(tmp_path / "a.pdf"))
        (pid,) = _children() - before
        assert "SOME_SECRET" not in psutil.Process(pid).environ()


def test_closing_waits_for_the_document_in_hand(tmp_path: Path) -> None:
    path, before = _busy_page(tmp_path / "busy.pdf", 5_000), _children()
    pool, got = ReaderPool(OPTIONS), []
    reader = threading.Thread(target=lambda: got.append(read(pool, path)))
    reader.start()
    assert _eventually(lambda: bool(_children() - before))
    pool.close()
    reader.join()
    assert got and not _children() - before
