"""Dashboards as code: grafanalib definitions in one style, from which Grafana's provisioning is generated."""

DASHBOARDS = (
    "overview",
    "agent",
    "calls",
    "messages",
    "trends",
    "service_levels",
    "cost",
    "alerts",
    "config_changes",
    "storage",
    "workspaces",
    "artifacts",
    "vitality",
    "hygiene",
    "stack",
)
"""All dashboards: each is the module of that name in this package, with a function `dashboard(context)`."""
