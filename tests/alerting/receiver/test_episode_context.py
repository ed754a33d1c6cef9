"""The context of an episode: bounded in objects, bytes and time; what cannot be read is reported as missing.

Covers: alerting.receiver.last_changes, alerting.receiver.last_failure, alerting.receiver.last_lines,
alerting.receiver.search_result.
"""

import asyncio
import gzip
import json
import os
import threading
from pathlib import Path

import pytest

from alerting.receiver import episode_context
from alerting.receiver import last_lines as lines_module
from alerting.receiver.episode_context import EpisodeContextReader
from alerting.receiver.last_changes import CHANGES, last_changes
from alerting.receiver.last_failure import last_failed_trace
from alerting.receiver.last_lines import LINES, OBJECTS, last_lines
from alerting.receiver.watch import HeartbeatReader
from nervesys.clients.prometheus import Prometheus
from nervesys.contract import PathTemplate, format_time
from nervesys.stores.brain import GitBrain
from tests.alerting.receiver.simulation import START, BreakableStore, a_fleet
from tests.brains import write

LAYOUT = "db/active_logs/{server}/{date}/{time}_{agent}_{seq}.jsonl.gz"
TRACES = "db/traces/{server}/{date}/{time}_{agent}_{seq}.jsonl.gz"
BY_CATEGORY = "logs/{category}/{server}/{date}/{agent}_{seq}.jsonl"
DAY = 86400
HOUR = 3600


