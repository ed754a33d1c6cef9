"""Notification texts: templates that Alertmanager and Grafana fill in alike, in plain text.

What is the same for all alerts stands here, not in an annotation, which is filled in for each at each evaluation.
"""

from nervesys.settings import Settings

TITLE = (
    "{{ if .CommonLabels.nervesys_test }}TEST {{ end }}"
    '{{ if eq .Status "firing" }}FIRING{{ else }}resolved{{ end }}: {{ .GroupLabels.alertname }}'
)
MOST = 20
"""Alerts that a message describes: a channel would refuse the text of thousands."""


def message_text(settings: Settings) -> str:
    """The text of a message; a line whose value is not known is left out.

    Args:
        settings: address of the journal.
    """
    return (
        f"{{{{ if gt (len .Alerts) {MOST} }}}}{{{{ len .Alerts }}}} alerts, of which {MOST} follow.\n\n{{{{ end }}}}"
        f"{{{{ range $number, $alert := .Alerts }}}}{{{{ if lt $number {MOST} }}}}"
        "{{ .Annotations.summary }}\n"
        "{{ with .Labels.agent }}Agent: {{ . }}\n{{ end }}"
        "{{ with .Labels.server }}Server: {{ . }}\n{{ end }}"
        "Since: {{ .StartsAt.UTC.Format `2006-01-02 15:04:05` }} UTC\n"
        "What happened: {{ .Annotations.description }}\n"
        "{{ with .Annotations.largest }}Most series: {{ . }}\n{{ end }}"
        "What to do: {{ .Annotations.runbook_url }}\n"
        "Dashboard: {{ .Annotations.dashboard_url }}\n"
        f"Journal: {settings.monitoring.journal_url}/{{{{ with .Labels.agent }}}}?agent={{{{ . }}}}{{{{ end }}}}\n\n"
        "{{ end }}{{ end }}"
    )


def whole_message(settings: Settings) -> str:
    """Title and text in one, for channels without a title.

    Args:
        settings: address of the journal.
    """
    return f"{TITLE}\n\n{message_text(settings)}"


SERIES_STORY = {
    "largest": '{{ range printf `topk(3, count by (agent) ({job=%q,agent!=""}))` $labels.source | query }}'
    "{{ . | label `agent` }} {{ . | value }}; {{ end }}",
}
"""For the alert on an exporter's series, which fires once a source: the query reads them all. Grafana cannot run it."""
