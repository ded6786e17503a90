"""The child process that unpacks one archive: a request on stdin, a line on stdout for each member.

Before it opens the file it takes its limits and gives up network, processes and all files but that one, its libraries
and the folder that it is given, into which it writes files with numbers for names. Standard library only.
"""

from __future__ import annotations

import json
import resource
import sys
from functools import partial
from pathlib import Path

from extractors.confined.confine import confine
from flows.archives.kinds import ZIP
from flows.archives.limits import DiskError, Limits, RefusedError
from flows.archives.mails import unpack_mail
from flows.archives.out import Out, send
from flows.archives.zips import unpack_zip

_OPEN_FILES = 64


def _take_limits(limits: Limits) -> None:
    def at_most(what: int, amount: int) -> None:
        _, hard = resource.getrlimit(what)
        amount = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(what, (amount, amount))

    at_most(resource.RLIMIT_AS, limits.memory_mb << 20)
    at_most(resource.RLIMIT_CPU, int(limits.seconds) + 1)
    at_most(resource.RLIMIT_FSIZE, limits.max_member_bytes + 1)
    at_most(resource.RLIMIT_NOFILE, _OPEN_FILES)
    at_most(resource.RLIMIT_CORE, 0)


def _unpack(path: Path, kind: str, label: str, depth: int, *, out: Out, passwords: list[bytes]) -> None:
    """An archive of either type, at any depth. One in another that yields nothing is itself a member."""
    descend = partial(_inner, out=out, passwords=passwords)
    if kind == ZIP:
        unpack_zip(path, label, depth, out, descend, passwords)
    else:
        unpack_mail(path, label, depth, out, descend)


def _inner(path: Path, kind: str, label: str, depth: int, *, out: Out, passwords: list[bytes]) -> None:
    out.deeper(depth)
    before = out.reported
    _unpack(path, kind, label, depth, out=out, passwords=passwords)
    if out.reported == before:
        raise RefusedError("empty", "the archive holds no file")


def main() -> None:
    """Does what one request asks."""
    request = json.loads(sys.stdin.readline())
    limits = Limits(**request["limits"])
    _take_limits(limits)
    confine(readable=[Path(request["path"])], writable=[Path(request["folder"])])
    out = Out(Path(request["folder"]), limits, request["only"])
    passwords = [password.encode() for password in request["passwords"]]
    try:
        _unpack(Path(request["path"]), request["kind"], "", 1, out=out, passwords=passwords)
        if not out.reported:
            raise RefusedError("empty", "it holds no file")
        send({"end": None})
    except RefusedError as error:
        send({"end": error.reason, "detail": error.detail})
    except MemoryError:
        send({"end": "out_of_memory", "detail": f"unpacking needs more than {limits.memory_mb} MB of memory"})
    except (DiskError, OSError) as error:  # the machine, not the archive
        send({"end": "unavailable", "detail": "it cannot be unpacked now", "errno": error.errno or 0})


if __name__ == "__main__":
    main()
