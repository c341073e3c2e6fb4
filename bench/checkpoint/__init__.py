"""What a checkpoint is worth, measured by the code that serves it, with others beside it in one run."""
