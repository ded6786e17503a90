"""The closed lists: how an input can end, why a document could not be read, why a person should look."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How an input ended. Every input of a run has exactly one; their counts sum to the inputs."""

    ACCEPTED = "accepted"
    """Extracted and landed in the lake without a person."""
    REVIEW = "review"
    """Extracted; waits in the review queue with reasons."""
    REVIEWED = "reviewed"
    """A person confirmed or corrected it; landed, or about to be by ``land_reviews``."""
    REJECTED = "rejected"
    """A person said that it must not land."""
    DUPLICATE = "duplicate"
    """Same content, schema and model as another input, which has the row."""
    UNREADABLE = "unreadable"
    """No words could be had from it; the failure reason says why."""
    FAILED = "failed"
    """The pipeline, not the document, failed; a later run tries again."""


class FailureReason(StrEnum):
    """Why a document ended as ``unreadable`` or ``failed``."""

    ENCRYPTED = "encrypted"
    EMPTY = "empty"
    BROKEN = "broken"
    UNSUPPORTED_TYPE = "unsupported_type"
    TOO_LARGE = "too_large"
    TOO_MANY_PAGES = "too_many_pages"
    ARCHIVE_LIMIT = "archive_limit"
    NO_TEXT = "no_text"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    READER_CRASHED = "reader_crashed"
    UNAVAILABLE = "unavailable"
    MODEL_ERROR = "model_error"
    INTERNAL_ERROR = "internal_error"


class ReviewReason(StrEnum):
    """Why a person should look; at document level or at a field."""

    WRONG_DOCUMENT_TYPE = "wrong_document_type"
    MISSING_REQUIRED = "missing_required"
    INVALID_VALUE = "invalid_value"
    AMBIGUOUS_DATE = "ambiguous_date"
    AMBIGUOUS_NUMBER = "ambiguous_number"
    RULE_VIOLATED = "rule_violated"
    NOT_ON_PAGE = "not_on_page"
    MODEL_UNSURE = "model_unsure"
    LOW_PROBABILITY = "low_probability"
    TOO_LITTLE_EVIDENCE = "too_little_evidence"
    WINDOWS_DISAGREE = "windows_disagree"
    ANSWER_TRUNCATED = "answer_truncated"
    LOW_OCR_CONFIDENCE = "low_ocr_confidence"
    READING_WARNING = "reading_warning"
    NO_WORDS = "no_words"
    PAGE_LOST = "page_lost"
    PAGES_DIFFER = "pages_differ"
    GARBLED_TEXT = "garbled_text"
    HIDDEN_TEXT = "hidden_text"
    ORDERS_TO_READER = "orders_to_reader"
    CORRECTED_ON_PAGE = "corrected_on_page"
    TEXT_DISAGREES = "text_disagrees"


PLAIN_WORDS: dict[str, str] = {
    FailureReason.ENCRYPTED: "The file is encrypted and none of the given passwords opens it.",
    FailureReason.EMPTY: "The file has no bytes or no pages.",
    FailureReason.BROKEN: "The file is damaged; neither reader can open it.",
    FailureReason.UNSUPPORTED_TYPE: "The file is not a PDF, JPEG, PNG or TIFF.",
    FailureReason.TOO_LARGE: "The file or one of its pages is larger than the limit.",
    FailureReason.TOO_MANY_PAGES: "The file has more pages than the limit.",
    FailureReason.ARCHIVE_LIMIT: "Unpacking the archive passes a limit of count, depth, ratio or size.",
    FailureReason.NO_TEXT: "No words were found on any page, neither in a text layer nor by OCR.",
    FailureReason.TIMEOUT: "Reading took longer than the time limit.",
    FailureReason.OUT_OF_MEMORY: "Reading needed more memory than the limit.",
    FailureReason.READER_CRASHED: "The reading process died on this file.",
    FailureReason.UNAVAILABLE: "The file could not be fetched from its source.",
    FailureReason.MODEL_ERROR: "The model could not answer for this document.",
    FailureReason.INTERNAL_ERROR: "An error of the pipeline itself; see the log.",
    ReviewReason.WRONG_DOCUMENT_TYPE: "The document does not look like one of this schema.",
    ReviewReason.MISSING_REQUIRED: "The schema requires this field and the document does not seem to have it.",
    ReviewReason.INVALID_VALUE: "The text on the page is not a valid value of this field.",
    ReviewReason.AMBIGUOUS_DATE: "Day and month cannot be told apart.",
    ReviewReason.AMBIGUOUS_NUMBER: "A separator may be a decimal point or a thousands mark.",
    ReviewReason.RULE_VIOLATED: "Fields contradict each other.",
    ReviewReason.NOT_ON_PAGE: "The value was not found on the page.",
    ReviewReason.MODEL_UNSURE: "The model wavered between this value and another.",
    ReviewReason.LOW_PROBABILITY: "The probability of being right is below what the error budget asks.",
    ReviewReason.TOO_LITTLE_EVIDENCE: "Too few labelled documents prove that the error budget is kept.",
    ReviewReason.WINDOWS_DISAGREE: "Different parts of the document gave different values.",
    ReviewReason.ANSWER_TRUNCATED: "The answer reached its length limit before it was complete.",
    ReviewReason.LOW_OCR_CONFIDENCE: "The text recogniser was not sure of these words.",
    ReviewReason.READING_WARNING: "Something was odd when the document was read.",
    ReviewReason.NO_WORDS: "No words were found on the page, though there may be something on it.",
    ReviewReason.PAGE_LOST: "A page could not be read at all.",
    ReviewReason.PAGES_DIFFER: "Two readers count different numbers of pages in the file.",
    ReviewReason.GARBLED_TEXT: "Part of the text in the file is garbage: characters that cannot be told.",
    ReviewReason.HIDDEN_TEXT: "The file has text that cannot be seen on the page; it was left out.",
    ReviewReason.ORDERS_TO_READER: "The page has text that tells a machine what to read; it was left out.",
    ReviewReason.CORRECTED_ON_PAGE: "The page has a value that is said to correct another one: see which counts.",
    ReviewReason.TEXT_DISAGREES: "The text in the file says something else than the picture of the page.",
}
"""One sentence a person understands for every reason; shown on the review page and in artifacts."""
