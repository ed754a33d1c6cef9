"""Notification texts: templates that Alertmanager and Grafana fill in alike, in plain text."""

TITLE = (
    "{{ if .CommonLabels.nervesys_test }}TEST {{ end }}"
    '{{ if eq .Status "firing" }}FIRING{{ else }}resolved{{ end }}: {{ .GroupLabels.alertname }}'
)
TEXT = (
    "{{ range .Alerts }}{{ .Annotations.summary }}\n"
    "{{ with .Labels.agent }}Agent: {{ . }}\n{{ end }}"
    "{{ with .Labels.server }}Server: {{ . }}\n{{ end }}"
    "{{ with .Annotations.server }}Server: {{ . }}\n{{ end }}"
    "What happened: {{ .Annotations.description }}\n"
    "{{ with .Annotations.last_words }}Last status: {{ . }}\n{{ end }}"
    "{{ with .Annotations.largest }}Most series: {{ . }}\n{{ end }}"
    "{{ with .Annotations.action }}Action: {{ . }}\n{{ end }}"
    "{{ with .Annotations.done }}What was done: {{ . }}\n{{ end }}"
    "What to do: {{ .Annotations.runbook_url }}\n"
    "Dashboard: {{ .Annotations.dashboard_url }}\n"
    "Journal: {{ .Annotations.journal_url }}\n\n{{ end }}"
)
"""A line whose value is not known is left out."""
PLAIN = f"{TITLE}\n\n{TEXT}"
"""Title and text in one, for channels without a title."""


def _query_result(query: str, text: str, label: str = "agent") -> str:
    """A Prometheus template: runs a query about a label of the alert, and is empty where that has no result."""
    return f"{{{{ range printf `{query}` $labels.{label} | query }}}}{text}{{{{ end }}}}"


AGENT_STORY = {
    "server": _query_result("nervesys_agent_info{agent=%q}", "{{ . | label `server` }}"),
    "last_words": _query_result("last_over_time(nervesys_agent_status{agent=%q}[1h]) == 1", "{{ . | label `status` }}")
    + _query_result(
        "nervesys_agent_heartbeat_timestamp_seconds{agent=%q}",
        " {{ . | value | humanizeTimestamp }}",
    ),
    "done": _query_result(
        "max by (action, state) (nervesys_open_actions{agent=%q}) > 0",
        "{{ . | label `action` }} is {{ . | label `state` }}; ",
    ),
}
"""Annotations with queries, for alerts on agents; Prometheus runs them when the alert fires, Grafana cannot."""
SERIES_STORY = {
    "largest": _query_result(
        'topk(3, count by (agent) ({job=%q,agent!=""}))', "{{ . | label `agent` }} {{ . | value }}; ", "source"
    ),
}
"""For the alert on an exporter's series, which fires once a source: the query reads all of them."""
