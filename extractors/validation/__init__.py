"""Typing, checking and routing of answers: verbatim text to typed values, and every reason for review."""
