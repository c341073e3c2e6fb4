"""What workers and the janitor tell Prometheus; ids are never among the labels."""
