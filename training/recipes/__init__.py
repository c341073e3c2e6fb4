"""Recipes: what is trained on what, in which steps."""
