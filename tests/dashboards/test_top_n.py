"""What is drawn where there is too much to draw: asked of a real Prometheus that knows two agents."""

from collections.abc import Callable

import pytest

from dashboards import top_n
from dashboards.build import pages
from dashboards.shared import FIRING
from nervesys.queries.dashboard_queries import PanelQuery, queries_of
from nervesys.queries.query_runner import QueryRunner
from nervesys.queries.variables import ANY, substitute, windows
from nervesys.settings import load
from tests.hour.history import HOUR_SECONDS

STEPS = 60
Pick = Callable[..., str]


def query_of(panel: str) -> PanelQuery:
    return next(question for question in queries_of(pages(load(profile="local"))[0]) if question.panel == panel)


@pytest.fixture
def limit_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top_n, "LINES", 1)


@pytest.mark.usefixtures("limit_of_one_line")
@pytest.mark.parametrize(
    ("chosen", "drawn"),
    [
        pytest.param(ANY, "grok", id="the busiest of all"),
        pytest.param("gimai", "gimai", id="whoever is chosen, busy or not"),
    ],
)
def test_the_line_of_the_busiest_is_drawn_and_unbroken(live: QueryRunner, chosen: str, drawn: str) -> None:
    [line] = live.ask(query_of("Tasks ended"), {"agent": chosen, "server": ANY}, HOUR_SECONDS, STEPS)
    assert line.labels == {"agent": drawn}
    moments = [when for when, _ in line.points]
    assert moments == [moments[0] + step * HOUR_SECONDS / STEPS for step in range(STEPS)]


def test_without_too_many_all_are_drawn(live: QueryRunner) -> None:
    lines = live.ask(query_of("Tasks ended"), {"agent": ANY, "server": ANY}, HOUR_SECONDS, STEPS)
    assert {line.labels["agent"] for line in lines} == {"gimai", "grok"}


@pytest.mark.parametrize(("server", "rows"), [("alpha", {"gimai", "grok"}), ("beta", set())])
def test_the_table_of_agents_leaves_out_those_of_other_servers(live: QueryRunner, server: str, rows: set[str]) -> None:
    found = live.ask(query_of("Agents"), {"agent": ANY, "server": server}, HOUR_SECONDS)
    assert {series.labels["agent"] for series in found} == rows


@pytest.mark.parametrize(("lowest", "pick"), [(False, max), (True, min)], ids=["highest", "lowest"])
def test_who_is_chosen_has_the_highest_or_the_lowest_rank(live: QueryRunner, lowest: bool, pick: Pick) -> None:
    name, matchers = "nervesys_agent_tasks_total", 'outcome="completed"'
    there = live.prometheus.instant(f"max_over_time({name}{{{matchers}}}[1h])", live.now)
    ranks = {series.labels["agent"]: series.points[-1][1] for series in there}
    assert len(set(ranks.values())) == len(ranks) > 1
    top = top_n.TopVariable("whoever", top_n.highest(name, "agent", matchers).rank, "agent", 1, lowest)
    [chosen] = live.prometheus.instant(substitute(top.expr, windows(60, 60, HOUR_SECONDS)), live.now)
    assert chosen.labels == {"agent": pick(ranks, key=ranks.__getitem__)}


def test_a_test_of_the_alerts_is_no_alert() -> None:
    assert 'nervesys_test!="true"' in FIRING
    texts = [question.expr for page in pages(load()) for question in queries_of(page)]
    assert [text for text in texts if "ALERTS" in text and 'nervesys_test!="true"' not in text] == []
