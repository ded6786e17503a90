"""The ledger: the one place that knows what was seen, what became of it, and what has landed."""
