"""The review page: reviewers look at doubtful documents and decide; `app.create_app` builds it."""
