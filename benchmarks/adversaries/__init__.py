"""Documents that somebody made to mislead: what does the pipeline answer then?

    python -m benchmarks.adversaries [--model embedded] [--twins 100] [--json FILE] [--keep FOLDER]
    python -m benchmarks.adversaries --folder DIR [--split dev] [--schema NAME] [--sample 24] [--model PATH]

Clean documents (the project's samples, or those of a labelled folder) get twins with one thing more on them: an order
to the model that can be seen, one that cannot, a second value near the label of the first, a blank page. The pipeline
answers for both, and what differs is counted. Beside the twins: documents under schemas that are not theirs, blank
pages, and receipts in languages that the model was not trained on. Ends with exit code 1 over the limits.
"""
