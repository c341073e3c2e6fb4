"""The embedded stack: PostgreSQL, Valkey and every process of the service, started and kept running."""
