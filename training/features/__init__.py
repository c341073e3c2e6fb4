"""Features of samples, made by the worker's own code and kept on disk."""
