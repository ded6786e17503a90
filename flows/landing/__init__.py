"""Frozen batches become Parquet files in the lake, each exactly once; the current rows are a view over them."""
