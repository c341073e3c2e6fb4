"""``avemotion score``: many clips into one file of results."""
