"""Panels of log records, whose query is LogQL."""

from grafanalib.core import Logs, Target

from dashboards.grafana_json import Json
from dashboards.style import PageContext

TYPE = "loki"
TEXT = "{{.action}} {{.message}}"
"""What is shown of a record: its action and message; its level colours it."""
LABELS = "| keep agent, server, level, category"
LINES = 100
"""Newest records of one panel: enough to read, few enough to fetch at each refresh."""


class LokiTarget(Target):  # type: ignore[misc]  # grafanalib is untyped
    """A query of log records, with the keys that Grafana reads and no others."""

    variable: Json | None = None
    """It needs none of its own; see `PrometheusTarget`."""

    def to_json_data(self) -> Json:
        """As Grafana's query editor would save it."""
        return {
            "datasource": self.datasource,
            "direction": "backward",
            "editorMode": "code",
            "expr": self.expr,
            "maxLines": LINES,
            "queryType": "range",
        }


def log_lines(context: PageContext, title: str, description: str, selector: str, text: str = TEXT) -> Logs:
    """The newest records of a stream selector.

    Args:
        context: names the data source.
        title: of the panel.
        description: which question it answers.
        selector: such as `{agent="$chosen_agent"}`.
        text: what is shown of each record, as LogQL's `line_format` writes it.
    """
    datasource = {"type": TYPE, "uid": context.settings.grafana.logs_uid}
    return Logs(
        title=title,
        description=description,
        dataSource=datasource,
        targets=[LokiTarget(expr=f'{selector} | json | line_format "{text}" {LABELS}', datasource=datasource)],
        showTime=True,
        enableLogDetails=True,
        wrapLogMessages=True,
    )
