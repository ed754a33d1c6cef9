"""`nervesys agent messages`: what agents wrote to each other, from store and archive."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Annotated

import typer

from commands.agent_logs import AsJson, Follow, Limit, Reverse, Since, Until, agent_parameter, follow_records, time_span
from commands.options import ArchiveUrl, BrainUrl, Home, open_settings
from commands.reading_progress import ReadingProgress
from nervesys.clock import system_clock
from nervesys.contract import Category, format_time
from nervesys.logs.entries import LogEntry
from nervesys.logs.messages import MessageFilter, SentMessage, message_of
from nervesys.logs.open_reader import open_reader
from nervesys.logs.query import LogQuery
from nervesys.logs.reader import LogReader
from nervesys.logs.visible import visible, visible_json, visible_lines

MOST = 1000
"""Messages that are printed without --limit."""
Agent = Annotated[
    str | None, typer.Argument(metavar="[NAME]", parser=agent_parameter, help="Only messages from or to this agent.")
]


def messages(
    name: Agent = None,
    thread: Annotated[str, typer.Option(metavar="THREAD", help="Only this conversation.")] = "",
    peer: Annotated[
        str | None,
        typer.Option("--with", metavar="AGENT", parser=agent_parameter, help="Only those with this other agent."),
    ] = None,
    sent: Annotated[
        bool, typer.Option("--sent", help="Only those that NAME sent: reads no other agent's logs, so it is faster.")
    ] = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    reverse: Reverse = False,
    follow: Follow = False,
    as_json: AsJson = False,
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Print messages between agents: time, sender, recipient, thread, text.

    For example `nervesys agent messages grok --since 2h`, `nervesys agent messages grok --with gemini --thread 7`, or,
    for all agents, `nervesys agent messages --thread release --since 7d --json`. A sender logs its messages, so those
    that NAME received lie in the logs of all other agents; --sent leaves them out. Messages appear once they are
    shipped: every ten minutes, unless the brain says otherwise.
    """
    if sent and not name:
        raise typer.BadParameter("--sent needs the NAME of the agent")
    if follow and (reverse or limit or until):
        raise typer.BadParameter("--follow goes without --until, --limit and --reverse")
    loaded = open_settings("agent-logs", home=home, brain=brain, archive=archive).loaded
    query = LogQuery(
        *time_span(since, until, limit),
        agents=frozenset({name} if name and sent else ()),
        categories=frozenset({Category.MESSAGE}),
        accepts=MessageFilter(name or "", thread, peer or "").accepts,
    )
    if follow:
        follow_records(loaded, query, partial(_print_entry, as_json=as_json))
        return
    reader = open_reader(loaded.settings.storage, system_clock)
    _print_newest(reader, query, limit or MOST, newest_first=reverse, as_json=as_json)


def _print_newest(reader: LogReader, query: LogQuery, limit: int, *, newest_first: bool, as_json: bool) -> None:
    with ReadingProgress() as progress:
        newest = reader.first(query, limit, progress.budget)
        entries: Iterator[LogEntry] = iter(newest) if newest_first else reversed(newest)
        for entry in progress.first_stops(entries):
            _print_entry(entry, as_json=as_json)
    if not newest:
        typer.echo(f"No messages from {format_time(query.since)} to {format_time(query.until)} match.", err=True)
    elif len(newest) == limit == MOST:
        typer.echo(f"Only the newest {MOST} messages are printed; --limit prints more.", err=True)
    progress.end()


def _print_entry(entry: LogEntry, *, as_json: bool) -> None:
    if message := message_of(entry):
        _print(message, as_json=as_json)


def _print(message: SentMessage, *, as_json: bool) -> None:
    if as_json:
        typer.echo(visible_json(json.dumps(message.as_json()).encode()))
        return
    first, *rest = visible_lines(message.text) or [""]
    parts = [
        typer.style(format_time(message.at), dim=True),
        typer.style(message.sender, fg="cyan"),
        "->",
        typer.style(visible(message.recipient) or "?", fg="cyan"),
        *([typer.style(f"[{visible(message.thread)}]", dim=True)] if message.thread else []),
        first,
    ]
    typer.echo(" ".join(parts))
    for line in rest:
        typer.echo(f"    {line}")
