"""Bodies of webhooks, good and bad, and what is journalled for them.

Covers: alerting.receiver.intake.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from alerting.model import AlertsFile
from alerting.receiver.fleet import FleetConfig
from alerting.receiver.intake import arrivals, has_watchdog
from alerting.receiver.webhook import TEXT_LIMIT, BadAlert, ReceivedAlert, parse
from tests.alerting.receiver.simulation import a_fleet

FIRING = {
    "status": "firing",
    "labels": {"alertname": "AgentDown", "agent": "grok"},
    "annotations": {"summary": "it is silent"},
    "startsAt": "2027-01-15T08:00:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://127.0.0.1/graph",
    "fingerprint": "6d1d1e2a0c4b9a37",
}


def body(*alerts: Any, **fields: Any) -> bytes:
    return json.dumps({"version": "4", "receiver": "actions", "alerts": alerts, **fields}).encode()


def labels(**fields: str) -> dict[str, Any]:
    return {**FIRING, "labels": {"alertname": "AgentDown", **fields}}


@pytest.mark.parametrize("bad", [b"", b"{", b"\xff\xfe", b"[" * 100_000], ids=["empty", "half", "no UTF-8", "too deep"])
def test_what_is_not_json_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(bad)


def test_no_depth_of_nesting_is_a_bug() -> None:
    for depth in range(900, 1001, 2):
        nested = b'{"alerts": [' + b"[" * depth + b"]" * depth + b"]}"
        try:
            (alert,) = parse(nested).alerts
            assert isinstance(alert, BadAlert)
        except ValueError as err:
            assert str(err) == "nested too deeply"


@pytest.mark.parametrize("count", [10**400, -1, "7", None, 1.5, [], {}], ids=lambda count: str(count)[:9])
def test_a_count_that_is_none_costs_no_alert(count: Any) -> None:
    request = parse(body(FIRING, truncatedAlerts=count))
    assert request.truncated == 0
    assert isinstance(request.alerts[0], ReceivedAlert)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(7, id="a number"),
        pytest.param({**FIRING, "status": "on fire"}, id="an unknown status"),
        pytest.param({**FIRING, "labels": {"agent": 7}}, id="a label that is no text"),
        pytest.param({**FIRING, "labels": {str(n): "" for n in range(101)}}, id="too many labels"),
        pytest.param({"status": "firing"}, id="no labels"),
    ],
)
def test_one_bad_alert_never_costs_the_good(bad: Any) -> None:
    good, wrong, last = parse(body(FIRING, bad, FIRING)).alerts
    assert isinstance(good, ReceivedAlert)
    assert isinstance(last, ReceivedAlert)
    assert isinstance(wrong, BadAlert)
    assert wrong == parse(body(bad)).alerts[0], "its repeats are one"


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        (b"[]", "must be a mapping of keys to values"),
        (b"7", "must be a mapping of keys to values"),
        (b'{"alerts": 3}', "alerts: must be a list"),
        (b'{"alerts": [7]}', "must be a mapping of keys to values"),
        (b"{}", "alerts: is missing"),
    ],
)
def test_json_of_another_shape_is_one_bad_alert(shape: bytes, problem: str) -> None:
    (bad,) = parse(shape).alerts
    assert isinstance(bad, BadAlert)
    assert bad.problem == problem


def test_texts_are_made_fit_for_every_database() -> None:
    (alert,) = parse(body(labels(agent="a\0b\ud800", note="x" * 10_000))).alerts
    assert isinstance(alert, ReceivedAlert)
    assert alert.labels["agent"] == "a\ufffdb?"
    assert len(alert.labels["note"]) == TEXT_LIMIT


def test_an_alert_without_a_fingerprint_gets_one_of_its_labels() -> None:
    bare = {"status": "firing", "labels": {"alertname": "AgentDown"}}
    (item,), (two,) = parse(body(bare)).alerts, parse(body({**bare, "status": "resolved"})).alerts
    assert isinstance(item, ReceivedAlert)
    assert isinstance(two, ReceivedAlert)
    assert item.identity() == two.identity() != ""


@pytest.fixture
def fleet() -> FleetConfig:
    return a_fleet("grok")


@pytest.mark.parametrize(
    ("alert", "rejected"),
    [
        pytest.param(FIRING, "", id="a known alert of a known agent"),
        pytest.param(labels(agent="GROK"), "", id="a name in capitals"),
        pytest.param(labels(alertname="Nope", agent="grok"), "unknown_alert", id="an unknown alert"),
        pytest.param(labels(agent="nobody"), "unknown_agent", id="an unknown agent"),
        pytest.param(labels(agent="../../etc"), "unknown_agent", id="a name that is none"),
        pytest.param(labels(), "no_agent", id="a remedy without an agent"),
    ],
)
def test_what_an_alert_leads_to(fleet: FleetConfig, alert: dict[str, Any], rejected: str) -> None:
    (arrival,) = arrivals(parse(body(alert)), "alertmanager", fleet)
    assert arrival.rejected == rejected
    assert arrival.remedies == (() if rejected else ("restart_agent",))
    assert bool(arrival.records) is not bool(rejected)
    assert arrival.agent == ("" if rejected and alert["labels"].get("agent") != "grok" else "grok")


def test_a_test_alert_leads_to_no_record(fleet: FleetConfig) -> None:
    (arrival,) = arrivals(parse(body(labels(agent="grok", nervesys_test="true"))), "alertmanager", fleet)
    assert (arrival.test, arrival.remedies, arrival.records) == (True, ("restart_agent",), ())


def test_the_model_is_asked_about_what_fires_where_there_is_one(fleet: FleetConfig) -> None:
    alibaba = fleet.settings.alibaba
    enabled = alibaba.model_copy(update={"alibaba_cloud": alibaba.alibaba_cloud.model_copy(update={"enabled": True})})
    asking = replace(fleet, settings=fleet.settings.model_copy(update={"alibaba": enabled}))
    flapping = labels(alertname="AgentFlapping", agent="grok")
    both = parse(body(flapping, {**flapping, "status": "resolved"}))
    assert [item.records for item in arrivals(both, "alertmanager", asking)] == [(("analyze", "alibaba"),), ()]
    assert [item.records for item in arrivals(both, "alertmanager", fleet)] == [(), ()]


def test_the_watchdog_is_recorded_and_leads_to_nothing(fleet: FleetConfig) -> None:
    watchdog = parse(body(labels(alertname="Watchdog")))
    assert has_watchdog(watchdog)
    assert not has_watchdog(parse(body(FIRING)))
    assert not has_watchdog(parse(body({**labels(alertname="Watchdog"), "status": "resolved"}))), "it has just ended"
    assert list(arrivals(watchdog, "alertmanager", fleet)) == []


def test_the_alerts_of_the_shipped_file_are_known(fleet: FleetConfig) -> None:
    alerts: AlertsFile = fleet.alerts
    sent = [labels(alertname=alert.alertname, agent="grok") for alert in alerts.alerts]
    assert {arrival.rejected for arrival in arrivals(parse(body(*sent)), "alertmanager", fleet)} == {""}


def of_grafana(**own: Any) -> dict[str, Any]:
    """An alert as Grafana sends it, with what Alertmanager has not."""
    fields = {
        "values": {"A": 312.4, "B": 1, "C": 1},
        "valueString": "[ var='A' labels={agent=grok} value=312.4 ]",
        "silenceURL": "http://127.0.0.1/alerting/silence/new",
        "dashboardURL": "",
        "panelURL": "",
        "orgId": 1,
    }
    labels = {"alertname": "AgentDown", "grafana_folder": "Nervesys alerts, critical", "agent": "grok"}
    return {**FIRING, "labels": labels, **fields, **own}


@pytest.mark.parametrize("own", [{}, {"values": None}, {"status": "resolved", "endsAt": "2027-01-15T08:05:00Z"}])
def test_grafana_is_understood_as_alertmanager_is(own: dict[str, Any]) -> None:
    of_its_own = {"version": "1", "orgId": 1, "title": "t", "state": "alerting", "message": "m", "truncatedAlerts": 0}
    request = parse(json.dumps({"receiver": "actions", "alerts": [of_grafana(**own)], **of_its_own}).encode())
    (arrival,) = arrivals(request, "grafana", a_fleet("grok"))
    assert (arrival.alertname, arrival.agent, arrival.rejected) == ("AgentDown", "grok", "")
    assert (arrival.sender, arrival.remedies) == ("grafana", ("restart_agent",))


def test_grafanas_watchdog_is_recorded() -> None:
    alert = of_grafana(labels={"alertname": "Watchdog", "grafana_folder": "Nervesys alerts, none"})
    assert has_watchdog(parse(body(alert)))
