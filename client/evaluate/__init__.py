"""``avemotion evaluate``: how good the answers in a file of results are."""
