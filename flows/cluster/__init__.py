"""Extraction on a Ray cluster: batches of documents on its machines, a model in each worker process.

`options` is what a user may say; `addresses` and `connect` find the cluster, `slots` and `machines` know what of it may
be used; `orders` is what a worker is told; `batches` and `runner` are the flow's side, `workers` the other one, and
`tasks` is what Prefect sees of it. Only `batches`, `runner`, `connect` and `workers` import Ray: it is an extra.
"""