class Counting(BreakableStore):
    """A store that remembers what was read of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.listed: list[str] = []
        self.opened: list[str] = []

    def list(self, prefix, *, recursive=True):  # type: ignore[no-untyped-def]  # as above
        self.listed.append(prefix)
        return super().list(prefix, recursive=recursive)

    def open(self, key):  # type: ignore[no-untyped-def]  # as above
        self.opened.append(key)
        return super().open(key)


@pytest.fixture
def store(tmp_path: Path) -> Counting:
    (tmp_path / "bucket").mkdir()
    return Counting(tmp_path / "bucket")


def ship(store: Counting, at: float, *messages: str, agent: str = "grok", key: str = "", body: bytes = b"") -> str:
    """An object of log lines as an agent ships it."""
    records = [
        {"timestamp": format_time(at), "agent_id": agent, "level": "INFO", "message": message} for message in messages
    ]
    text = body or gzip.compress("\n".join(map(json.dumps, records)).encode())
    stamp = format_time(at)
    key = key or f"db/active_logs/alpha/{stamp[:10]}/{stamp[11:19].replace(':', '')}_{agent}_1.jsonl.gz"
    store.put(key, text)
    os.utime(store._root / key, (at, at))
    return key


def read(store: Counting, layout: str = LAYOUT, server: str = "alpha", until: float = START) -> tuple[list[str], str]:
    found = last_lines(store, PathTemplate(layout), "grok", server, until)
    return [record.message for record in found.items], found.missing


def test_only_the_newest_objects_of_the_agent_are_read(store: Counting) -> None:
    for number in range(10):
        ship(store, START - 600 * (10 - number), f"line {number}")
        ship(store, START - 600 * (10 - number) + 1, "another's", agent="gimai")
    assert read(store) == ([f"line {number}" for number in range(10 - OBJECTS, 10)], "")
    assert len(store.opened) == OBJECTS
    assert set(store.listed) == {"db/active_logs/alpha/2027-01-15/", "db/active_logs/alpha/2027-01-14/"}


def test_the_last_lines_before_the_end_are_shown_and_no_more(store: Counting) -> None:
    ship(store, START - 60, *(f"line {number}" for number in range(500)))
    ship(store, START + 60, "later")
    for hours in range(2, 2 + OBJECTS):
        ship(store, START + hours * HOUR, "much later: it costs those before nothing")
    messages, silence = read(store)
    assert (len(messages), messages[-1], silence) == (LINES, "line 499", "")


def test_what_was_shipped_since_then_hides_nothing(store: Counting) -> None:
    ship(store, START - 60, "before it was killed")
    ship(
        store,
        START + 15,
        body=gzip.compress(
            json.dumps(
                {
                    "timestamp": format_time(START - 1),
                    "agent_id": "grok",
                    "message": "from the buffer of the killed one",
                }
            ).encode()
        ),
    )
    for number in range(2, 200):
        ship(store, START + 15 * number, "later")
    assert read(store) == (["before it was killed", "from the buffer of the killed one"], "")
    assert len(store.opened) == 2


def test_yesterdays_lines_are_found_just_after_midnight(store: Counting) -> None:
    midnight = START - START % DAY
    ship(store, midnight - 60, "the last of the day")
    assert read(store, until=midnight + 60)[0] == ["the last of the day"]


def test_other_layouts_are_read_too(store: Counting) -> None:
    line = json.dumps({"timestamp": format_time(START), "agent_id": "grok", "message": "hello"}).encode()
    ship(store, START, key="logs/errors/alpha/2027-01-15/grok_1.jsonl", body=line)
    assert read(store, BY_CATEGORY) == (["hello"], "")
    assert "logs/" not in store.listed, "no more is listed than a day of one server"


def test_what_cannot_be_read_is_reported(store: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(store) == ([], "The store holds no log lines of that day and the day before.")
    assert read(store, server="") == ([], "It is not known on which server it ran.")
    cut = ship(store, START - 60, body=gzip.compress(b'{"message": "x"}\n' * 999)[:40])
    ship(store, START - 30, "whole", body=b"")
    messages, silence = read(store)
    assert messages == ["whole"]
    assert cut in silence
    monkeypatch.setattr(lines_module, "OBJECT_BYTES", 10)
    assert "more than 10 bytes" in read(store)[1]
    store.broken = True
    assert read(store)[1].startswith("The store cannot be read: ")


def spans(store: Counting, at: float, *traces: tuple[str, int], agent: str = "grok") -> None:
    """An object of spans that began at an instant and took a second, each with its status code."""
    begin = int(at * 1e9)
    rows = [
        {
            "traceId": trace_id,
            "spanId": "a" * 16,
            "name": f"call {trace_id[0]}",
            "startTimeUnixNano": str(begin),
            "endTimeUnixNano": str(begin + 10**9),
            "status": {"code": code},
        }
        for trace_id, code in traces
    ]
    line = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": rows}]}]}).encode()
    stamp = format_time(at)
    key = f"db/traces/alpha/{stamp[:10]}/{stamp[11:19].replace(':', '')}_{agent}_1.jsonl.gz"
    ship(store, at + 1, agent=agent, key=key, body=gzip.compress(b"no span\n" + line))


def test_the_last_trace_with_an_error_before_the_end_is_found(store: Counting) -> None:
    def found(until: float = START) -> tuple[list[tuple[str, str, float]], str]:
        result = last_failed_trace(store, PathTemplate(TRACES), "grok", "alpha", until)
        return [(item.trace_id, item.name, item.ended) for item in result.items], result.missing

    assert found() == ([], "No trace with an error is among its last ones.")
    spans(store, START - HOUR, ("1" * 32, 2))
    spans(store, START - 60, ("2" * 32, 2), ("3" * 32, 1))
    spans(store, START - 30, ("4" * 32, 0))
    spans(store, START - 20, ("5" * 32, 2), agent="gimai")
    spans(store, START + 60, ("6" * 32, 2))
    assert found() == ([("2" * 32, "call 2", START - 59)], "")
    assert found(START - 120)[0][0][0] == "1" * 32
    assert last_failed_trace(store, PathTemplate(TRACES), "grok", "", START).missing.startswith("It is not known")
    store.broken = True
    assert found()[1].startswith("The store cannot be read")


def test_a_store_that_hangs_costs_the_page_its_time_limit(
    store: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(episode_context, "SECONDS", 0.1)
    monkeypatch.setattr(store, "list", lambda _prefix: answers.wait(60))
    fleet = a_fleet("grok")
    reader = EpisodeContextReader(
        HeartbeatReader(store, fleet.settings, lambda: START),
        store,
        LAYOUT,
        TRACES,
        None,
        Prometheus("http://127.0.0.1:1", 0.1),
        lambda: START,
        lambda agent, since, until: f"{agent} {since - START:.0f} {until - START:.0f}",
    )
    episode = {"agent": "grok", "server": "alpha", "opened_at": START, "closed_at": None}
    found = asyncio.run(reader.read(episode))
    answers.set()
    assert found.pop("logs_url") == "grok -900 300"
    assert all(found.pop(name).missing for name in ("cost", "trace")), "no Prometheus runs there"
    assert {name: item.missing for name, item in found.items()} == {
        "last_state": episode_context.LATE,
        "lines": episode_context.LATE,
        "failed_trace": episode_context.LATE,
        "changes": "The brain is a plain folder, which has no commits.",
    }


def test_the_commits_before_are_those_that_changed_the_configuration(tmp_path: Path) -> None:
    repository = tmp_path / "brain.git"
    for number in range(8):
        when = int(START) + number * HOUR
        write(repository, {f"config/{number}.yaml": b"a: 1"}, when=when, message=f"Change {number}\n\nWhy.")
        write(repository, {"README.md": str(number).encode()}, when=when + 1, message="Words")
    many = {f"config/agents/agent-{number}.yaml": b"agent: {}" for number in range(12)}
    write(repository, many, when=int(START) + 6 * HOUR + 2, author="grace", message="Add a dozen")
    brain = GitBrain(str(repository), tmp_path / "mirror", timeout_seconds=10)
    assert last_changes(brain, START).missing.startswith("None of the newest"), "it was never fetched"
    brain.fetch()
    found = last_changes(brain, START + 6.5 * HOUR)
    assert [item.subject for item in found.items] == ["Add a dozen", "Change 6", "Change 5", "Change 4", "Change 3"]
    assert (len(found.items), found.items[0].author, found.items[0].more) == (CHANGES, "grace", 2)
