"""Converts the JSON of grafanalib for Grafana 11, 12 and 13: the only place that extends grafanalib.

grafanalib 0.7.1 models Grafana 5 to 9 and is no longer developed. The conversion adds the keys that current versions
read, and removes those that they dropped.
"""

import json
from string import ascii_uppercase
from typing import Any

from grafanalib._gen import DashboardEncoder
from grafanalib.core import Dashboard, Panel, Target

Json = dict[str, Any]

SCHEMA_VERSION = 39
"""The newest that Grafana 11, 12 and 13 all read without migration."""
PLUGIN_VERSION = "11.0.0"
"""Without it, Grafana takes stat and bar gauge panels for those of version 6.1 and migrates them."""
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

HEATMAP = "heatmap"
"""Form of a query whose series are the buckets of one histogram: Grafana sorts them and takes each from the next."""

DEAD_DASHBOARD_KEYS = ("__inputs", "gnetId", "hideControls", "rows", "sharedCrosshair", "style")
DEAD_PANEL_KEYS = (
    "cacheTimeout",
    "color",
    "columns",
    "editable",
    "error",
    "fontSize",
    "height",
    "hideTimeOverride",
    "mappings",
    "maxDataPoints",
    "maxPerRow",
    "minSpan",
    "repeatDirection",
    "span",
)
ROW_KEYS = ("collapsed", "gridPos", "id", "panels", "title", "type")


class PrometheusTarget(Target):  # type: ignore[misc]  # grafanalib is untyped
    """A Prometheus query, with the keys that Grafana reads and no others.

    Attributes:
        variable: that the page has for this query alone; None where it needs none.
    """

    variable: Json | None = None

    def to_json_data(self) -> Json:
        """As Grafana's query editor would save it."""
        target_json = {
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": self.expr,
            "format": self.format,
            "instant": self.instant,
            "legendFormat": self.legendFormat,
            "range": not self.instant,
        }
        return target_json | ({"interval": self.interval} if self.interval else {})

    def as_instant(self, form: str = "time_series", legend: str | None = None) -> "PrometheusTarget":
        """The same, asked for the end of the time range only; with another legend if one is given."""
        instant_query = PrometheusTarget(
            expr=self.expr,
            legendFormat=self.legendFormat if legend is None else legend,
            interval=self.interval,
            instant=True,
            format=form,
        )
        instant_query.variable = self.variable
        return instant_query


class BarGauge(Panel):  # type: ignore[misc]  # grafanalib is untyped
    """A bar gauge; grafanalib's own writes options from before Grafana 7."""

    def to_json_data(self) -> Json:
        """One bar a series, horizontal, with the newest value beside it."""
        panel: Json = self.panel_json(
            {
                "type": "bargauge",
                "fieldConfig": {"defaults": {"color": {"mode": "thresholds"}, "min": 0}},
                "options": {
                    "displayMode": "basic",
                    "namePlacement": "left",
                    "orientation": "horizontal",
                    "showUnfilled": True,
                    "sizing": "auto",
                    "valueMode": "text",
                },
            }
        )
        return panel


def to_grafana_json(dashboard: Dashboard) -> Json:
    """The dashboard as plain JSON that Grafana reads without migrating it."""
    page: Json = json.loads(json.dumps(dashboard, cls=DashboardEncoder))
    for key in DEAD_DASHBOARD_KEYS:
        del page[key]
    return page | {
        "editable": False,
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "panels": [_CONVERT.get(panel["type"], _panel)(panel) for panel in page["panels"]],
        "schemaVersion": SCHEMA_VERSION,
        "timepicker": {},
        "weekStart": "",
    }


def _row(panel: Json) -> Json:
    return {key: panel[key] for key in ROW_KEYS}


def _panel(panel: Json) -> Json:
    kept = {key: value for key, value in panel.items() if key not in DEAD_PANEL_KEYS and value is not None}
    kept["datasource"] = DATASOURCE
    kept["pluginVersion"] = PLUGIN_VERSION
    kept["targets"] = [target | {"refId": ref} for target, ref in zip(panel["targets"], ascii_uppercase, strict=False)]
    config = kept["fieldConfig"]
    config["defaults"] = _defaults(config["defaults"])
    config.setdefault("overrides", [])
    _OPTIONS[panel["type"]](kept["options"])
    if panel["type"] == "table":
        cell = config["defaults"]["custom"]
        cell["cellOptions"] = {"type": cell.pop("displayMode")}
    return kept


def _logs(panel: Json) -> Json:
    """A panel of log records, whose data source is no variable: a page has one for all its other panels."""
    kept = {key: value for key, value in panel.items() if key not in DEAD_PANEL_KEYS and value is not None}
    targets = [target | {"refId": "A"} for target in panel["targets"]]
    return kept | {
        "fieldConfig": {"defaults": {}, "overrides": []},
        "pluginVersion": PLUGIN_VERSION,
        "targets": targets,
    }


_CONVERT = {"row": _row, "logs": _logs}


def _defaults(defaults: Json) -> Json:
    """Of a panel's fields, without the nulls by which grafanalib says that nothing was given."""
    kept = {"mappings": []} | {key: value for key, value in defaults.items() if value is not None}
    if "custom" in kept:
        kept["custom"] = {key: value for key, value in kept["custom"].items() if value is not None}
    return kept


def _with_legend(options: Json) -> None:
    options["legend"] = {"calcs": [], "showLegend": True} | options["legend"]
    options["tooltip"] = {"sort": "none"} | options["tooltip"]


def _with_reduction(options: Json) -> None:
    options["reduceOptions"] = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def _as_stat(options: Json) -> None:
    _with_reduction(options)
    options |= {"showPercentChange": False, "wideLayout": True}


def _as_table(options: Json) -> None:
    options["cellHeight"] = "sm"


_OPTIONS = {
    "bargauge": _with_reduction,
    "nodeGraph": lambda _: None,
    "stat": _as_stat,
    "state-timeline": _with_legend,
    "table": _as_table,
    "timeseries": _with_legend,
}
"""What each type of panel needs beyond grafanalib's options; a type that is not listed is not in the house style."""
