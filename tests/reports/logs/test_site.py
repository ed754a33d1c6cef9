"""The pages Logs and Tasks: their rows, limits and errors, and how they work in a real browser.

Covers: reports.logs.rows.
"""

import dataclasses
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect
from starlette.testclient import TestClient

from nervesys.clients.prometheus import Prometheus
from nervesys.logs import ordering
from nervesys.logs.query_slots import QuerySlots
from nervesys.metrics.pages import HttpProgram, application, serve_in_background
from nervesys.queries.query_runner import QueryRunner
from nervesys.settings import load
from nervesys.settings.logs import LogQuerySettings
from nervesys.settings.web import Web
from reports.logs import site as log_pages
from reports.logs.site import PATHS, LogSite
from reports.server import Site
from tests.nervesys.logs.fleet_logs import NOW, FleetLogs, record
from tests.reports.panels import PAGES
from tests.servers.s3 import free_port

LIMITS = load().settings.logs.query
HOSTILE = '<img src=x onerror="alert(1)">\x1b[2J\u202e'


@pytest.fixture
def logs(tmp_path: Path) -> FleetLogs:
    return FleetLogs(tmp_path)


def program(logs: FleetLogs, limits: LogQuerySettings = LIMITS) -> HttpProgram:
    """The pages beside the dashboards, as the command serves them."""
    titles = {page["uid"]: page["title"] for page in PAGES}
    log_site = LogSite(
        lambda: logs.reader, ["grok", "kim"], load().settings.prices, titles, QuerySlots(limits), lambda: NOW
    )
    site = Site(PAGES, Prometheus("http://127.0.0.1:1"), 15, lambda: NOW, ThreadPoolExecutor(1), PATHS).program()
    return dataclasses.replace(site, routes=[*site.routes, *log_site.routes()])


@pytest.fixture
def client(logs: FleetLogs) -> Iterator[TestClient]:
    with TestClient(application(program(logs), Web()), base_url="http://127.0.0.1") as client:
        yield client


