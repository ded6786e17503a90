"""What a Prefect server is to know of parquetry: work pools, limits, deployments; and how it gets to know it.

`flows.deployment.apply` has the list of parts; each brings one kind of thing into its declared state, as often as it is
asked to.
"""
