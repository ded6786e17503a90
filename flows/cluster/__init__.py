"""Extraction on a Ray cluster: batches of documents on its machines, a model in each worker process.

`settings` is what a user may say, `connect` finds the cluster, `orders` is what a worker is told, `batches` is the
flow's side and `workers` the other one. Only `connect`, `batches` and `workers` import Ray: it is an extra.
"""
