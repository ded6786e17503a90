"""A PostgreSQL that a test can crash and start again, and a line to it that loses replies."""

from __future__ import annotations

import os
import random
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from tests.databases import _as_server_user, _program, _wait_until_it_answers, scratch


class CrashingPostgres:
    """One server on a socket in a folder of its own; what was committed survives its crashes."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pqpg", dir=scratch()))  # a socket's path must be short
        self._prefix, self._data = _as_server_user(self.folder), str(self.folder / "data")
        self._env = {**os.environ, "LC_ALL": "C", "HOME": str(self.folder)}
        self._process: subprocess.Popen[bytes] | None = None
        initdb = [
            *self._prefix,
            _program("initdb"),
            "-D",
            self._data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        subprocess.run(initdb, cwd=self.folder, env=self._env, capture_output=True, check=True)

    @property
    def url(self) -> str:
        """Its address for clients."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        log = self.folder / "log"
        command = [*self._prefix, _program("postgres"), "-D", self._data]
        command += ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}"]
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, cwd=self.folder, env=self._env, stdout=out, stderr=out)
        _wait_until_it_answers(self.url, self._process, log)

    def crash(self) -> None:
        """Ends it at once, with all its connections, as a lost machine would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(60)
            self._process = None

    def remove(self) -> None:
        """Ends it and throws its data away."""
        self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)


class LossyLine:
    """A port that leads to a server's socket. Once ``bad``, it is lost with the reply to a ``share`` of all COMMITs."""

    def __init__(self, socket_path: str, share: float) -> None:
        self._path, self._share = socket_path, share
        self._dice = random.Random(7)
        self._lock = threading.Lock()
        self.lost = 0
        self.bad = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """No more lines."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._path)
            with selectors.DefaultSelector() as ready:
                ready.register(client, selectors.EVENT_READ)
                ready.register(server, selectors.EVENT_READ)
                while True:
                    for key, _ in ready.select():
                        data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                        if not data:
                            return
                        if key.fileobj is server:
                            client.sendall(data)
                            continue
                        server.sendall(data)
                        if b"COMMIT" in data and self._loses():
                            server.recv(65536)  # it is committed; nobody will hear of it
                            return

    def _loses(self) -> bool:
        with self._lock:
            loses = self.bad and self._dice.random() < self._share
            self.lost += loses
            return loses
