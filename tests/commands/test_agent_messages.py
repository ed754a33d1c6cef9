"""`nervesys agent messages`: what is printed, and what is refused."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from commands import agent_logs, agent_messages
from nervesys.logs import open_reader
from tests.commands.conftest import Run
from tests.nervesys.logs.fleet_logs import NOW, FleetLogs, record


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FleetLogs:
    """Messages that the command reads, at the time at which they were written."""
    logs = FleetLogs(tmp_path)
    monkeypatch.setenv("NERVESYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NERVESYS_ARCHIVE", f"file://{tmp_path / 'archive'}")
    monkeypatch.setattr(open_reader, "open_store", lambda _: logs.store)
    monkeypatch.setattr(agent_logs, "system_clock", lambda: NOW)

    def sent(ago: float, number: int, agent: str, to: str, text: str, **context: Any) -> dict[str, Any]:
        fields = {"agent_id": agent, "category": "message", "context": {"to": to, **context}}
        return record(NOW - ago, number, message=text) | fields

    ships = {
        "grok": [sent(500, 1, "grok", "gemini", "is it ready?", thread="release"), record(NOW - 450, 2)],
        "gemini": [
            sent(400, 1, "gemini", "grok", "yes\nodd \x1b[2J", thread="release"),
            sent(300, 2, "gemini", "claude", "hi"),
        ],
    }
    for agent, records in ships.items():
        logs.ship("srv-1", agent, NOW - 100, records)
    return logs


def test_messages_of_an_agent_are_those_that_it_sent_and_received(logs: FleetLogs, run: Run) -> None:
    result = run("agent", "messages", "GROK")
    assert result.code == 0, result.err
    assert result.out.splitlines() == [
        "2026-03-20T11:51:40.000Z grok -> gemini [release] is it ready?",
        "2026-03-20T11:53:20.000Z gemini -> grok [release] yes",
        r"    odd \x1b[2J",
    ]


@pytest.mark.parametrize(
    ("options", "texts"),
    [
        (["grok", "--sent"], ["is it ready?"]),
        (["gemini", "--with", "claude"], ["hi"]),
        (["gemini", "--thread", "release", "--reverse"], ["yes\nodd \x1b[2J", "is it ready?"]),
        (["--limit", "1"], ["hi"]),
        (["--since", "350s"], ["hi"]),
    ],
)
def test_options_choose_messages(logs: FleetLogs, run: Run, options: list[str], texts: list[str]) -> None:
    lines = run("agent", "messages", "--json", *options).out.splitlines()
    assert [json.loads(line)["text"] for line in lines] == texts


def test_of_many_messages_the_newest_are_printed(logs: FleetLogs, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_messages, "MOST", 2)
    result = run("agent", "messages", "--json")
    assert len(result.out.splitlines()) == 2
    assert "Only the newest 2" in result.err
    assert "No messages" in run("agent", "messages", "claude", "--sent").err


@pytest.mark.parametrize(
    ("options", "words"), [(["--sent"], "needs the NAME"), (["--follow", "--limit", "1"], "--follow goes without")]
)
def test_wrong_options_are_explained(logs: FleetLogs, run: Run, options: list[str], words: str) -> None:
    result = run("agent", "messages", *options)
    assert result.code == 2
    assert words in " ".join(result.err.replace("│", "").split())


def test_following_prints_messages_only(logs: FleetLogs, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    assert len(run("agent", "messages", "--follow", "--json").out.splitlines()) == 3
