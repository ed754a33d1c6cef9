"""Reads the agents' log records from store and archive."""
