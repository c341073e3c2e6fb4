"""Scripts that make figures of the documentation."""
