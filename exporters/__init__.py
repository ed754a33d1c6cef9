"""Exporters: Prometheus metrics about the store, the archive, the brain and more. One module a source, one runner."""
