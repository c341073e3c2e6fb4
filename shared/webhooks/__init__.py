"""Webhooks: events that are posted to an address of the client's when a job or a batch ends.

What API, workers and janitor agree on: addresses, secrets, rows and bodies. ``worker/webhooks`` delivers.
"""
