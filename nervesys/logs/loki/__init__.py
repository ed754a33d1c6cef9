"""Loki's HTTP API for reading, answered from store and archive."""
