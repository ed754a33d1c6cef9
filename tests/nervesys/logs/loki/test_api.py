"""Loki's API is asked what Grafana's data source asks, and compared with a plain scan of the objects.

The requests are those of Grafana's source (pkg/tsdb/loki/api.go and healthcheck.go, and the plugin's LanguageProvider).

Covers: nervesys.logs.loki.catalogue, nervesys.logs.loki.parameters, nervesys.logs.loki.program,
nervesys.logs.logql.engine, nervesys.logs.query_slots.
"""

import dataclasses
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from nervesys.contract.times import DAY_SECONDS, parse_time
from nervesys.logs import open_reader, query_slots
from nervesys.logs.loki.program import logs_program
from nervesys.logs.query_slots import QuerySlots, TooManyQueries
from nervesys.metrics.pages import application
from nervesys.settings import Loaded, load
from nervesys.settings.web import Web
from tests.audit_events import audited_events
from tests.nervesys.logs.fleet_logs import NOW, FleetLogs, busy_day, record

TODAY = NOW - NOW % DAY_SECONDS
OLD = TODAY - 10 * DAY_SECONDS
NANO = 1_000_000_000


@dataclass
class Line:
    """A line as a plain scan finds it."""

    at: int
    text: str
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def is_info(self) -> bool:
        return self.labels["level"] == "info"


@pytest.fixture
def logs(tmp_path: Path) -> FleetLogs:
    """Two servers and three agents: a day in the store, one in the archive."""
    logs = FleetLogs(tmp_path)
    for agent, server in (("grok", "srv-1"), ("kim", "srv-1"), ("grok", "srv-2")):
        list(busy_day(logs, server, agent, TODAY, 3600))
    errors = [
        record(NOW - 100 - n, n, "kim", level="ERROR", message=f"refused {n}", context={"n": n}) for n in range(9)
    ]
    logs.ship("srv-2", "kim", NOW - 50, errors, seq=99)
    for agent in ("grok", "old-agent"):
        lines = [record(OLD + 60 * n, n, agent, level="WARN", category="system") for n in range(50)]
        logs.file("srv-3" if agent == "grok" else "srv-1", OLD, "system", lines)
    return logs


def scan(logs: FleetLogs) -> list[Line]:
    """Every line of every object and file, read without any of the code that is tested."""
    found = []
    for path in sorted(logs.root.glob("store/**/*.gz")) + sorted(logs.root.glob("archive/**/*.gz")):
        server = path.parent.parent.name if "store" in path.parts else path.name.split("_")[0]
        for text in gzip.decompress(path.read_bytes()).decode().splitlines():
            fields = json.loads(text)
            labels = {
                "agent": fields["agent_id"],
                "server": server,
                "level": fields["level"].lower(),
                "category": fields["category"],
            }
            found.append(Line(round(parse_time(fields["timestamp"]) * 1000) * 1_000_000, text, labels))
    return found


def make_loaded(logs: FleetLogs, **limits: object) -> Loaded:
    environ = {"NERVESYS_ARCHIVE": f"file://{logs.root / 'archive'}"}
    loaded = load(environ=environ)
    query = loaded.settings.logs.query.model_copy(update=limits)
    settings = loaded.settings.model_copy(update={"logs": loaded.settings.logs.model_copy(update={"query": query})})
    return dataclasses.replace(loaded, settings=settings)


def client_of(logs: FleetLogs, **limits: object) -> TestClient:
    app = application(logs_program(make_loaded(logs, **limits), lambda: NOW), Web())
    return TestClient(app, base_url="http://127.0.0.1")


