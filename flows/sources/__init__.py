"""Where documents come from: files, folders, and whatever fsspec can reach."""
