"""The panels of log records on our own page."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from nervesys.logs.logql.engine import LogqlEngine
from nervesys.logs.query_slots import QuerySlots
from nervesys.queries.dashboard_queries import Json, log_panels_of
from nervesys.queries.query_runner import QueryRunner
from nervesys.settings import load
from reports.draw import LogPanelReader, draw
from reports.fields import FormatContext
from reports.logs.panel import LogPanels
from reports.model import Body, Notice, Table
from tests.nervesys.logs.fleet_logs import NOW, FleetLogs, record
from tests.reports.panels import PAGES, at_once

AGENT: Json = next(page for page in PAGES if page["uid"] == "agent-details")
QUERY = '{agent="grok"} | json | line_format "{{.action}} {{.message}}" | keep agent, server, level'


@pytest.fixture
def panels(tmp_path: Path) -> LogPanels:
    logs = FleetLogs(tmp_path)
    lines = [record(NOW - 90 + n, n, level=level) for n, level in enumerate(["INFO", "ERROR"])]
    logs.ship("srv-1", "grok", NOW - 60, [*lines, record(NOW - 70, 2, message="\x1b[2J" + "x" * 500)])
    return LogPanels(LogqlEngine(logs.reader), QuerySlots(load().settings.logs.query))


def test_records_are_a_table_newest_first(panels: LogPanels) -> None:
    table = panels.read(QUERY, NOW - 3600, NOW)
    assert isinstance(table, Table)
    assert [[cell.text for cell in row] for row in table.rows[1:]] == [
        ["2026-03-20 11:58:31", "ERROR", "grok", "srv-1", "review line 1"],
        ["2026-03-20 11:58:30", "INFO", "grok", "srv-1", "review line 0"],
    ]
    assert table.rows[0][4].text.startswith(r"review \x1b[2Jxxx")
    assert table.rows[0][4].text.endswith("…")
    assert table.rows[1][1].colour == "red"


@pytest.mark.parametrize(
    ("query", "notice"),
    [
        ('{agent="kim"}', Notice("No log records in this time range")),
        ("vector(1)", Notice("This is no query for log records", failed=True)),
    ],
)
def test_without_records_a_notice_says_so(panels: LogPanels, query: str, notice: Notice) -> None:
    assert panels.read(query, NOW - 3600, NOW) == notice


def test_a_query_that_fails_costs_its_panel_only(panels: LogPanels) -> None:
    body = panels.read("{agent", NOW - 3600, NOW)
    assert isinstance(body, Notice)
    assert body.failed


def body_of(live: QueryRunner, logs: LogPanelReader | None, limit: float | None = None) -> Body | None:
    with ThreadPoolExecutor(1) as executor:
        wanted = {"agent_name": "grok"}
        model, _ = draw(AGENT, live, wanted, 900, 1400, FormatContext(live.now), executor, limit, logs)
    [panel] = log_panels_of(AGENT)
    return next(drawn.body for drawn in model.panels if drawn.title == panel["title"])


def test_a_page_reads_the_records_of_its_agent_and_time_range(live: QueryRunner) -> None:
    asked: list[tuple[str, float, float]] = []

    def read(query: str, start: float, end: float) -> Body:
        asked.append((query, start, end))
        return Notice("none")

    assert body_of(live, at_once(read)) == Notice("none")
    [(query, start, end)] = asked
    assert query.startswith('{agent="grok"}')
    assert (end, end - start) == (live.now, 900)
    assert body_of(live, None) == Notice("Log records are shown on the live page, and in Grafana")


def test_a_slow_reader_does_not_hold_up_the_page(live: QueryRunner) -> None:
    never = Future[Body]()
    body = body_of(live, lambda *_: never, 1)
    assert isinstance(body, Notice)
    assert "longer than 1 s" in body.text
    assert never.cancelled(), "nobody waits for it any more"
