"""Typing, checking and routing of answers."""