@pytest.fixture
def client(logs: FleetLogs, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(open_reader, "open_store", lambda _: logs.store)
    with client_of(logs) as client:
        yield client


def test_reads_of_records_are_audited_and_labels_are_not(client: TestClient) -> None:
    with audited_events() as events:
        for _ in range(3):
            range_query(client, '{agent="grok"} |= "x"', TODAY, TODAY + 60)
        get(client, "labels")
        client.get("/loki/api/v1/query_range", params={"query": "{"}, auth=("ada", "pw"))
    assert events == [
        ("read_logs", "ok", "anonymous", '{agent="grok"} |= "x"'),
        ("read_logs", "failed", "anonymous", "{"),
    ]


def get(client: TestClient, path: str, **query: Any) -> Any:
    answer = client.get(f"/loki/api/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def range_query(client: TestClient, query: str, start: float, end: float, **more: Any) -> Any:
    """As `makeDataRequest` of Grafana's backend asks: nanoseconds, and the step in milliseconds."""
    times = {"start": round(start * NANO), "end": round(end * NANO), "step": "60000ms", "direction": "backward"}
    return get(client, "query_range", query=query, **{"limit": 1000, **times, **more})


def lines_of(answer: Any) -> list[tuple[int, str]]:
    assert answer["data"]["resultType"] == "streams"
    return sorted((int(at), text) for stream in answer["data"]["result"] for at, text in stream["values"])


def test_the_health_check(client: TestClient) -> None:
    """Grafana reads one value of one series, which is 2; its ten digits are seconds, by Loki's rule."""
    answer = get(client, "query", query="vector(1)+vector(1)", time=4 * NANO, direction="backward")
    assert answer["data"]["resultType"] == "vector"
    assert answer["data"]["result"] == [{"metric": {}, "value": [4 * NANO, "2"]}]


RANGES = [(NOW - 3600, NOW), (TODAY - 60, NOW - 7200), (OLD, OLD + 600), (OLD - DAY_SECONDS, NOW), (0, 1)]
QUERIES: list[tuple[str, Callable[[Line], bool]]] = [
    ('{agent="grok"}', lambda line: line.labels["agent"] == "grok"),
    ('{server=~"srv-[12]", level!="info"}', lambda line: line.labels["server"] != "srv-3" and not line.is_info),
    ('{agent=~"kim|old-agent"} |= "refused" != "7"', lambda line: "refused" in line.text and "7" not in line.text),
    ('{agent=~".+"} | json | context_n >= 5', lambda line: json.loads(line.text).get("context", {}).get("n", 0) >= 5),
    ('{category="system"}', lambda line: line.labels["category"] == "system"),
    ('{level="debug"}', lambda _: False),
    ('{} | json | message="line 3"', lambda line: json.loads(line.text)["message"] == "line 3"),
]


@pytest.mark.parametrize(("start", "end"), RANGES)
@pytest.mark.parametrize(("query", "matches"), QUERIES, ids=[query for query, _ in QUERIES])
def test_lines_are_those_of_a_plain_scan(
    logs: FleetLogs, client: TestClient, query: str, matches: Any, start: float, end: float
) -> None:
    expected = [line for line in scan(logs) if start * NANO <= line.at < end * NANO and matches(line)]
    answer = range_query(client, query, start, end)
    assert lines_of(answer) == sorted((line.at, line.text) for line in expected)
    streams = Counter(json.dumps(line.labels, sort_keys=True) for line in expected)
    if "json" not in query:
        assert {
            json.dumps(row["stream"], sort_keys=True): len(row["values"]) for row in answer["data"]["result"]
        } == streams


def test_a_limit_keeps_the_first_lines_of_the_direction(logs: FleetLogs, client: TestClient) -> None:
    times = sorted(line.at for line in scan(logs) if line.at < NOW * NANO)
    for direction, expected in (("backward", times[-7:]), ("forward", times[:7])):
        answer = range_query(client, "{}", 0, NOW, limit=7, direction=direction)
        assert [at for at, _ in lines_of(answer)] == expected
        for stream in answer["data"]["result"]:
            of_stream = [int(at) for at, _ in stream["values"]]
            assert of_stream == sorted(of_stream, reverse=direction == "backward")


def test_the_histogram_above_the_lines(logs: FleetLogs, client: TestClient) -> None:
    """As Grafana's logs volume asks."""
    query = 'sum by (level, detected_level) (count_over_time({agent=~".+"} | drop __error__[10m]))'
    start, end = NOW - 7200, NOW
    answer = range_query(client, query, start, end, step="600000ms")
    assert answer["data"]["resultType"] == "matrix"
    lines = scan(logs)
    for level in ("info", "error"):
        expected = {}
        for at in range(round(start), round(end) + 1, 600):
            found = [x for x in lines if (at - 600) * NANO < x.at <= at * NANO and x.labels["level"] == level]
            if found:
                expected[at] = str(len(found))
        [row] = [row for row in answer["data"]["result"] if row["metric"] == {"level": level}]
        assert dict(row["values"]) == expected


def test_an_instant_query_is_a_vector(logs: FleetLogs, client: TestClient) -> None:
    query = "topk(1, sum by (agent) (count_over_time({}[1h])))"
    answer = get(client, "query", query=query, time=round(NOW * NANO))
    counts = Counter(x.labels["agent"] for x in scan(logs) if (NOW - 3600) * NANO < x.at <= NOW * NANO)
    [(agent, count)] = counts.most_common(1)
    assert answer["data"]["result"] == [{"metric": {"agent": agent}, "value": [NOW, str(count)]}]


def test_labels_values_and_series_for_the_query_builder(logs: FleetLogs, client: TestClient) -> None:
    times = {"start": round((OLD - 60) * NANO), "end": round(NOW * NANO)}
    assert get(client, "labels", **times)["data"] == ["agent", "category", "level", "server"]
    assert {"grok", "kim", "deepseek"} <= set(get(client, "label/agent/values", **times)["data"])
    assert get(client, "label/server/values", **times)["data"] == ["srv-1", "srv-2", "srv-3"]
    assert "error" in get(client, "label/level/values", **times)["data"]
    assert "audit" in get(client, "label/category/values", query='{agent="grok"}', **times)["data"]
    assert get(client, "label/nothing/values", **times)["data"] == []
    series = get(client, "series", **{"match[]": '{agent="grok", server!="srv-3"}'}, start=TODAY, end=NOW)["data"]
    assert series == [{"agent": "grok", "server": "srv-1"}, {"agent": "grok", "server": "srv-2"}]


def test_statistics_and_volume_are_those_of_the_objects(logs: FleetLogs, client: TestClient) -> None:
    times = {"start": round(TODAY * NANO), "end": round((TODAY + DAY_SECONDS - 1) * NANO)}
    sizes = [path.stat().st_size for path in logs.root.glob("store/**/*_grok_*.gz")]
    stats = get(client, "index/stats", query='{agent="grok"}', **times)
    assert (stats["chunks"], stats["bytes"], stats["streams"]) == (len(sizes), sum(sizes), 2)
    volume = get(client, "index/volume", query='{agent=~".+"}', limit=1, **times)["data"]["result"]
    assert volume == [{"metric": {"agent": "grok"}, "value": [TODAY + DAY_SECONDS - 1, str(sum(sizes))]}]


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("query_range", {"query": '{agent="grok"} | logfmt'}, "`logfmt` is not supported"),
        ("query_range", {"query": ""}, "`query` is missing"),
        ("query_range", {"query": "{}", "limit": "6000"}, "more than 5000 lines"),
        ("query_range", {"query": "{}", "limit": "many"}, "no positive number"),
        ("query_range", {"query": "{}", "start": "yesterday"}, "start 'yesterday'"),
        ("query_range", {"query": "{}", "start": "20", "end": "10"}, "start is after end"),
        ("query_range", {"query": "rate({}[5m])", "step": "0"}, "not longer than 0"),
        ("query_range", {"query": "rate({}[5m])", "step": "nan"}, "not longer than 0"),
        ("query_range", {"query": "rate({}[5m])", "since": "inf"}, "at most 100 years"),
        ("query", {"query": f"rate({{}}[{'9' * 400}y])"}, "too large"),
        ("query", {"query": "topk(1e999, rate({}[5m]))"}, "too large"),
        ("query", {"query": "topk(-1e999, rate({}[5m]))"}, "too large"),
        ("series", {"match[]": "topk(-1e999, rate({}[5m]))"}, "too large"),
        ("series", {"match[]": ["{}"] * 21}, "more than 20 selectors"),
        ("query_range", {"query": '{} | line_format "\\ud800"'}, "invalid escape"),
        ("query_range", {"query": '{agent="\\ud800"}', "since": "30d"}, "invalid escape"),
        ("query_range", {"query": "{}" + "|~`a`" * 21}, "more than 20 regular expressions"),
        ("query", {"query": "+".join("1" * 1000)}, "more than 50 arithmetic operators"),
        ("query_range", {"query": "rate({}[5m])", "start": "0", "step": "1"}, "more than 11000"),
        ("query_range", {"query": "{}", "direction": "sideways"}, "sideways"),
        ("query_range", {"query": '{agent=~"("}'}, "regular expression"),
        ("query", {"query": '{agent="grok"}'}, "needs a range"),
        ("series", {"match[]": "{agent"}, "expected"),
        ("index/stats", {"query": "up"}, "`up`"),
    ],
)
def test_wrong_requests_are_400_with_what_was_not_understood(
    client: TestClient, path: str, query: dict[str, str | list[str]], words: str
) -> None:
    answer = client.get(f"/loki/api/v1/{path}", params=query)
    assert (answer.status_code, words in answer.text) == (400, True), answer.text


