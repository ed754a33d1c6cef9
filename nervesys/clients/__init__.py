"""Clients of the programs that this project works with: Prometheus, Alertmanager and supervisor."""
