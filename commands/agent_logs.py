"""`nervesys agent logs` and `nervesys agent tasks`: what an agent did, from store and archive."""

import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from commands.options import ArchiveUrl, BrainUrl, Home, open_settings
from commands.reading_progress import ReadingProgress
from nervesys.clock import system_clock
from nervesys.contract import Category, Level, agent_name, format_time, server_name
from nervesys.contract.times import DAY_SECONDS, parse_time, seconds_of
from nervesys.errors import BadObject, StoreUnavailable
from nervesys.logs.budget import ReadBudget
from nervesys.logs.entries import LogEntry
from nervesys.logs.follow import LogFollower
from nervesys.logs.open_reader import open_reader
from nervesys.logs.query import LogQuery, from_level
from nervesys.logs.tasks import FAILED, TaskRun, is_task, read_tasks
from nervesys.logs.text_search import BadPattern, TextSearch
from nervesys.logs.visible import details_of, fields_of, first_line, visible, visible_json
from nervesys.settings import Loaded

FOLLOW_SECONDS = 10
"""Between two looks at the store; agents ship every ten minutes, unless the brain says otherwise."""
DEFAULT_SECONDS, LIMITED_SECONDS = 3600, 7 * DAY_SECONDS
"""How far back a command looks by itself; further if --limit bounds what it prints."""
LEVEL_COLOURS = {Level.ERROR: "red", Level.WARN: "yellow", Level.DEBUG: "bright_black"}


class LevelOption(StrEnum):
    """Values of --level."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class CategoryOption(StrEnum):
    """Values of --category."""

    SYSTEM = "system"
    ACTIVITY = "activity"
    ERRORS = "errors"
    AUDIT = "audit"
    MESSAGE = "message"


def _instant(text: str) -> float:
    """Unix seconds of `2h`, a date or an instant."""
    with suppress(ValueError):
        return system_clock() - seconds_of(text)
    try:
        return parse_time(text)
    except BadObject:
        wanted = "a duration such as 2h, a date, or an instant such as 2026-01-31T10:15Z"
        raise typer.BadParameter(f"{text}: not {wanted}") from None


def agent_parameter(text: str) -> str:
    """The name of an agent as a parameter of a command."""
    try:
        return agent_name(text)
    except BadObject as bad:
        raise typer.BadParameter(bad.detail) from None


def _server(text: str) -> str:
    try:
        return server_name(text)
    except BadObject as bad:
        raise typer.BadParameter(bad.detail) from None


def _pattern(text: str) -> TextSearch:
    try:
        return TextSearch(text)
    except BadPattern as bad:
        raise typer.BadParameter(f"{text}: {bad}") from None


AgentArgument = Annotated[str, typer.Argument(metavar="NAME", parser=agent_parameter, help="The agent.")]
Since = Annotated[
    float | None,
    typer.Option(
        metavar="2h|DATE",
        parser=_instant,
        help="Start: a duration ago, a date or an instant, UTC (default: 1h; with --limit, 7d).",
    ),
]
Until = Annotated[
    float | None, typer.Option(metavar="1h|DATE", parser=_instant, help="End, in the same forms (default: now).")
]
Servers = Annotated[
    list[str] | None, typer.Option("--server", metavar="HOST", parser=_server, help="Only on this server; repeatable.")
]
Limit = Annotated[int | None, typer.Option("--limit", "-n", min=1, max=100_000, help="Only the newest so many.")]
Reverse = Annotated[bool, typer.Option("--reverse", "-r", help="Newest first.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Keep printing what is shipped, until Ctrl-C.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, one object on each line.")]


def logs(
    name: AgentArgument,
    since: Since = None,
    until: Until = None,
    level: Annotated[
        LevelOption | None, typer.Option(case_sensitive=False, help="This level, and more severe ones.")
    ] = None,
    category: Annotated[
        list[CategoryOption] | None, typer.Option(case_sensitive=False, help="Only this category; repeatable.")
    ] = None,
    grep: Annotated[
        TextSearch | None,
        typer.Option(
            metavar="RE",
            parser=_pattern,
            help="Only records whose action, message or JSON matches; (?i) ignores case.",
        ),
    ] = None,
    action: Annotated[str, typer.Option(help="Only this action, such as code_review.")] = "",
    server: Servers = None,
    limit: Limit = None,
    reverse: Reverse = False,
    follow: Follow = False,
    as_json: AsJson = False,
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Print what an agent logged, from the store and, for older days, from the archive.

    For example `nervesys agent logs grok --since 2h --level error`, or `--since 2026-01-31 --until 2026-02-01 --grep
    'time.?out'`. Only the days and servers in question are listed. Records appear once they are shipped: every ten
    minutes, unless the brain says otherwise. Encrypted logs need NERVESYS_AGE_IDENTITY.
    """
    loaded = open_settings("agent-logs", home=home, brain=brain, archive=archive).loaded
    if follow and (reverse or limit or until):
        raise typer.BadParameter("--follow goes without --until, --limit and --reverse")
    query = LogQuery(
        *time_span(since, until, limit),
        agents=frozenset({name}),
        servers=frozenset(server or ()),
        levels=from_level(Level(level.value.upper())) if level else frozenset(),
        categories=frozenset(Category(chosen.value) for chosen in category or ()),
        action=action,
        search=grep,
    )
    if follow:
        follow_records(loaded, query, partial(_print_entry, as_json=as_json))
        return
    with ReadingProgress() as progress:
        printed = 0
        for entry in progress.first_stops(read_entries(loaded, query, progress.budget, limit, newest_first=reverse)):
            printed += 1
            _print_entry(entry, as_json=as_json)
    if not printed:
        _print_empty(loaded, name, query, "log records")
    progress.end()


