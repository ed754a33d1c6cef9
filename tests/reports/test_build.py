"""The model of each type of panel.

Covers: reports.fields, reports.table_merge.
"""

import copy
import math

import pytest

from dashboards.grafana_json import Json
from dashboards.style import SILENT_CODE, STATUS_CODES
from nervesys.contract.state import Status
from nervesys.queries.dashboard_queries import panels_of
from reports.build import build_body, build_page
from reports.fields import FormatContext
from reports.model import Bars, Graph, Notice, Table, Text, Tiles, Timeline
from reports.run_queries import PageResults, QueryResult
from reports.units import MISSING
from tests.reports.panels import NOW, PAGES, STEP, answer, panel

CONTEXT = FormatContext(NOW, "from=now-6h&to=now")
RUNNING_AGENTS, STATUS = panel("main-overview", "Running"), panel("main-overview", "Status of each agent")
CPU, AGENTS = panel("main-overview", "CPU"), panel("main-overview", "Agents")
MISSING_DAYS = panel("storage-retention", "Days of logs missing in the archive")
DURATIONS = panel("agent-details", "Actions by duration")


def alone(panel: Json, *values: float, **labels: str) -> list[QueryResult]:
    """One series for the first query, none for the others."""
    others = [QueryResult(target, (), STEP) for target in panel["targets"][1:]]
    return [answer(panel, (labels, values)), *others]


def test_a_tile_has_the_value_and_the_colour_of_its_step() -> None:
    body = build_body(RUNNING_AGENTS, alone(RUNNING_AGENTS, 5), CONTEXT)
    assert isinstance(body, Tiles)
    [tile] = body.tiles
    assert (tile.name, tile.value.text, tile.value.colour) == ("", "5", "green")


def test_several_tiles_have_names() -> None:
    tile = copy.deepcopy(RUNNING_AGENTS)
    tile["targets"][0]["legendFormat"] = "{{status}}"
    body = build_body(tile, [answer(tile, ({"status": "idle"}, [1]), ({"status": "running"}, [2]))], CONTEXT)
    assert isinstance(body, Tiles)
    assert [(tile.name, tile.value.text) for tile in body.tiles] == [("idle", "1"), ("running", "2")]


def test_a_tile_without_a_value_says_what_it_means() -> None:
    started = panel("agent-details", "Started")
    body = build_body(started, alone(started, math.nan), CONTEXT)
    assert isinstance(body, Tiles)
    assert [tile.value.text for tile in body.tiles] == [started["fieldConfig"]["defaults"]["noValue"]]


def test_states_are_merged_named_and_coloured_and_gaps_are_left() -> None:
    runs = STATUS_CODES[Status.RUNNING]
    body = build_body(
        STATUS, alone(STATUS, runs, runs, runs, SILENT_CODE, math.nan, math.nan, runs, agent="gimai"), CONTEXT
    )
    assert isinstance(body, Timeline)
    [lane] = body.lanes
    assert [(span.text, span.colour, span.end - span.start) for span in lane.spans] == [
        ("running", "green", 3 * STEP),
        ("silent", "red", STEP),
        ("running", "green", STEP),
    ]
    assert lane.link == "/d/agent-details?var-agent_name=gimai&from=now-6h&to=now"
    assert [(key.name, key.colour) for key in body.legend] == [("running", "green"), ("silent", "red")]


def test_time_without_data_has_no_state() -> None:
    runs = STATUS_CODES[Status.RUNNING]
    body = build_body(STATUS, alone(STATUS, runs, runs, math.nan, math.nan, runs, agent="gimai"), CONTEXT)
    assert isinstance(body, Timeline)
    assert [span.end - span.start for span in body.lanes[0].spans] == [2 * STEP, STEP]


def test_the_line_of_an_agent_leads_to_it() -> None:
    tasks = panel("main-overview", "Tasks ended")
    body = build_body(tasks, alone(tasks, 1, 2, agent="grok"), CONTEXT)
    assert isinstance(body, Graph)
    assert body.lines[0].key.link == "/d/agent-details?var-agent_name=grok&from=now-6h&to=now"
    assert body.step == STEP, "a larger distance is a gap"


def test_a_graph_names_lines_and_draws_limits_within_its_axis() -> None:
    body = build_body(CPU, alone(CPU, 0.2, 0.5, server="alpha"), CONTEXT)
    assert isinstance(body, Graph)
    assert [(line.key.name, line.number_format.text(line.points[-1][1])) for line in body.lines] == [("alpha", "50%")]
    assert [text for _, text in body.axis.ticks] == ["0%", "50%", "100%"]
    assert body.limits == ((0.8, "orange"), (0.9, "red"))


