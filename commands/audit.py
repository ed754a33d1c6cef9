"""`nervesys audit`: the audit trail of all programs and agents, from store and archive."""

from typing import Annotated, Any

import typer

from commands.agent_logs import AsJson, Limit, Reverse, Since, Until, read_entries, time_span
from commands.options import ArchiveUrl, BrainUrl, Home, open_settings
from commands.reading_progress import ReadingProgress
from nervesys.audit import AuditAction, AuditResult
from nervesys.contract import Category, format_time
from nervesys.contract.times import DAY_SECONDS
from nervesys.logs.entries import LogEntry
from nervesys.logs.query import LogQuery
from nervesys.logs.visible import visible, visible_json

COLOURS = {AuditResult.OK.value: "green", AuditResult.DENIED.value: "yellow", AuditResult.FAILED.value: "red"}

app = typer.Typer()


@app.command()
def audit(
    since: Since = None,
    until: Until = None,
    action: Annotated[
        AuditAction | None, typer.Option(case_sensitive=False, help="Only this action, such as sign_in.")
    ] = None,
    result: Annotated[AuditResult | None, typer.Option(case_sensitive=False, help="Only this result.")] = None,
    who: Annotated[str, typer.Option(metavar="TEXT", help="Only what somebody whose name contains this did.")] = "",
    target: Annotated[str, typer.Option(metavar="TEXT", help="Only what was done to a target with this text.")] = "",
    limit: Limit = None,
    reverse: Reverse = False,
    as_json: AsJson = False,
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Print the audit trail of the last day: sign-ins, orders, restarts, and reads of logs and artifacts.

    Each record says who did what to what, from where and with which result. For example `nervesys audit --result
    denied --since 7d`, or `nervesys audit --action sign_in --who session`. Programs ship their records once a minute,
    agents with their logs; they are kept a year (`retention.logs.audit`).
    """
    loaded = open_settings("audit", home=home, brain=brain, archive=archive).loaded
    start, end = time_span(since, until, limit)
    query = LogQuery(
        start if since is not None or limit else end - DAY_SECONDS,
        end,
        categories=frozenset({Category.AUDIT}),
        action=action.value if action else "",
        accepts=lambda entry: _matches(entry, result, who, target),
    )
    printed = 0
    with ReadingProgress() as progress:
        for entry in progress.first_stops(read_entries(loaded, query, progress.budget, limit, newest_first=reverse)):
            printed += 1
            typer.echo(visible_json(entry.line) if as_json else _line(entry))
    if not printed:
        typer.echo(f"No audit record from {format_time(query.since)} to {format_time(query.until)} matches.", err=True)
    progress.end()


def _line(entry: LogEntry) -> str:
    """One record as a line: when, how it ended, who did what to what; then the rest."""
    fields = _context(entry)
    result = str(fields.get("result", "-"))
    who, more = str(fields.get("who", entry.agent)), fields.get("repeated")
    what = f"{entry.action} {fields['target']}" if "target" in fields else f"{entry.action} {entry.message}"
    rest = [f"from {fields['client']}" if "client" in fields else "", str(fields.get("detail", ""))]
    parts = [
        typer.style(format_time(entry.at)[:19] + "Z", dim=True),
        typer.style(f"{visible(result):<6}", fg=COLOURS.get(result)),
        f"{visible(who)}:",
        typer.style(visible(what), bold=True),
        f"({more} times more)" if more else "",
        visible("; ".join(filter(None, rest))),
        typer.style(f"[{entry.agent} on {entry.server}]", dim=True),
    ]
    return " ".join(filter(None, parts))


def _context(entry: LogEntry) -> dict[str, Any]:
    context = entry.fields.get("context")
    return context if isinstance(context, dict) else {}


def _matches(entry: LogEntry, result: AuditResult | None, who: str, target: str) -> bool:
    fields = _context(entry)
    return (
        (result is None or fields.get("result") == result.value)
        and who in str(fields.get("who", entry.agent))
        and target in str(fields.get("target", ""))
    )
