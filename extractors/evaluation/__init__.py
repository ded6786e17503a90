"""How good extractions are against known truths: verdicts by leaf, figures with intervals, reports."""
