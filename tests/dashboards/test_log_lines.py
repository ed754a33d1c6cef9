"""Panels of log records: their data source, and queries that our own API understands."""

import copy

import pytest

from commands.dashboards import world
from dashboards.check import check_pages
from nervesys.queries.dashboard_queries import log_panels_of
from tests.dashboards.conftest import LOADED, PAGES


def test_agent_details_and_alerts_show_records_of_the_second_data_source() -> None:
    queries = {page["uid"]: [panel["targets"][0]["expr"] for panel in log_panels_of(page)] for page in PAGES}
    assert [uid for uid, exprs in queries.items() if exprs] == ["agent-details", "messages", "alerts-actions"]
    assert queries["agent-details"][0].startswith('{agent="$agent_name"}')
    assert queries["alerts-actions"][0].startswith('{agent=~"$alerting_agent", level="error"}')
    assert queries["messages"][0].startswith('{category="message"}')
    for page in PAGES:
        for panel in log_panels_of(page):
            assert panel["datasource"] == panel["targets"][0]["datasource"] == {"type": "loki", "uid": "nervesys-logs"}
            assert "repeat" not in panel


@pytest.mark.parametrize(("query", "words"), [('{agent="$agent_name"} | logfmt', "`logfmt`"), ("{", "expected")])
def test_a_query_that_is_not_understood_is_found(query: str, words: str) -> None:
    page = copy.deepcopy(next(page for page in PAGES if page["uid"] == "agent-details"))
    log_panels_of(page)[0]["targets"][0]["expr"] = query
    found = [finding for finding in check_pages([page], world(LOADED)) if finding.rule == "logs"]
    assert [words in finding.problem for finding in found] == [True]
