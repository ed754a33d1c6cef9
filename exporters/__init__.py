"""Exporters: Prometheus metrics about the store, the archive, the brain and more; a module for each source."""
