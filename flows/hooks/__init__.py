"""An HTTP endpoint for buckets that say when there is something new. A small application of its own.

It stands where machines of others reach it, so it needs no documents, no ledger and no credentials of the source: all
that somebody who broke into it could do is have a run begin. The review page, where people sign in, has no door that
opens without a session, and needs none.
"""