@pytest.mark.parametrize("time", ["999999999999.5", "9999999999999999999.5"])
def test_after_the_year_9999_there_are_no_records(client: TestClient, time: str) -> None:
    assert get(client, "query", query="count_over_time({}[5m])", time=time)["data"]["result"] == []
    assert get(client, "query_range", query="{}", start=time, end=time)["data"]["result"] == []
    assert get(client, "series", start=time, end=time)["data"] == []
    assert get(client, "index/stats", start=time, end=time)["chunks"] == 0


def test_other_paths_are_404_and_readiness_is_there(client: TestClient) -> None:
    for path in ("tail", "patterns", "detected_labels", "push"):
        answer = client.get(f"/loki/api/v1/{path}")
        assert (answer.status_code, "not supported" in answer.text) == (404, True)
    assert client.get("/ready").text == "ready\n"
    assert "version" in get(client, "status/buildinfo")
    assert client.post("/loki/api/v1/push").status_code == 405


def test_limits_are_warnings_of_lines_and_errors_of_counts(logs: FleetLogs, client: TestClient) -> None:
    with client_of(logs, max_megabytes=0.001) as limited:
        answer = range_query(limited, "{}", TODAY, NOW)
        assert "1000 bytes" in answer["warnings"][0]
        counts = limited.get("/loki/api/v1/query", params={"query": "sum(count_over_time({}[5h]))"})
        assert (counts.status_code, "1000 bytes" in counts.text) == (400, True)
    with client_of(logs, max_seconds=1e-9) as limited:
        assert "stopped after" in range_query(limited, "{}", TODAY, NOW)["warnings"][0]