@pytest.mark.parametrize(
    ("title", "ticks"),
    [
        pytest.param("Load", ["0", "0.5", "1"], id="counts"),
        pytest.param("Duration of actions", ["0 s", "50 ms", "100 ms"], id="seconds"),
        pytest.param("Network", ["0 B/s", "500 B/s", "1 kB/s"], id="bytes a second"),
    ],
)
def test_a_graph_of_zeros_has_a_low_axis(title: str, ticks: list[str]) -> None:
    graph = panel("agent-details", title)
    body = build_body(graph, alone(graph, 0, 0), CONTEXT)
    assert isinstance(body, Graph)
    assert [text for _, text in body.axis.ticks] == ticks
    assert graph["fieldConfig"]["defaults"]["custom"]["axisSoftMax"] == body.axis.high, "Grafana draws the same axis"


def test_stacked_bars_reach_as_high_as_their_sum_and_take_the_colour_of_their_name() -> None:
    levels = panel("agent-details", "Log records by level")
    given = answer(levels, ({"level": "ERROR"}, [30, 40]), ({"level": "INFO"}, [50, 50]))
    body = build_body(levels, [given], CONTEXT)
    assert isinstance(body, Graph)
    assert body.stacked
    assert body.axis.high >= 90
    assert {line.key.name: line.key.colour for line in body.lines} == {"ERROR": "red", "INFO": "blue"}


def test_a_table_joins_its_queries_by_agent_and_sorts() -> None:
    refs = {target["refId"]: place for place, target in enumerate(AGENTS["targets"])}
    order = AGENTS["transformations"][-1]["options"]["renameByName"]
    age = next(field[-1] for field, title in order.items() if title == "Heartbeat age")
    answers = [QueryResult(target, (), STEP) for target in AGENTS["targets"]]
    answers[0] = answer(AGENTS, *(({"agent": name, "server": "alpha"}, [1]) for name in ("gimai", "grok")))
    answers[refs[age]] = answer(AGENTS, ({"agent": "gimai"}, [4]), ({"agent": "grok"}, [700]), ref=refs[age])
    body = build_body(AGENTS, answers, CONTEXT)
    assert isinstance(body, Table)
    at = [body.columns.index(title) for title in ("Agent", "Server", "Heartbeat age")]
    assert [[row[place].text for place in at] for row in body.rows] == [
        ["grok", "alpha", "11.7 mins"],
        ["gimai", "alpha", "4 s"],
    ]
    assert [row[at[2]].colour for row in body.rows] == ["red", "green"]
    assert body.rows[0][at[0]].link.startswith("/d/agent-details?var-agent_name=grok&")


@pytest.mark.parametrize("falling", [True, False])
def test_missing_values_of_a_table_come_last_in_either_order(falling: bool) -> None:
    agents = copy.deepcopy(AGENTS)
    agents["options"]["sortBy"] = [{"displayName": "Heartbeat age", "desc": falling}]
    fields = {title: field for field, title in AGENTS["transformations"][-1]["options"]["renameByName"].items()}
    refs = [target["refId"] for target in AGENTS["targets"]]
    place = refs.index(fields["Heartbeat age"][-1])
    ages = [4, 700, math.nan]
    answers = [QueryResult(target, (), STEP) for target in AGENTS["targets"]]
    answers[0] = answer(AGENTS, *(({"agent": name}, [1]) for name in ("absent", "gimai", "grok", "nan")))
    answers[place] = answer(
        AGENTS, *(({"agent": name}, [age]) for name, age in zip(("gimai", "grok", "nan"), ages, strict=True)), ref=place
    )
    body = build_body(agents, answers, CONTEXT)
    assert isinstance(body, Table)
    age = body.columns.index("Heartbeat age")
    known = [("grok", "11.7 mins"), ("gimai", "4 s")]
    assert [(row[0].text, row[age].text) for row in body.rows] == [
        *(known if falling else reversed(known)),
        ("absent", MISSING),
        ("nan", MISSING),
    ]
    assert body.rows[-1][age].colour == "", "no threshold holds for NaN"


def test_bars_are_parts_of_the_greatest() -> None:
    body = build_body(MISSING_DAYS, [answer(MISSING_DAYS, ({"server": "a"}, [4]), ({"server": "b"}, [1]))], CONTEXT)
    assert isinstance(body, Bars)
    assert [(bar.value.text, bar.share) for bar in body.bars] == [("4", 1), ("1", 0.25)]
    limited = copy.deepcopy(MISSING_DAYS)
    limited["fieldConfig"]["defaults"]["max"] = 8
    body = build_body(limited, [answer(MISSING_DAYS, ({}, [4]))], CONTEXT)
    assert isinstance(body, Bars)
    assert body.bars[0].share == 0.5, "of what it can be at most"
    assert build_body({**MISSING_DAYS, "type": "gauge"}, [answer(MISSING_DAYS, ({}, [4]))], CONTEXT) != body


