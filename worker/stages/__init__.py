"""What each stage does with its assignment: read from storage, compute, write to storage."""