def rows(client: TestClient, path: str) -> list[dict[str, Any]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


def test_rows_are_the_newest_first_and_safe_to_show(logs: FleetLogs, client: TestClient) -> None:
    equal = record(NOW - 90, 1, message=HOSTILE)
    logs.ship("srv-1", "grok", NOW - 60, [record(NOW - 95, 0), equal, equal])
    found = rows(client, "/logs/rows?agent=grok")
    assert [row["at"] for row in found] == [(NOW - 90) * 1000, (NOW - 90) * 1000, (NOW - 95) * 1000]
    assert len({row["key"] for row in found}) == 3
    assert found[0]["text"] == r'<img src=x onerror="alert(1)">\x1b[2J\u202e'
    assert all(text.isprintable() for row in found for text in row.values() if isinstance(text, str))
    assert rows(client, "/logs/rows?agent=grok&text=ONERROR&level=info&server=srv-1&category=activity") == found[:2]
    assert rows(client, "/logs/rows?agent=kim") == []


def test_tasks_have_duration_outcome_and_cost(logs: FleetLogs, client: TestClient) -> None:
    model = next(iter(load().settings.prices.per_million_tokens))
    task = record(NOW - 90, context={"duration_ms": 2500}, metadata={"model_version": model, "tokens_used": 9})
    failed = record(NOW - 80, level="ERROR", message="no branch", context={"duration_ms": 5})
    logs.ship("srv-1", "grok", NOW - 60, [task, failed, record(NOW - 70)])
    first, second = rows(client, "/tasks/rows?agent=grok")
    assert (first["outcome"], first["text"], first["cost"]) == ("failed", "no branch", None)
    assert (second["outcome"], second["seconds"], second["tokens"]) == ("completed", 2.5, 9)
    assert second["cost"].endswith("USD")


def test_older_rows_follow_from_where_a_response_ended(
    logs: FleetLogs, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_pages, "PAGE_ROWS", 3)
    logs.ship("srv-1", "grok", NOW - 60, [record(NOW - 90 + number, number) for number in range(5)])
    answer = client.get("/logs/rows?from=now-1h").json()
    assert [row["text"] for row in answer["rows"]] == ["line 4", "line 3", "line 2"]
    answer = client.get(f"/logs/rows?from=now-1h&to={int(answer['oldest']) + 1}").json()
    assert [row["text"] for row in answer["rows"]] == ["line 2", "line 1", "line 0"]
    assert client.get(f"/logs/rows?from=now-1h&to={int(answer['oldest'])}").json()["oldest"] is None


def test_large_records_end_a_response_early_and_the_rest_follows(
    logs: FleetLogs, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "RESULT_BYTES", 2500)
    lines = [record(NOW - 90 + number, number, context={"output": "x" * 1000}) for number in range(5)]
    logs.ship("srv-1", "grok", NOW - 60, lines)
    answer = client.get("/logs/rows?from=now-1h").json()
    assert [row["text"] for row in answer["rows"]] == ["line 4", "line 3"]
    assert answer["warnings"] == ["shows 2 records: more are too large for one result"]
    answer = client.get(f"/logs/rows?from=now-1h&to={int(answer['oldest'])}").json()
    assert [row["text"] for row in answer["rows"]] == ["line 2", "line 1"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/logs/rows?text=a(b", 400, "unclosed group"),
        ("/tasks/rows?from=never", 400, "not a duration"),
        ("/logs?level=loud", 400, "level is one of"),
        ("/logs/static/page.js", 404, "no such file"),
    ],
)
def test_wrong_requests_are_explained(client: TestClient, path: str, status: int, words: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, words in answer.text) == (status, True)


def test_a_store_that_is_away_and_limits_are_named(logs: FleetLogs, client: TestClient) -> None:
    logs.ship("srv-1", "grok", NOW - 60, [record(NOW - 90 + number, number) for number in range(5)])
    small = LIMITS.model_copy(update={"max_megabytes": 0.00001})
    with TestClient(application(program(logs, small), Web()), base_url="http://127.0.0.1") as limited:
        assert "10 bytes" in limited.get("/logs/rows").json()["warnings"][0]
    (logs.root / "store").rename(logs.root / "away")
    answer = client.get("/logs/rows")
    assert answer.status_code == 502
    assert "no folder" in answer.json()["error"]


def test_only_readers_of_the_page_see_logs(logs: FleetLogs) -> None:
    web = Web.model_validate({"basic_auth_user": "reader", "basic_auth_password": "a-password"})
    with TestClient(application(program(logs), web), base_url="http://127.0.0.1") as client:
        for path in ("/logs", "/tasks", "/logs/rows", "/tasks/rows", "/logs/static/logs.js"):
            assert client.get(path).status_code == 401
            assert client.get(path, auth=("reader", "a-password")).status_code == 200


def test_dashboards_lead_to_logs_of_their_agent_and_time_range_and_back(live: QueryRunner, logs: FleetLogs) -> None:
    executor = ThreadPoolExecutor(1)
    site = Site(PAGES, live.prometheus, live.interval, lambda: live.now, executor, PATHS).program()
    with TestClient(application(site, Web()), base_url="http://127.0.0.1") as client:
        text = client.get("/d/agent-details?from=now-15m&var-agent_name=grok").text
        assert 'class="to-logs" href="/logs?from=now-15m&amp;to=now&amp;agent=grok"' in text
        assert 'href="/tasks?from=now-15m&amp;to=now&amp;agent=grok"' in text
    with TestClient(application(program(logs), Web()), base_url="http://127.0.0.1") as client:
        text = client.get("/logs?from=now-15m&agent=grok").text
        assert 'href="/d/agent-details?from=now-15m&amp;to=now&amp;var-agent=grok&amp;var-agent_name=grok"' in text
        assert "<option selected>grok</option>" in text
        text = client.get("/logs?from=1749999600000&to=1750001400000", headers={"cookie": "zone=Asia/Kolkata"}).text
        assert '<option value="1749999600000" selected>Jun 15, 20:30:00 to 21:00:00</option>' in text


@pytest.fixture
def url(logs: FleetLogs) -> Iterator[str]:
    listen = f"127.0.0.1:{free_port()}"
    with serve_in_background(application(program(logs), Web()), listen, Web()):
        yield f"http://{listen}"


def test_ten_thousand_lines_scroll_with_few_rows_in_the_document(
    logs: FleetLogs, url: str, page: Page, tmp_path: Path
) -> None:
    complaints: list[ConsoleMessage] = []
    page.on("console", lambda message: complaints.append(message))
    logs.ship("srv-1", "grok", NOW - 60, [record(NOW - 3500 + 0.3 * n, n) for n in range(10_000)])
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{url}/logs?agent=grok")
    shown, status = page.get_by_role("listitem"), page.get_by_role("status")
    expect(status).to_have_text("1000+ records")
    expect(shown.first).to_contain_text("line 9999")
    while (before := status.inner_text()) != "10000 records":
        page.locator("#records").evaluate("list => { list.scrollTop = 1e9 }")
        expect(status).not_to_have_text(before)
    page.screenshot(path=tmp_path / "logs.png")
    page.locator("#records").evaluate("list => { list.scrollTop = 1e9 }")
    expect(shown.last).to_contain_text("line 0")
    assert shown.count() < 100
    assert complaints == []


def test_a_record_opens_and_new_records_appear_while_the_page_is_live(
    logs: FleetLogs, url: str, page: Page, tmp_path: Path
) -> None:
    context = {"file": "a.py", "traceback": "Traceback\nValueError: bad"}
    logs.ship("srv-1", "grok", NOW - 60, [record(NOW - 90, 1, level="ERROR", message=HOSTILE, context=context)])
    page.goto(f"{url}/logs")
    page.get_by_role("listitem").first.click()
    expect(page.locator("#details")).to_contain_text("ValueError: bad")
    expect(page.locator("#details img, #rows img")).to_have_count(0)
    logs.ship("srv-1", "kim", NOW - 50, [record(NOW - 55, 2, "kim", message="newer")])
    page.get_by_label("Live").check()
    expect(page.get_by_role("listitem").first).to_contain_text("newer")
    with page.expect_navigation():
        page.get_by_label("Agent").select_option("kim")
    expect(page.get_by_role("listitem")).to_have_count(1)
    page.get_by_role("link", name="Tasks").click()
    expect(page).to_have_title("Tasks")
    expect(page.get_by_role("status")).to_have_text("Nothing matches.")


def test_a_live_page_begins_anew_where_more_came_than_a_response_holds(
    logs: FleetLogs, url: str, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_pages, "PAGE_ROWS", 3)
    logs.ship("srv-1", "grok", NOW - 60, [record(NOW - 90, 0)])
    page.goto(f"{url}/logs")
    shown = page.get_by_role("listitem")
    expect(shown).to_have_count(1)
    logs.ship("srv-1", "grok", NOW - 40, [record(NOW - 55 + number, number) for number in range(1, 7)])
    page.get_by_label("Live").check()
    expect(shown).to_have_text([re.compile(f"line {number}$") for number in (6, 5, 4, 3, 2, 1, 0)])


def test_a_live_page_requests_once_in_ten_seconds_however_often_it_was_switched_on(url: str, page: Page) -> None:
    requests: list[str] = []
    page.clock.install()
    page.goto(f"{url}/logs")
    expect(page.get_by_role("status")).to_have_text("Nothing matches.")
    page.on("requestfinished", lambda request: requests.append(request.url))
    for _ in range(3):
        with page.expect_request_finished():
            page.get_by_label("Live").check()
        page.clock.run_for(3000)
        page.get_by_label("Live").uncheck()
    with page.expect_request_finished():
        page.get_by_label("Live").check()
    requests.clear()
    for _ in range(9):
        page.clock.run_for(1000)
        page.wait_for_timeout(50)
    assert requests == [], "the loops before have ended"
