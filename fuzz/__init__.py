"""Fuzzing: strangers' bytes, made wrong on purpose; see README.md."""
