"""``/batches``: many jobs that belong together, and their results as one table."""

from api.batches.views import blueprint

__all__ = ["blueprint"]
