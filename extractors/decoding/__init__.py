"""Greedy decoding under a grammar (`greedy`), with the page as the draft (`draft`)."""
