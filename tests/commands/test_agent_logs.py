"""`nervesys agent logs` and `agent tasks`: what is printed, and what is refused.

Covers: commands.reading_progress, nervesys.logs.open_reader.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import agent_logs
from nervesys.contract.times import DAY_SECONDS
from nervesys.logs import open_reader
from tests.commands.conftest import Run
from tests.nervesys.logs.fleet_logs import NOW, FleetLogs, record


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FleetLogs:
    """Logs that the command reads, at the time at which they were written."""
    logs = FleetLogs(tmp_path)
    monkeypatch.setenv("NERVESYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NERVESYS_ARCHIVE", f"file://{tmp_path / 'archive'}")
    monkeypatch.setattr(open_reader, "open_store", lambda _: logs.store)
    monkeypatch.setattr(agent_logs, "system_clock", lambda: NOW)
    records = [
        record(NOW - 500, 1, message="plain"),
        record(NOW - 400, 2, level="WARN", message="odd \x1b[2J"),
        record(NOW - 300, 3, level="ERROR", category="errors", context={"duration_ms": 1500, "traceback": "T\nV: x"}),
        record(NOW - 200, 4, context={"duration_ms": 20}, metadata={"tokens_used": 7, "model_version": "nothing"}),
    ]
    logs.ship("srv-1", "grok", NOW - 100, records)
    logs.file("srv-1", NOW - 20 * DAY_SECONDS, "activity", [record(NOW - 20 * DAY_SECONDS, 9, message="old")])
    return logs


def test_records_are_printed_in_order_without_colour_or_control_characters(logs: FleetLogs, run: Run) -> None:
    result = run("agent", "logs", "GROK")
    assert result.code == 0
    assert result.out.splitlines() == [
        "2026-03-20T11:51:40.000Z INFO  srv-1 review plain",
        r"2026-03-20T11:53:20.000Z WARN  srv-1 review odd \x1b[2J",
        "2026-03-20T11:55:00.000Z ERROR srv-1 review line 3 duration_ms=1500",
        "    T",
        "    V: x",
        "2026-03-20T11:56:40.000Z INFO  srv-1 review line 4 duration_ms=20 tokens_used=7 model_version=nothing",
    ]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (["--level", "warn"], [2, 3]),
        (["--category", "ERRORS"], [3]),
        (["--grep", "(?i)ODD"], [2]),
        (["--since", "350s"], [3, 4]),
        (["--until", "350s"], [1, 2]),
        (["--limit", "2"], [3, 4]),
        (["--limit", "2", "--reverse"], [4, 3]),
        (["--reverse"], [4, 3, 2, 1]),
        (["--server", "srv-1", "--action", "review"], [1, 2, 3, 4]),
        (["--since", "2026-02-01", "--until", "2026-03-10T00:00Z"], [9]),
    ],
)
def test_options_choose_records(logs: FleetLogs, run: Run, options: list[str], numbers: list[int]) -> None:
    lines = run("agent", "logs", "grok", "--json", *options).out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [f"grok-{number}" for number in numbers]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--grep", "a(b"], "unclosed group"),
        (["--since", "yesterday"], "not a duration"),
        (["--since", "1h", "--until", "2h"], "not before"),
        (["--follow", "--limit", "1"], "--follow goes without"),
        (["--server", "a b"], "not a name of a server"),
        (["--level", "loud"], "'loud'"),
    ],
)
def test_wrong_options_are_explained(logs: FleetLogs, run: Run, options: list[str], words: str) -> None:
    result = run("agent", "logs", "grok", *options)
    assert result.code == 2
    assert words in " ".join(result.err.replace("│", "").split())


def test_no_record_is_no_error_and_an_unknown_agent_is_named(logs: FleetLogs, run: Run) -> None:
    result = run("agent", "logs", "grokk", "--since", "1d")
    assert result.code == 0
    assert "No log records of grokk" in result.err
    assert "has no agent grokk" in result.err


def test_an_object_that_cannot_be_read_is_named_and_the_others_are_printed(logs: FleetLogs, run: Run) -> None:
    logs.store.put("db/active_logs/srv-1/2026-03-20/115900_grok_2.jsonl.gz", b"broken")
    result = run("agent", "logs", "grok")
    assert result.code == 1
    assert "115900_grok_2.jsonl.gz" in result.err
    assert "plain" in result.out


def test_following_prints_what_arrives_until_it_is_interrupted(
    logs: FleetLogs, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    def ship() -> None:
        logs.ship("srv-1", "grok", NOW - 1, [record(NOW - 2, 5, message="new")], seq=9)

    steps: list[Callable[..., None]] = [lambda _: ship(), interrupt]
    monkeypatch.setattr("commands.agent_logs.time.sleep", lambda seconds: steps.pop(0)(seconds))
    result = run("agent", "logs", "grok", "--follow", "--level", "info")
    assert result.code == 0
    assert result.out.count("plain") == 1
    assert result.out.splitlines()[-1].endswith("new")


def test_tasks_are_a_table_or_json(logs: FleetLogs, run: Run) -> None:
    lines = run("agent", "tasks", "grok").out.splitlines()
    assert lines[0].split() == ["started", "took", "outcome", "tokens", "cost", "action"]
    assert lines[1].split(maxsplit=3)[:3] == ["2026-03-20T11:54:58.500Z", "1.5", "s"]
    assert lines[1].endswith("failed                          review on srv-1  V: x")
    failed = [json.loads(line) for line in run("agent", "tasks", "grok", "--failed", "--json").out.splitlines()]
    assert [(task["outcome"], task["error"]) for task in failed] == [("failed", "V: x")]
    assert "No finished tasks of kim" in run("agent", "tasks", "kim").err
