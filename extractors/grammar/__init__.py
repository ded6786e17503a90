"""Schema and page to grammar: what may be written (`spans`), and in which order (`compile`)."""
