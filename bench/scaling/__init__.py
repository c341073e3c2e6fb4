"""What the service's work costs, and what it would do on many machines."""
