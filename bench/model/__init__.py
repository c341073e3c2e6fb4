"""How fast the model is, beside ``transformers`` and beside this machine's matrix products."""
