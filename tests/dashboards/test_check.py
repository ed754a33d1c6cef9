from collections.abc import Callable

import pytest

from commands.dashboards import world
from dashboards.build import pages, recording_rules
from dashboards.check import check_pages, check_rules
from dashboards.grafana_json import Json
from nervesys.settings import Loaded, load
from tests.dashboards.spoil import TASKS, asks, defaults, spoil, titled


@pytest.mark.parametrize("profile", [None, "local"])
def test_the_pages_keep_every_rule(profile: str | None) -> None:
    loaded = load(profile=profile)
    assert check_pages(pages(loaded), world(loaded)) == []
    assert check_rules(recording_rules(loaded), world(loaded)) == []


def test_a_recorded_rate_over_too_short_a_window_is_found(loaded: Loaded) -> None:
    hasty = {"record": "agent:nervesys_agent_tasks:rate1m", "expr": f"sum by (agent) (rate({TASKS}[1m]))"}
    [finding] = check_rules({"groups": [{"name": "agents", "rules": [hasty]}]}, world(loaded))
    assert (finding.where, finding.rule) == (hasty["record"], "window")


OUTSIDE = {"x": 20, "y": 1000, "w": 8, "h": 1}
FALLING = [{"color": "green", "value": None}, {"color": "red", "value": 5}, {"color": "orange", "value": 2}]
LOGS = "nervesys_log_records_total"


@pytest.mark.parametrize(
    ("rule", "spoilt"),
    [
        pytest.param("uid", lambda page: page.update(uid="with space"), id="uid with a space"),
        pytest.param("unique-title", lambda page: page.update(title="Stack Health"), id="title taken"),
        pytest.param("unique-uid", lambda page: page.update(uid="stack-health"), id="uid taken"),
        pytest.param(
            "panel-ids", lambda page: spoil(page, "title", page["panels"][1]["title"]), id="panel's title taken"
        ),
        pytest.param("panel-ids", lambda page: spoil(page, "id", page["panels"][1]["id"]), id="id taken"),
        pytest.param("grid", lambda page: spoil(page, "gridPos", page["panels"][1]["gridPos"]), id="overlap"),
        pytest.param("grid", lambda page: page["panels"].reverse(), id="out of order"),
        pytest.param("grid", lambda page: page["panels"][-1].update(gridPos=OUTSIDE), id="out of the grid"),
        pytest.param("variables", lambda page: asks(page, 'up{job="$other"}'), id="variable not defined"),
        pytest.param("variables", lambda page: page["templating"]["list"].append(unused()), id="variable not used"),
        pytest.param(
            "template-datasource-rule",
            lambda page: page["templating"]["list"].pop(0),
            id="no variable for the data source",
        ),
        pytest.param(
            "template-on-time-change-reload-rule",
            lambda page: page["templating"]["list"][1].update(refresh=1),
            id="variable read once",
        ),
        pytest.param(
            "template-label-promql-rule",
            lambda page: page["templating"]["list"][1].update(query="label_values(up{, job)"),
            id="variable with a broken selector",
        ),
        pytest.param(
            "template-label-promql-rule",
            lambda page: page["templating"]["list"][-1].update(regex="/.*/"),
            id="lines chosen by no label",
        ),
        pytest.param(
            "window",
            lambda page: page["templating"]["list"][-1].update(query="query_result(topk(1, rate(up[1s])))"),
            id="lines ranked over too short a window",
        ),
        pytest.param("uneditable-dashboard", lambda page: page.update(editable=True), id="editable"),
        pytest.param("panel-datasource-rule", lambda page: spoil(page, "datasource", "Prometheus"), id="named source"),
        pytest.param(
            "panel-datasource-rule", lambda page: asks(page, "up", datasource="x"), id="query of a named source"
        ),
        pytest.param("panel-title-description-rule", lambda page: spoil(page, "title", ""), id="no title"),
        pytest.param("panel-title-description-rule", lambda page: spoil(page, "description", ""), id="no description"),
        pytest.param("panel-units-rule", lambda page: defaults(page).pop("unit"), id="no unit"),
        pytest.param("panel-no-targets-rule", lambda page: spoil(page, "targets", []), id="no query"),
        pytest.param("too-many-lines", lambda page: asks(page, "up", legendFormat="{{agent}}"), id="a line an agent"),
        pytest.param(
            "too-many-lines",
            lambda page: titled(page, "Agents")["targets"][0].update(expr="nervesys_agent_info"),
            id="a row an agent",
        ),
        pytest.param("empty-state", lambda page: defaults(page).pop("noValue"), id="silent when empty"),
        pytest.param(
            "thresholds",
            lambda page: defaults(page)["thresholds"]["steps"].insert(0, {"color": "red", "value": 5}),
            id="thresholds that do not start at null",
        ),
        pytest.param(
            "thresholds", lambda page: defaults(page)["thresholds"].update(steps=FALLING), id="thresholds that fall"
        ),
        pytest.param(
            "thresholds",
            lambda page: page["panels"][0]["fieldConfig"]["overrides"].append(
                {"properties": [{"id": "thresholds", "value": {"steps": FALLING}}]}
            ),
            id="thresholds of one column that fall",
        ),
        pytest.param("target-promql-rule", lambda page: asks(page, "sum by ("), id="no PromQL"),
        pytest.param("family", lambda page: asks(page, "nervesys_agent_hartbeat"), id="misspelt family"),
        pytest.param("labels", lambda page: asks(page, 'nervesys_agent_info{host="a"}'), id="label of no family"),
        pytest.param("target-counter-agg-rule", lambda page: asks(page, f"sum({TASKS})"), id="raw counter"),
        pytest.param(
            "gauge-rate", lambda page: asks(page, "rate(nervesys_store_bytes[$__rate_interval])"), id="rate of a gauge"
        ),
        pytest.param("target-rate-interval-rule", lambda page: asks(page, f"rate({TASKS}[1h])"), id="fixed rate"),
        pytest.param("window", lambda page: asks(page, f"increase({TASKS}[1m])"), id="a minute of heartbeats"),
        pytest.param("window", lambda page: asks(page, f"rate({LOGS}[$__rate_interval])"), id="logs as if scraped"),
    ],
)
def test_what_breaks_a_rule_is_found(
    made: list[Json], loaded: Loaded, rule: str, spoilt: Callable[[Json], None]
) -> None:
    spoilt(made[0])
    assert rule in {finding.rule for finding in check_pages(made, world(loaded))}


def unused() -> Json:
    return {"name": "unused", "query": "label_values(up, job)", "refresh": 2, "type": "query"}


def test_a_longer_least_step_makes_the_window_wide_enough(made: list[Json], loaded: Loaded) -> None:
    asks(made[0], f"rate({LOGS}[$__rate_interval])", interval="10m")
    assert "window" not in {finding.rule for finding in check_pages(made, world(loaded))}
