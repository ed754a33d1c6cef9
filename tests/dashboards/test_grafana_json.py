"""What grafanalib's panels are converted to.

Covers: dashboards.style, dashboards.tables.
"""

from typing import Any

import pytest
from grafanalib.core import Dashboard, RowPanel

from dashboards.grafana_json import DATASOURCE, DEAD_DASHBOARD_KEYS, DEAD_PANEL_KEYS, Json, to_grafana_json
from dashboards.style import NONE_IS_CRITICAL, PanelUnit, bars, graph, query, stat, timeline
from dashboards.tables import LabelColumn, ValueColumn, table

UP = query("up", "{{job}}")
PANELS = {
    "stat": stat("Stat", "?", PanelUnit.COUNT, UP, steps=NONE_IS_CRITICAL),
    "timeseries": graph("Graph", "?", PanelUnit.COUNT, UP, UP),
    "state-timeline": timeline("Timeline", "?", UP, mappings=[]),
    "bargauge": bars("Bars", "?", PanelUnit.COUNT, UP),
    "table": table("Table", "?", LabelColumn("job", "Job"), ValueColumn("Up", UP), ValueColumn("", UP), sort="Job"),
}
REDUCED = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def encoded(panel: Any) -> Json:
    return dict(to_grafana_json(Dashboard(title="Page", panels=[panel]))["panels"][0])


def test_a_dashboard_has_what_grafana_reads_and_nothing_that_it_dropped() -> None:
    page = to_grafana_json(Dashboard(title="Page"))
    assert page["schemaVersion"] == 39
    assert page["editable"] is False
    assert page["timepicker"] == {}
    assert not set(DEAD_DASHBOARD_KEYS) & set(page)


@pytest.mark.parametrize("kind", PANELS)
def test_every_kind_of_panel_is_of_today(kind: str) -> None:
    panel = encoded(PANELS[kind])
    assert panel["type"] == kind
    assert panel["pluginVersion"] == "11.0.0"
    assert panel["datasource"] == DATASOURCE
    assert not set(DEAD_PANEL_KEYS) & set(panel)
    assert None not in panel.values()
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
    assert isinstance(panel["fieldConfig"]["overrides"], list)


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        ("stat", "reduceOptions", REDUCED),
        ("bargauge", "reduceOptions", REDUCED),
        ("timeseries", "legend", {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True}),
        ("state-timeline", "tooltip", {"mode": "single", "sort": "none"}),
    ],
)
def test_options_take_the_form_of_today(kind: str, option: str, value: Json) -> None:
    assert encoded(PANELS[kind])["options"][option] == value


def test_queries_are_lettered_and_asked_as_their_panel_needs() -> None:
    assert [(target["refId"], target["range"]) for target in encoded(PANELS["timeseries"])["targets"]] == [
        ("A", True),
        ("B", True),
    ]
    asked = [(target["refId"], target["instant"], target["format"]) for target in encoded(PANELS["table"])["targets"]]
    assert asked == [("A", True, "table"), ("B", True, "table")]


def test_a_table_joins_its_queries_and_shows_its_columns_in_order() -> None:
    panel = encoded(PANELS["table"])
    merge, shown, organize = panel["transformations"]
    assert merge["id"] == "merge"
    assert shown["options"] == {"include": {"names": ["job", "Value #A"]}}
    assert organize["options"] == {
        "excludeByName": {},
        "indexByName": {"job": 0, "Value #A": 1},
        "renameByName": {"job": "Job", "Value #A": "Up"},
    }
    assert panel["fieldConfig"]["defaults"]["custom"]["cellOptions"] == {"type": "auto"}


def test_a_row_is_a_heading_and_no_more() -> None:
    assert set(encoded(RowPanel(title="Row", id=1))) == {"collapsed", "gridPos", "id", "panels", "title", "type"}
