"""Delivering webhooks: a queue of their own in the database, worked off by threads of the janitor."""
