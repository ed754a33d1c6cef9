"""The pages' queries before a real Prometheus that holds an hour of every family.

Covers: dashboards.alerts, dashboards.artifacts, dashboards.calls, dashboards.config_changes, dashboards.cost,
dashboards.expected_empty, dashboards.hygiene, dashboards.overview, dashboards.progress, dashboards.shared,
dashboards.stack, dashboards.storage, dashboards.trends, dashboards.vitality, dashboards.workspaces.
"""

from dataclasses import replace

import pytest

from dashboards.build import pages
from dashboards.expected_empty import EXPECTED_EMPTY, NOT_A_DAY, EmptyReason, reason_of
from dashboards.live_check import QueryVerdict, check_queries
from nervesys.queries.dashboard_queries import PanelQuery, queries_of
from nervesys.queries.query_runner import QueryRunner
from nervesys.queries.variables import ANY
from nervesys.settings import load
from tests.hour.history import HOUR_SECONDS

LOCAL = load(profile="local")


def test_every_query_runs_and_finds_data(live: QueryRunner) -> None:
    made = pages(LOCAL)
    young = {name: reason for name, reason in EXPECTED_EMPTY.items() if reason is NOT_A_DAY}
    given = list(check_queries(live, made, young))
    assert [(answer.query, answer.verdict) for answer in given if not answer.verdict.as_expected] == []
    assert len(given) == sum(len(list(queries_of(page))) for page in made)


@pytest.mark.parametrize(
    ("panel", "value"),
    [
        pytest.param("Running", 0, id="both report running, but are silent"),
        pytest.param("Not running", 0, id="nor is one of them counted twice here"),
        pytest.param("Silent", 2, id="their heartbeat is a minute old, and half a minute is the limit"),
        pytest.param("Alerts firing", 2, id="two alerts, and the Watchdog is none"),
        pytest.param("Escalated", 2, id="one action of each agent"),
    ],
)
def test_tiles_show_the_right_values(live: QueryRunner, panel: str, value: float) -> None:
    question = next(question for question in queries_of(pages(LOCAL)[0]) if question.panel == panel)
    [series] = live.ask(question, {"agent": ANY, "server": ANY}, HOUR_SECONDS)
    assert [at_last for _, at_last in series.points] == [value]


def test_the_tiles_of_agents_sum_up_to_all(live: QueryRunner) -> None:
    tiles = [query for query in queries_of(pages(LOCAL)[0]) if query.panel in {"Running", "Silent", "Not running"}]
    for ago in (0, 30, 45, 600):
        values = [live.ask(tile, {"agent": ANY, "server": ANY}, HOUR_SECONDS - ago)[0].points[-1][1] for tile in tiles]
        assert sum(values) == 2


NEVER, NOT_YET = EmptyReason("never"), EmptyReason("not yet", unless="up")


@pytest.mark.parametrize(
    ("expr", "reason", "verdict"),
    [
        pytest.param("up", None, QueryVerdict.DATA, id="found"),
        pytest.param("gone", None, QueryVerdict.UNEXPECTEDLY_EMPTY, id="empty without a reason"),
        pytest.param("gone", NEVER, QueryVerdict.EMPTY, id="empty with a reason"),
        pytest.param("up", NEVER, QueryVerdict.UNEXPECTEDLY_FULL, id="found against a reason"),
        pytest.param("up", NOT_YET, QueryVerdict.DATA, id="found, for the reason has passed"),
        pytest.param("0 * up / 0", None, QueryVerdict.UNEXPECTEDLY_EMPTY, id="nothing but NaN"),
        pytest.param("sum by (", None, QueryVerdict.FAILED, id="no PromQL"),
    ],
)
def test_what_is_empty_needs_a_reason_that_holds(
    live: QueryRunner, expr: str, reason: EmptyReason | None, verdict: QueryVerdict
) -> None:
    page = pages(LOCAL)[0]
    page["panels"][0]["targets"][0]["expr"] = expr
    answer = next(check_queries(live, [page], {"main-overview / Running / A": reason} if reason else {}))
    assert answer.verdict is verdict
    assert ("parse error" in answer.detail) is (verdict is QueryVerdict.FAILED)


def test_the_table_of_reasons_names_queries_that_exist() -> None:
    queries = [query for page in pages(LOCAL) for query in queries_of(page)]
    assert set(EXPECTED_EMPTY) <= {
        name for query in queries for name in (str(query), f"* / {query.panel} / {query.ref}")
    }


def test_a_reason_may_stand_for_every_page() -> None:
    actions = PanelQuery("any-page", "Actions", "annotation", "up", instant=False, min_step="")
    assert reason_of(actions, EXPECTED_EMPTY)
    assert reason_of(actions, {str(actions): NEVER, "* / Actions / annotation": NOT_YET}) is NEVER, (
        "a page's own comes first"
    )
    assert reason_of(replace(actions, ref="A"), EXPECTED_EMPTY) is None


def test_variables_are_chosen_as_grafana_does_at_first(live: QueryRunner) -> None:
    by_uid = {page["uid"]: page for page in pages(LOCAL)}
    assert live.variables(by_uid["main-overview"]) == {"server": ANY, "agent": ANY}
    assert live.variables(by_uid["agent-details"]) == {"agent_name": "gimai", "agent_server": "alpha"}
