"""Prometheus metrics: what there is (`names`), where it comes from (`ledger`, `machine`), how it is given (`give`)."""
