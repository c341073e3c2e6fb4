"""Sound: its features, how they are drawn for the model, and where somebody speaks."""
