"""A hub of the tests: what fetching a model speaks of the Hugging Face hub's API, over repositories in memory."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_API = re.compile(r"/api/models/([^/]+/[^/]+?)(?:/revision/(.+))?")
_FILE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


@dataclass
class Hub:
    """Repositories by name: commits by revision, files by name. ``lie`` replaces the bytes of a file on the way.

    ``asked`` are the requests so far; ``wait`` holds every file back until it is set.
    """

    url: str = ""
    revisions: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    lie: dict[str, bytes] = field(default_factory=dict)
    commit_said: str | None = None
    private: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def push(self, repository: str, files: dict[str, bytes], branch: str = "main") -> str:
        """A new commit; gives its hash."""
        before = self.revisions.setdefault(repository, {})
        commit = hashlib.sha1(f"{repository} {len(before)} {sorted(files)}".encode()).hexdigest()
        before[branch] = before[commit] = commit
        self.files[repository, commit] = dict(files)
        return commit

    def push_folder(self, repository: str, folder: Path) -> str:
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        return self.push(repository, {".gitattributes": b"*.safetensors filter=lfs\n", **files})


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    told: dict[str, Any] = {"rfilename": name, "size": len(content)}
    told["blobId"] = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    if name.endswith(".safetensors"):
        told["lfs"] = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "pointerSize": 134,
        }
    return told


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(f"{self.command} {path}")
            if (found := _API.fullmatch(path)) is not None:
                self._info(found.group(1), found.group(2) or "main")
            elif (found := _FILE.fullmatch(path)) is not None:
                self._file(*found.groups())
            else:
                self._send(404, b"", {})

        def _info(self, repository: str, revision: str) -> None:
            if repository in hub.private:
                self._send(401, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Ask for access."})
            elif repository not in hub.revisions:
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            elif revision not in hub.revisions[repository]:
                self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            else:
                commit = hub.revisions[repository][revision]
                siblings = [_sibling(n, c) for n, c in hub.files[repository, commit].items()]
                told = {
                    "id": repository,
                    "modelId": repository,
                    "sha": hub.commit_said or commit,
                    "siblings": siblings,
                }
                self._send(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

        def _file(self, repository: str, commit: str, name: str) -> None:
            content = hub.files.get((repository, commit), {}).get(name)
            if content is None:
                self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
                return
            told = _sibling(name, content)
            etag = told["lfs"]["sha256"] if "lfs" in told else told["blobId"]
            content = hub.lie.get(name, content)
            self._send(200, content, {"X-Repo-Commit": commit, "ETag": f'"{etag}"'})

        def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Keeps the tests' output quiet."""

    return Handler


@contextmanager
def serving() -> Iterator[Hub]:
    """A hub that is up."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()
