"""The decoding loop and its peers behind one face, for `benchmarks.decoding`."""
