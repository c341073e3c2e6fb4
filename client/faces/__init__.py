"""``avemotion faces``: a face analyzer by itself, without the queue."""
