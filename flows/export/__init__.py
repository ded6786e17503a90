"""Landed rows and the review queue as files for other programs and for people."""

from flows.export.cells import flat_names, pick, to_json
from flows.export.export import (
    EXPORT_FORMATS,
    HEAVY,
    ExportFormat,
    export_queue,
    export_rows,
    write_csv,
    write_jsonl,
    write_rows,
)
from flows.export.rows import Rows, each

__all__ = [
    "EXPORT_FORMATS",
    "HEAVY",
    "ExportFormat",
    "Rows",
    "each",
    "export_queue",
    "export_rows",
    "flat_names",
    "pick",
    "to_json",
    "write_csv",
    "write_jsonl",
    "write_rows",
]
