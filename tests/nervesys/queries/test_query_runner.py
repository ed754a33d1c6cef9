"""Where the points of a graph lie, and which lines are drawn.

Covers: nervesys.clients.prometheus, nervesys.queries.dashboard_queries, nervesys.queries.query_runner.
"""

import re
from dataclasses import dataclass, field

import pytest
import requests

from nervesys.clients.prometheus import Prometheus, QueryFailed, Series
from nervesys.clients.promql import selections
from nervesys.queries.dashboard_queries import PanelQuery, TopSelection, query_of_annotation
from nervesys.queries.query_runner import QueryRunner, narrowed
from nervesys.queries.variables import instant_of

NOW = 1_750_000_017.0
GRAPH = PanelQuery("page", "panel", "A", "up", instant=False, min_step="")


@dataclass(frozen=True)
class Remembering(Prometheus):
    """Answers nothing, and remembers what it was asked for."""

    asked: list[tuple[float, float, float]] = field(default_factory=list)

    def range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        self.asked.append((start, end, step))
        return []


@pytest.mark.parametrize(
    ("span", "step", "behind"),
    [
        pytest.param(1000, 5, 2, id="a short range ends on a multiple of its step, so that it does not jitter"),
        pytest.param(7 * 86_400, 2419.2, 57, id="a week ends within the last minute, for the stack may be younger"),
    ],
)
def test_a_range_ends_close_to_now(span: float, step: float, behind: float) -> None:
    prometheus = Remembering("http://nowhere")
    QueryRunner(prometheus, interval=5, now=NOW).ask(GRAPH, {}, span)
    [(start, end, asked_step)] = prometheus.asked
    assert asked_step == pytest.approx(step)
    assert end == pytest.approx(NOW - behind)
    assert span - step < end - start <= span


def chooses(multi: bool) -> dict[str, object]:
    """A page with one variable."""
    variable = {"name": "agent", "label": "Agent", "query": "label_values(up, agent)", "hide": 0}
    return {"templating": {"list": [variable | {"multi": multi, "includeAll": multi, "allValue": ".*"}]}}


@pytest.mark.parametrize(
    ("multi", "wanted", "chosen", "value"),
    [
        pytest.param(True, 'a.b"c', 'a.b"c', 'a\\\\.b\\"c', id="of several: a regular expression that only it matches"),
        pytest.param(False, 'a.b"c', 'a.b"c', 'a.b\\"c', id="of which one is chosen: as it is"),
        pytest.param(True, "a_b", None, ".*", id="nobody: all of them"),
        pytest.param(False, "a_b", 'a.b"c', 'a.b\\"c', id="nobody, of which one is chosen: the first"),
    ],
)
def test_what_is_chosen_gets_into_a_query_as_itself(multi: bool, wanted: str, chosen: str | None, value: str) -> None:
    @dataclass(frozen=True)
    class Naming(Prometheus):
        def label_values(
            self, label: str, selector: str, start: float, end: float, limit: int | None = None
        ) -> list[str]:
            assert (label, selector, start, end) == ("agent", "up", NOW - 60, NOW), "of the whole range"
            return ['a.b"c', "grok"]

    [choice] = QueryRunner(Naming("http://nowhere"), interval=5, now=NOW).choices(chooses(multi), {"agent": wanted}, 60)
    assert (choice.options, choice.selected, choice.value) == (('a.b"c', "grok"), chosen, value)


def test_marks_are_asked_for_at_the_step_that_they_need() -> None:
    marks = {"name": "Actions", "target": {"expr": "up", "interval": "10m"}}
    assert (
        QueryRunner(Prometheus("http://nowhere"), 5, NOW).step(query_of_annotation({"uid": "page"}, marks), 1000) == 600
    )


BUSIEST = TopSelection("top_up", 'topk(2, up{zone="$zone"})', "agent")
LINES = PanelQuery("page", "panel", "A", 'up{agent=~"$top_up"}', instant=True, min_step="", tops=(BUSIEST,))


@dataclass(frozen=True)
class Ranking(Prometheus):
    """Two agents rank highest; a query of any zone but the first fails."""

    asked: list[str] = field(default_factory=list)

    def instant(self, expr: str, at: float | None = None) -> list[Series]:
        self.asked.append(expr)
        if "second" in expr:
            raise QueryFailed("too much")
        return [Series({"agent": name}, ((at or NOW, 1),)) for name in ("grok", "a.b")] if "topk" in expr else []


def test_lines_are_chosen_once_and_before_they_are_asked_for() -> None:
    prometheus = Ranking("http://nowhere")
    live = QueryRunner(prometheus, interval=5, now=NOW)
    for _ in range(2):
        live.ask(LINES, {"zone": "first"}, 1000)
    assert prometheus.asked == ['topk(2, up{zone="first"})', *2 * ['up{agent=~"a\\\\.b|grok"}']]


def test_where_nobody_can_be_chosen_the_question_fails() -> None:
    live = QueryRunner(Ranking("http://nowhere"), interval=5, now=NOW)
    for _ in range(2):
        with pytest.raises(QueryFailed, match="too much"):
            live.ask(LINES, {"zone": "second"}, 1000)


HOSTILE = 'grok\n"} or vector(1) or up{a="\\'


