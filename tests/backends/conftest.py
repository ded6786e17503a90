from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.serving import TinyServer
from tests.tiny import tiny_model, tiny_processor


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a folder, as a server would be started with."""
    folder = tmp_path_factory.mktemp("served") / "tiny"
    tiny_model(1).save_pretrained(folder)
    tiny_processor().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def running_server() -> Iterator[TinyServer]:
    made = TinyServer(tiny_model(1), tiny_processor()).start()
    yield made
    made.stop_soon()  # its thread ends with the process; waiting for open connections takes ten seconds


@pytest.fixture
def server(running_server: TinyServer) -> TinyServer:
    """The running server, without the faults of the test before."""
    return running_server.reset()
