"""What keeps a home in order: steps without Prefect, each of which says what it found; `flows.maintain` runs them."""
