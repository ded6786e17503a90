"""Documents into words with boxes: text layer, OCR, page images; in child processes that can be killed."""

from extractors.reading.media import detect_media_type, document_ref
from extractors.reading.pool import ReaderPool
from extractors.reading.text import normalise_text

__all__ = ["ReaderPool", "detect_media_type", "document_ref", "normalise_text"]
