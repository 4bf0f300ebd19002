"""Metrics, and cost against a classical solver of the same error."""
