"""Model files that are shipped with the package; see NOTICE."""