@pytest.mark.parametrize("path", ["series", "index/stats", "index/volume", "label/server/values"])
def test_listings_end_with_the_time_of_a_query(logs: FleetLogs, client: TestClient, path: str) -> None:
    with client_of(logs, max_seconds=1e-9) as limited:
        answer = limited.get(f"/loki/api/v1/{path}", params={"start": round((OLD - 60) * NANO)})
    assert (answer.status_code, "stopped after" in answer.text) == (400, True), answer.text


def test_values_beyond_any_calendar_and_limit_are_no_crash(client: TestClient) -> None:
    query = "count_over_time({}[5m] offset 99y)"
    assert get(client, "query", query=query, time="0001-01-02T00:00:00Z")["data"]["result"] == []
    assert get(client, "index/volume", limit="9" * 5000, start=TODAY, end=NOW)["data"]["result"]


def test_more_queries_than_places_are_refused(
    logs: FleetLogs, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_slots, "WAIT_SECONDS", 0.0)
    slots = QuerySlots(load().settings.logs.query.model_copy(update={"concurrent": 1}))
    with slots.take(), pytest.raises(TooManyQueries, match="all places are taken"), slots.take():
        raise AssertionError("there is no place")
    with slots.take():
        pass  # the place is free again


def test_an_object_that_cannot_be_read_is_a_warning_and_a_store_that_is_away_an_error(
    logs: FleetLogs, client: TestClient
) -> None:
    logs.store.put("db/active_logs/srv-1/2026-03-20/115900_grok_5.jsonl.gz", b"broken")
    answer = range_query(client, '{agent="grok"}', NOW - 3600, NOW)
    assert "115900_grok_5.jsonl.gz" in answer["warnings"][0]
    assert lines_of(answer)
    (logs.root / "store").rename(logs.root / "away")
    away = client.get("/loki/api/v1/query_range", params={"query": "{}"})
    assert (away.status_code, "no folder" in away.text) == (502, True)
