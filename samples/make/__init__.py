"""Makes the sample documents: ``python -m samples.make`` (needs the ``dev`` extra).

Every company, person and number is invented. The documents are committed; this package tells how they came
to be.
"""
