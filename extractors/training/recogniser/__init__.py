"""Tuning of the recogniser of printed lines on receipts and the like; `python -m extractors.training.recogniser`."""
