"""``avemotion run``: clips in, results out, on a stack of its own."""
