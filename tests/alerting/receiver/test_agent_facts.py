"""What the page of an episode asks Prometheus."""

import json

import pytest

from alerting.receiver.agent_facts import cost_today, slowest_trace
from nervesys.clients.prometheus import Prometheus
from tests.alerting.drivers.kit import answering


def vector(*series: tuple[dict[str, str], str]) -> bytes:
    result = [{"metric": labels, "value": [0, value]} for labels, value in series]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


def test_cost_and_slowest_trace_are_read() -> None:
    with answering(200, vector(({"currency": "EUR"}, "1.5"))) as (url, asked):
        found = cost_today(Prometheus(url, 2), "grok")
    assert (found.items[0].amount, found.items[0].currency, found.missing) == (1.5, "EUR", "")
    assert "nervesys_budget_spent" in asked[0][0]
    with answering(200, vector(({"trace_id": "ab" * 16, "name": "<b>plan"}, "12.5"))) as (url, _):
        trace = slowest_trace(Prometheus(url, 2), "grok").items[0]
    assert (trace.trace_id, trace.name, trace.seconds) == ("ab" * 16, "<b>plan", 12.5)


@pytest.mark.parametrize("ask", [cost_today, slowest_trace])
def test_what_is_missing_is_named(ask: type) -> None:
    with answering(200, vector()) as (url, _):
        assert ask(Prometheus(url, 2), "grok").missing.endswith(".")
    assert "Prometheus does not answer" in ask(Prometheus(url, 2), "grok").missing
