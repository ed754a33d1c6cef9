"""Exporters: what lies in the pillars, as Prometheus metrics. One module a source, and the runner that they share."""
