"""Fitting: from features and a recipe to weights."""
