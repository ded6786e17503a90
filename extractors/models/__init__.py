"""Model folders: the embedded model (`embedded/`), its base weights (`base`), and how any model is loaded."""
