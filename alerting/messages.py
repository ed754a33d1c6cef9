"""What people are told: templates that Alertmanager and Grafana fill in alike."""

TITLE = (
    "{{ if .CommonLabels.nervesys_test }}TEST {{ end }}"
    '{{ if eq .Status "firing" }}FIRING{{ else }}resolved{{ end }}: {{ .GroupLabels.alertname }}'
)
TEXT = (
    "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.description }}\n"
    "What to do: {{ .Annotations.runbook_url }}\nDashboard: {{ .Annotations.dashboard_url }}\n\n{{ end }}"
)