def test_a_histogram_shows_what_each_bucket_adds_to_those_below_it() -> None:
    given = answer(DURATIONS, *(({"le": le}, [count]) for le, count in (("10", 9), ("+Inf", 10), ("2.5", 4))))
    body = build_body(DURATIONS, [given], CONTEXT)
    assert isinstance(body, Bars)
    assert [(bar.name, bar.value.text, bar.share) for bar in body.bars] == [
        ("\N{LESS-THAN OR EQUAL TO} 2.5", "4", 0.8),
        ("\N{LESS-THAN OR EQUAL TO} 10", "5", 1),
        ("more", "1", 0.2),
    ]


def test_text_is_paragraphs() -> None:
    assert build_body({"type": "text", "options": {"content": "one\n\ntwo"}}, [], CONTEXT) == Text(("one", "two"))


def test_panels_keep_the_order_of_the_query() -> None:
    answers = alone(CPU, 0.5, server="zeta") + alone(CPU, 0.2, server="alpha")
    graph = build_body(CPU, answers, CONTEXT)
    assert isinstance(graph, Graph)
    assert [line.key.name for line in graph.lines] == ["zeta", "alpha"]
    bars = build_body(MISSING_DAYS, [answer(MISSING_DAYS, ({"server": "b"}, [1]), ({"server": "a"}, [4]))], CONTEXT)
    assert isinstance(bars, Bars)
    assert [bar.value.text for bar in bars.bars] == ["1", "4"]


def test_a_panel_that_cannot_be_shown_does_not_cost_the_others() -> None:
    broken = {**CPU, "id": 1, "fieldConfig": {"defaults": {}, "overrides": []}}
    page = {"uid": "p", "title": "P", "description": "", "panels": [broken, {**CPU, "id": 2}]}
    results = PageResults({number: alone(CPU, 0.5, server="a") for number in (1, 2)}, (), ())
    first, second = build_page(page, results, CONTEXT, NOW - 60, NOW).panels
    assert first.body == Notice("This panel cannot be shown: KeyError: 'custom'", failed=True)
    assert isinstance(second.body, Graph)


@pytest.mark.parametrize(
    ("answers", "notice"),
    [
        pytest.param(
            [QueryResult(CPU["targets"][0], (), STEP)], Notice("No live agent reports this server"), id="empty"
        ),
        pytest.param(alone(CPU, math.nan), Notice("No live agent reports this server"), id="nothing but NaN"),
        pytest.param(
            [QueryResult(CPU["targets"][0], (), STEP, "ask x: parse error")],
            Notice("ask x: parse error", failed=True),
            id="failed",
        ),
    ],
)
def test_what_cannot_be_shown_says_so_in_its_place(answers: list[QueryResult], notice: Notice) -> None:
    assert build_body(CPU, answers, CONTEXT) == notice


def test_a_type_that_is_not_drawn_says_so() -> None:
    assert build_body({**CPU, "type": "heatmap"}, alone(CPU, 1), CONTEXT) == Notice(
        "Panels of type heatmap are not drawn here", failed=True
    )


def test_every_type_of_the_house_is_drawn() -> None:
    for page in PAGES:
        for json in panels_of(page):
            assert not isinstance(build_body(json, alone(json, 1), CONTEXT), Notice), json["title"]


def test_a_link_of_a_cell_may_name_other_columns_by_title_or_label() -> None:
    alerts = panel("alerts-actions", "Firing alerts")
    found = answer(
        alerts,
        ({"alertname": "AgentDown", "agent": "grok", "agent_page": "/d/agent-details?var-agent_name=grok&a=b"}, [1]),
        ({"alertname": "DiskFull", "server": "alpha"}, [0]),
    )
    body = build_body(alerts, [found], CONTEXT)
    assert isinstance(body, Table)
    assert body.columns == ("Alert", "Severity", "Agent", "Server", "Since"), "and not agent_page"
    assert [(row[2].text, row[2].link) for row in body.rows] == [
        ("grok", "/d/agent-details?var-agent_name=grok&a=b"),
        (MISSING, ""),
    ]
    traces = panel("calls", "Slowest traces")
    rows = answer(traces, ({"trace_id": "t1", "agent": "a b"}, [3]))
    body = build_body(traces, [rows, *(QueryResult(target, (), STEP) for target in traces["targets"][1:])], CONTEXT)
    assert isinstance(body, Table)
    assert any("?agent=a%20b&" in cell.link for cell in body.rows[0])


def test_a_missing_number_stands_where_the_numbers_of_its_column_stand() -> None:
    areas = panel("storage-retention", "Areas of the store")
    answers = [QueryResult(target, (), STEP) for target in areas["targets"]]
    answers[0] = answer(areas, ({"area": "agents"}, [5]))
    body = build_body(areas, answers, CONTEXT)
    assert isinstance(body, Table)
    assert {column: cell.number for column, cell in zip(body.columns, body.rows[0], strict=True)} == {
        **dict.fromkeys(("Objects", "Size", "Growth a day", "Overdue"), True),
        **dict.fromkeys(("Area", "Newest"), False),
    }
