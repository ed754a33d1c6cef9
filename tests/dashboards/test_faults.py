"""What a user of Grafana would meet in the first minute, on a real Prometheus.

Covers: dashboards.page, dashboards.shared, dashboards.storage, dashboards.trends.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from dashboards.build import page_context, pages
from dashboards.page import ANNOTATED_STATES
from dashboards.recording import ACTIONS, RECORDS
from dashboards.shared import TO_PAGE, with_agent_page
from nervesys.clients.prometheus import Prometheus
from nervesys.contract.times import DAY_SECONDS
from nervesys.metrics.periods import periods
from nervesys.queries.dashboard_queries import PanelQuery, annotations_of, queries_of, query_of_annotation
from nervesys.queries.query_runner import QueryRunner
from nervesys.settings import load
from reports.run_queries import annotations_in
from tests.hour.history import HOUR_SECONDS, STEP_SECONDS
from tests.hour.prometheus import START, remembering

LOCAL = load(profile="local")
PAGES = {page["uid"]: page for page in pages(LOCAL)}
NOW = 1_750_000_000
GIB = 1024**3
GRAFANAS_POINTS = 100
"""Of annotations."""
Points = Sequence[tuple[float, float]]


def query_of(uid: str, panel: str, ref: str = "A") -> PanelQuery:
    return next(query for query in queries_of(PAGES[uid]) if (query.panel, query.ref) == (panel, ref))


@contextmanager
def keeping(folder: Path, series: Mapping[str, Points]) -> Iterator[QueryRunner]:
    lines = [f"{name} {value} {at:.0f}\n" for name, points in series.items() for at, value in points]
    with remembering(folder, "".join(lines) + "# EOF\n") as url:
        yield QueryRunner(Prometheus(url), 5, NOW)


def test_every_action_is_marked_at_every_range(tmp_path: Path) -> None:
    name = ACTIONS.series(periods(LOCAL))
    instants = [NOW - 1800 - 4 * HOUR_SECONDS * count for count in range(40)]
    states = ANNOTATED_STATES.split("|")
    series: dict[str, Points] = {
        f'{name}{{agent="grok",action="restart_agent",state="{state}"}}': [(at, 1) for at in reversed(instants)]
        for state in states
    }
    [marks] = [each for each in annotations_of(PAGES["main-overview"]) if each["name"] == "Actions"]
    query = query_of_annotation(PAGES["main-overview"], marks)
    with keeping(tmp_path, series) as live:
        for span in (6 * HOUR_SECONDS, DAY_SECONDS, 7 * DAY_SECONDS):
            found = live.ask(query, {"agent": ".*"}, span, GRAFANAS_POINTS)
            step = live.step(query, span, GRAFANAS_POINTS)
            count = sum(at > NOW - span for at in instants)
            assert len(annotations_in(marks, found, step, NOW - span, NOW)) == count
            assert len(found) == len(states)


@pytest.mark.parametrize(("agent", "linked"), [("grok", True), ("", False), ("none", False), ("unknown", False)])
def test_only_a_cell_that_names_an_agent_has_a_link(live: QueryRunner, agent: str, linked: bool) -> None:
    expr = with_agent_page(f'label_replace(vector(1), "agent", "{agent}", "", "")')
    [series] = live.prometheus.instant(expr, live.now)
    assert series.labels.get(TO_PAGE, "").startswith("/d/agent-details?var-agent_name=grok&") is linked
    assert (TO_PAGE in series.labels) is linked


def test_a_trend_begins_with_the_day_on_which_the_data_begins(live: QueryRunner) -> None:
    series = live.ask(query_of("historical-trends", "Log records a day"), {"agent": ".*"}, 90 * DAY_SECONDS)
    midnight = START - START % DAY_SECONDS
    recorded = HOUR_SECONDS / STEP_SECONDS
    assert {item.labels["level"] for item in series} == {"ERROR", "INFO"}
    assert {at for item in series for at, _ in item.points} == {midnight}
    per_sample = {"ERROR": 1 + 3, "INFO": 2 + 4}  # of two agents: an hour of what was recorded with each
    assert {item.labels["level"]: round(item.points[-1][1] / recorded) for item in series} == per_sample
    assert RECORDS.labels == ("agent", "level")


@pytest.mark.parametrize(
    ("age", "growth", "full_in"),
    [
        pytest.param(600, None, -1, id="ten minutes after the first copy"),
        pytest.param(3 * DAY_SECONDS, 1.0, 9 * DAY_SECONDS, id="after days"),
    ],
)
def test_a_forecast_needs_a_day_of_the_archive(
    tmp_path: Path, age: float, growth: float | None, full_in: float
) -> None:
    instants = [NOW - age + 60 * count for count in range(int(age // 60) + 1)]
    grown = [(at, GIB * (at - instants[0]) / DAY_SECONDS) for at in instants]
    series: dict[str, Points] = {
        'nervesys_archive_bytes{area="logs"}': grown,
        'nervesys_archive_quota_bytes{kind="used"}': [(at, 91 * GIB) for at in instants],  # others use the disk, too
        'nervesys_archive_quota_bytes{kind="limit"}': [(at, 100 * GIB) for at in instants],
    }
    with keeping(tmp_path, series) as live:
        found = live.ask(query_of("storage-retention", "Growth of the archive a day"), {}, 7 * DAY_SECONDS)
        assert [item.points[-1][1] / GIB for item in found] == ([] if growth is None else [pytest.approx(growth)])
        [left] = live.ask(query_of("storage-retention", "Full in"), {}, 7 * DAY_SECONDS)
        assert left.points[-1][1] == pytest.approx(full_in)


def test_money_has_its_symbol_where_grafana_knows_it() -> None:
    context = page_context(LOCAL)
    assert context.money == "currencyUSD"
    prices = LOCAL.settings.prices.model_copy(update={"currency": "CHF"})
    settings = LOCAL.settings.model_copy(update={"prices": prices})
    assert type(context)(settings, context.periods).money == "currency:CHF\N{NO-BREAK SPACE}"
