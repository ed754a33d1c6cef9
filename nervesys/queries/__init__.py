"""What dashboards ask, read from their JSON and asked as Grafana asks it; who checks and who draws them share it."""
