"""From scores to trust: which fields a person must see, and how probable it is that a value is right."""
