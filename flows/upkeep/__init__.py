"""What keeps a home in order: plain steps without Prefect, each of which says what it found; `flows.maintain` runs them."""
