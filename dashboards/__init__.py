"""Dashboards as code: grafanalib definitions in one house style, generated into what Grafana loads."""

DASHBOARDS = (
    "overview",
    "agent",
    "trends",
    "alerts",
    "config_changes",
    "storage",
    "workspaces",
    "artifacts",
    "vitality",
    "hygiene",
    "stack",
)
"""Every dashboard: the module of that name beside this file, whose `dashboard(house)` makes it."""