def tasks(
    name: AgentArgument,
    since: Since = None,
    until: Until = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only failed tasks.")] = False,
    action: Annotated[str, typer.Option(help="Only this action, such as code_review.")] = "",
    server: Servers = None,
    limit: Limit = None,
    reverse: Reverse = False,
    as_json: AsJson = False,
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Print an agent's finished tasks: start, duration, outcome, tokens, cost, error.

    For example `nervesys agent tasks grok --since 1d --failed`. A task is a log record with a duration; costs follow
    from config/prices.yaml.
    """
    loaded = open_settings("agent-logs", home=home, brain=brain, archive=archive).loaded
    query = LogQuery(
        *time_span(since, until, limit),
        agents=frozenset({name}),
        servers=frozenset(server or ()),
        levels=frozenset({Level.ERROR}) if failed else frozenset(),
        action=action,
        accepts=is_task,
    )
    prices, printed = loaded.settings.prices, 0
    with ReadingProgress() as progress:
        found = read_entries(loaded, query, progress.budget, limit, newest_first=reverse)
        for task in progress.first_stops(read_tasks(found, prices)):
            if as_json:
                typer.echo(visible_json(json.dumps(task.as_json()).encode()))
            else:
                _print_task(task, prices.currency, heading=not printed)
            printed += 1
    if not printed:
        _print_empty(loaded, name, query, "finished tasks")
    progress.end()


def time_span(since: float | None, until: float | None, limit: int | None) -> tuple[float, float]:
    """Start and end of the range."""
    end = system_clock() if until is None else until
    start = end - (LIMITED_SECONDS if limit else DEFAULT_SECONDS) if since is None else since
    if start >= end:
        raise typer.BadParameter("--since is not before --until")
    return start, end


def read_entries(
    loaded: Loaded, query: LogQuery, budget: ReadBudget, limit: int | None, *, newest_first: bool
) -> Iterable[LogEntry]:
    """The records of a query in their order; with a limit, the newest so many."""
    reader = open_reader(loaded.settings.storage, system_clock)
    if limit is None:
        return reader.in_order(query, budget, newest_first=newest_first)
    newest = reader.first(query, limit, budget)
    return newest if newest_first else reversed(newest)


def follow_records(loaded: Loaded, query: LogQuery, show: Callable[[LogEntry], None]) -> None:
    """Show what is shipped, until Ctrl-C; a store that does not answer is reported and asked again."""
    follower = LogFollower(open_reader(loaded.settings.storage, system_clock), query)
    with suppress(KeyboardInterrupt):
        while True:
            budget = ReadBudget()
            try:
                for entry in follower.new_entries(budget):
                    show(entry)
            except StoreUnavailable as err:
                typer.echo(f"{err}; asking again every {FOLLOW_SECONDS} s", err=True)
            for warning in budget.warnings:
                typer.echo(warning, err=True)
            time.sleep(FOLLOW_SECONDS)


def _print_entry(entry: LogEntry, *, as_json: bool) -> None:
    if as_json:
        typer.echo(visible_json(entry.line))
        return
    colour = LEVEL_COLOURS.get(entry.level)
    fields = " ".join(f"{name}={value}" for name, value in fields_of(entry).items())
    parts = [
        typer.style(format_time(entry.at), dim=True),
        typer.style(f"{entry.level:<5}", fg=colour, bold=colour == "red"),
        *([typer.style(entry.server, fg="cyan")] if entry.server else []),
        *([typer.style(visible(entry.action), bold=True)] if entry.action else []),
        first_line(entry),
        *([typer.style(fields, dim=True)] if fields else []),
    ]
    typer.echo(" ".join(filter(None, parts)))
    for line in details_of(entry):
        typer.echo(f"    {line}")


def _print_task(task: TaskRun, currency: str, *, heading: bool) -> None:
    if heading:
        head = f"{'started':<24} {'took':>9} {'outcome':<9} {'tokens':>9} {'cost':>11} action"
        typer.echo(typer.style(head, bold=True))
    tokens = "" if task.tokens is None else f"{task.tokens:.0f}"
    cost = "" if task.cost is None else f"{task.cost:.4f} {currency}"
    outcome = typer.style(f"{task.outcome:<9}", fg="red" if task.outcome == FAILED else "green")
    error = typer.style(f"  {visible(task.error)}", fg="red") if task.error else ""
    where = f" on {task.server}" if task.server else ""
    typer.echo(
        f"{format_time(task.started):<24} {_duration(task.seconds):>9} {outcome} {tokens:>9} {cost:>11} "
        f"{visible(task.action)}{where}{error}"
    )


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _print_empty(loaded: Loaded, name: str, query: LogQuery, what: str) -> None:
    typer.echo(f"No {what} of {name} from {format_time(query.since)} to {format_time(query.until)} match.", err=True)
    if name not in loaded.agents:
        known = ", ".join(sorted(loaded.agents)) or "none"
        typer.echo(f"The brain has no agent {name}; its agents: {known}.", err=True)
