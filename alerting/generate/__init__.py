"""Generates what Prometheus, Alertmanager and Grafana load from config/alerts.yaml, and checks it."""
