"""Notification texts: templates that Alertmanager and Grafana fill in alike, in plain text."""

TITLE = (
    "{{ if .CommonLabels.nervesys_test }}TEST {{ end }}"
    '{{ if eq .Status "firing" }}FIRING{{ else }}resolved{{ end }}: {{ .GroupLabels.alertname }}'
)
MOST = 20
"""Alerts that a message describes: a channel would refuse the text of thousands."""
TEXT = (
    f"{{{{ if gt (len .Alerts) {MOST} }}}}{{{{ len .Alerts }}}} alerts, of which {MOST} follow.\n\n{{{{ end }}}}"
    f"{{{{ range $number, $alert := .Alerts }}}}{{{{ if lt $number {MOST} }}}}"
    "{{ .Annotations.summary }}\n"
    "{{ with .Labels.agent }}Agent: {{ . }}\n{{ end }}"
    "{{ with .Labels.server }}Server: {{ . }}\n{{ end }}"
    "{{ with .Annotations.server }}Server: {{ . }}\n{{ end }}"
    "Since: {{ .StartsAt.UTC.Format `2006-01-02 15:04:05` }} UTC\n"
    "What happened: {{ .Annotations.description }}\n"
    "{{ with .Annotations.last_words }}Last status: {{ . }}\n{{ end }}"
    "{{ with .Annotations.largest }}Most series: {{ . }}\n{{ end }}"
    "{{ with .Annotations.action }}Action: {{ . }}\n{{ end }}"
    "{{ with .Annotations.done }}What was done: {{ . }}\n{{ end }}"
    "What to do: {{ .Annotations.runbook_url }}\n"
    "Dashboard: {{ .Annotations.dashboard_url }}\n"
    "Journal: {{ .Annotations.journal_url }}\n\n{{ end }}{{ end }}"
)
"""A line whose value is not known is left out."""
PLAIN = f"{TITLE}\n\n{TEXT}"
"""Title and text in one, for channels without a title."""


SERIES_STORY = {
    "largest": '{{ range printf `topk(3, count by (agent) ({job=%q,agent!=""}))` $labels.source | query }}'
    "{{ . | label `agent` }} {{ . | value }}; {{ end }}",
}
"""For the alert on an exporter's series, which fires once a source: the query reads them all. Grafana cannot run it."""
