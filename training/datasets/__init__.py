"""Data sets: what lies on disk, as samples with labels, speakers and folds."""
