"""Reads the queries of dashboards from their JSON, and runs them as Grafana would; for checking and drawing."""
