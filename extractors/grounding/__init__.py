"""Answers to places: leaves of an answer with their words (`place`), windows to one answer (`merge`)."""
