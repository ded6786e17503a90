"""``parquetry``, in which something fails with the text of a document in its message: ``python -m ... MODE run ...``.

Modes: ``some`` documents fail, one in each way; ``all`` of them do, which stops the run; ``land``: landing itself does.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence
from typing import Any

from extractors.backends.base import Answer
from extractors.backends.scripted import ScriptedBackend
from extractors.reading import pool
from flows import cli
from schemas.document import ReadDocument
from schemas.errors import BackendError, DocumentError, foreign
from schemas.outcome import FailureReason
from schemas.registry import LoadedSchema

log = logging.getLogger("flows.leaky")


def _text(document: ReadDocument) -> str:
    return " ".join(word.text for _, word in document.words)


def main(mode: str, words: list[str]) -> int:
    """Plants the faults and goes on as the command line does."""
    answer, read = ScriptedBackend.answer, pool.ReaderPool.read

    def answered(
        self: ScriptedBackend, documents: Sequence[ReadDocument], schema: LoadedSchema
    ) -> list[Answer]:
        for document in documents:
            name = document.ref.uri
            if mode == "all" or name.endswith("raises.pdf"):
                raise RuntimeError(f"cannot make sense of {_text(document)}")
            if name.endswith("model.pdf"):
                raise BackendError(f"The model failed on {name}: {foreign(_text(document))}")
            try:
                raise ValueError(f"could not convert {_text(document)}")
            except ValueError as error:  # and it goes on: the log says so
                log.warning("%s: a slip: %s", name, error)
                log.exception("%s: a slip", name)
                log.error(error)
                log.info("%(name)s: %(error)r", {"name": name, "error": error})
        return answer(self, documents, schema)

    def reading(self: pool.ReaderPool, ref: Any, path: Any, options: Any = None) -> ReadDocument:
        document = read(self, ref, path, options)
        if ref.uri.endswith("unreadable.pdf"):
            raise DocumentError(FailureReason.BROKEN, f"{ref.uri}: it is damaged {foreign(_text(document))}")
        return document

    def landing(*_: Any, **__: Any) -> Any:
        raise ValueError(f"Could not convert 'INV-{sys.argv[-1]}' with type str")

    ScriptedBackend.answer = answered  # type: ignore[method-assign]
    pool.ReaderPool.read = reading  # type: ignore[method-assign]
    if mode == "land":
        module: Any = importlib.import_module("flows.landing.land")  # the package has a function of that name
        module.land = landing  # before `flows.tasks` takes it
    return cli.main(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:-1]))
