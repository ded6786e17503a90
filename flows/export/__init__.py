"""Landed rows and the review queue as files for other programs and for people."""

from flows.export.export import EXPORT_FORMATS, ExportFormat, export_queue, export_rows

__all__ = ["EXPORT_FORMATS", "ExportFormat", "export_queue", "export_rows"]
