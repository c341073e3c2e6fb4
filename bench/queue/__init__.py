"""The queue alone: stages that do nothing, between which everything is as in the service."""
