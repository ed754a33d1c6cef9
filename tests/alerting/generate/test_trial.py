"""The test alert, and requests for one that are refused."""

import pytest

from alerting.generate.trial import make_alert_test
from alerting.model import read_alerts
from nervesys.settings import FolderTree, load, shipped_root
from tests.alerting.compilers import compiler_of

SETTINGS = load().settings
COMPILER = compiler_of(SETTINGS)
ALERTS = read_alerts(FolderTree(shipped_root()))[0]


@pytest.mark.parametrize("name", ["Agent Down", "AgentDown"])
def test_it_looks_like_a_real_one_and_says_that_it_is_none(name: str) -> None:
    test = make_alert_test(name, {"agent": "grok"}, ALERTS, COMPILER)
    assert test.labels == {
        "alertname": "AgentDown",
        "severity": "critical",
        "agent": "grok",
        "nervesys_test": "true",
    }
    assert test.annotations["summary"] == "grok has been silent for …"
    assert test.annotations["dashboard_url"].endswith("/d/agent-details?var-agent_name=grok")


def test_of_two_severities_the_worse_is_tried() -> None:
    assert make_alert_test("High CPU", {"server": "web-1"}, ALERTS, COMPILER).labels["severity"] == "critical"


def test_times_are_written_as_alertmanager_reads_them() -> None:
    (body,) = make_alert_test("Agent Down", {"agent": "grok"}, ALERTS, COMPILER).body(0, 300.5)
    assert (body["startsAt"], body["endsAt"]) == ("1970-01-01T00:00:00+00:00", "1970-01-01T00:05:00.500000+00:00")


@pytest.mark.parametrize(
    ("name", "given", "problem"),
    [
        ("Agent Dwn", {"agent": "grok"}, "no alert is named 'Agent Dwn'; did you mean 'Agent Down'?"),
        ("Agent Down", {}, "Agent Down needs agent: --agent NAME"),
        ("Exporter Stale", {"source": "store"}, "needs source and area: --label area=NAME"),
        ("High CPU", {"server": "web-1", "agent": "grok"}, "High CPU has no label agent; leave it out"),
    ],
)
def test_what_cannot_be_tried_is_refused_in_words(name: str, given: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=r"alert|label|needs") as err:
        make_alert_test(name, given, ALERTS, COMPILER)
    assert problem in str(err.value)