@dataclass(frozen=True)
class OneSeries(Prometheus):
    """Answers with one series, whose label is hostile, and remembers every query."""

    queries: list[str] = field(default_factory=list)

    def instant(self, expr: str, at: float | None = None) -> list[Series]:
        self.queries.append(expr)
        return [Series({"agent": HOSTILE, "server": HOSTILE}, ((at or 0, 1),))]

    def label_values(self, label: str, selector: str, start: float, end: float, limit: int | None = None) -> list[str]:
        self.queries.append(selector)
        return [HOSTILE]


@pytest.mark.parametrize(("multi", "operator"), [(True, "=~"), (False, "=")])
def test_a_name_in_a_query_stays_a_name(multi: bool, operator: str) -> None:
    """Names with quotes, backslashes and line breaks, as an agent could invent them, make no other query."""
    shared = {"label": "x", "includeAll": True, "allValue": ".*", "multi": multi, "hide": 0}
    first = {**shared, "name": "agent", "query": "label_values(up, agent)"}
    second = {**shared, "name": "server", "query": f'label_values(up{{agent{operator}"$agent"}}, server)'}
    prometheus = OneSeries("http://nowhere")
    runner = QueryRunner(prometheus, interval=5, now=NOW)
    choices = runner.choices({"templating": {"list": [first, second]}}, {"agent": HOSTILE, "server": HOSTILE}, 60)
    top = TopSelection("top", "topk(1, up)", "agent")
    graph = PanelQuery("page", "panel", "A", f'up{{agent{operator}"$agent",server=~"$top"}}', True, "", (top,))
    runner.ask(graph, {choice.name: choice.value for choice in choices}, 60)
    assert len(prometheus.queries) == 4
    for query in prometheus.queries:
        assert {selection.name for selection in selections(query)} == {"up"}
        assert "\n" not in query


def test_times_beyond_any_calendar_are_none() -> None:
    for text in ("9" * 15, "9" * 400, "now-999999999y", f"now-{'9' * 400}s", "\u0661\u0662"):
        with pytest.raises(ValueError, match=r"not a duration|not within"):
            instant_of(text, NOW)
    assert instant_of("now-6h", NOW) == NOW - 21600


@pytest.mark.parametrize("body", [[], {"status": "success"}, {"status": "success", "data": {"result": [{}]}}])
def test_what_is_no_response_of_prometheus_is_an_error_of_its_query(
    body: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Response:
        status_code = 200

        def json(self) -> object:
            return body

    monkeypatch.setattr(requests.Session, "request", lambda *_, **__: Response())
    prometheus = Prometheus("http://nowhere")
    for ask in (
        lambda: prometheus.instant("up"),
        lambda: prometheus.range("up", 0, 60, 10),
        lambda: prometheus.label_values("agent", "up", 0, 60),
    ):
        with pytest.raises(QueryFailed, match="query Prometheus at http://nowhere for "):
            ask()


@dataclass(frozen=True)
class LargeFleet(Prometheus):
    """A thousand agents; remembers how each list of names was asked for."""

    asked: list[tuple[str, int | None]] = field(default_factory=list)

    def label_values(self, label: str, selector: str, start: float, end: float, limit: int | None = None) -> list[str]:
        self.asked.append((selector, limit))
        names = [f"agent-{number:04}" for number in range(1000)]
        exact = re.search(r'agent="([^"]*)"', selector)
        return [name for name in names if not exact or name == exact[1]][:limit]


@pytest.mark.parametrize("multi", [True, False])
def test_of_many_values_some_are_listed_and_any_can_be_chosen(multi: bool) -> None:
    prometheus = LargeFleet("http://nowhere")
    runner = QueryRunner(prometheus, interval=5, now=NOW)
    [choice] = runner.choices(chooses(multi), {"agent": "agent-0999"}, 60)
    assert (choice.selected, choice.many, choice.rejected, len(choice.options)) == ("agent-0999", True, "", 200)
    assert prometheus.asked == [("up", 201), ('up{agent="agent-0999"}', 1)]
    [choice] = runner.choices(chooses(multi), {"agent": "nobody"}, 60)
    assert (choice.selected, choice.rejected) == (None if multi else "agent-0000", "nobody")


def test_all_values_are_listed_where_a_query_needs_them() -> None:
    variable = {"name": "agent", "label": "Agent", "query": "label_values(up, agent)", "hide": 0}
    page = {"templating": {"list": [variable | {"multi": True, "includeAll": True}]}}
    [choice] = QueryRunner(LargeFleet("http://nowhere"), interval=5, now=NOW).choices(page, {}, 60)
    assert len(choice.options) == choice.value.count("|") + 1 == 1000


def test_a_search_asks_for_a_text_in_any_case_and_for_nothing_else() -> None:
    prometheus = LargeFleet("http://nowhere")
    QueryRunner(prometheus, interval=5, now=NOW).search(chooses(True), "agent", 'A.b"}', {}, 60)
    [(selector, limit)] = prometheus.asked
    assert (selector, limit) == ('up{agent=~"(?i).*A\\\\.b\\"\\\\}.*"}', 50)
    assert [selection.name for selection in selections(selector)] == ["up"]


@pytest.mark.parametrize(
    ("selector", "result"), [("up", 'up{a="b"}'), ("up{}", 'up{a="b"}'), ('up{x="y"}', 'up{x="y", a="b"}')]
)
def test_a_selector_is_narrowed(selector: str, result: str) -> None:
    assert narrowed(selector, 'a="b"') == result
