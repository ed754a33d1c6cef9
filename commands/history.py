"""`nervesys history`: backfill Prometheus from the archive's logs and the brain's daily summaries."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape

from commands.backfill import convert, list_units
from commands.options import ArchiveUrl, BrainUrl, Home, open_settings
from exporters.history.blocks import Blocks
from exporters.history.live import find_data_folder, find_live_start, first_kept_day
from exporters.history.plan import BackfillPlan, HistoryUnit, make_plan
from exporters.history.progress import BackfillProgress
from exporters.history.push import Push
from exporters.history.run import Outcome
from exporters.history.targets import Target
from exporters.history.text_files import TextFiles
from nervesys.clients.prometheus import Prometheus, QueryFailed
from nervesys.clock import system_clock
from nervesys.contract.paths import parse_date
from nervesys.contract.times import parse_time, utc
from nervesys.errors import NervesysError
from nervesys.plural import count
from nervesys.stack.blocks import make_blocks
from nervesys.stack.programs import find
from nervesys.stores.open_stores import Configuration

app = typer.Typer(no_args_is_help=True)
LISTED = 20
"""Number of rejected files that are listed; further ones are counted."""


@app.callback()
def _group() -> None:
    """Makes Typer treat the one command as a subcommand."""


def _day(text: str) -> date:
    day = parse_date(text)
    if day is None:
        raise typer.BadParameter(f"{text}: not a date such as 2026-01-31")
    return day


@app.command()
def backfill(
    first: Annotated[
        date | None,
        typer.Option(
            "--from", metavar="DATE", parser=_day, help="First day, UTC (default: the oldest in the archive)."
        ),
    ] = None,
    last: Annotated[
        date | None,
        typer.Option(
            "--to", metavar="DATE", parser=_day, help="Last day, UTC (default: up to the start of live data)."
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Data folder of Prometheus (default: found by asking --prometheus)."),
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Import endpoint to push to instead: http://HOST:8428/api/v1/import/prometheus."
        ),
    ] = None,
    text: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for files of OpenMetrics, of which promtool makes blocks elsewhere."),
    ] = None,
    prometheus: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Prometheus to ask where live data begins (default: the configured one, or --push)."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of reading processes (default: one per core).")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be written.")] = False,
    at_start: Annotated[
        bool,
        typer.Option(
            "--at-start",
            help="Only if the brain has `history: {backfill: at_start}`; a failure is printed, and the exit code is 0.",
        ),
    ] = False,
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Convert archived logs and daily summaries to samples, up to the time from which Prometheus has data of its own.

    Look first: `nervesys history backfill --dry-run`. You may run it again, and interrupt it at any point: files that
    were already converted are remembered and skipped. Exits with 1 if a file could not be read; the file is named, and
    all others are converted.
    """
    base = open_settings("history", home=home, brain=brain, archive=archive)
    client = Prometheus(prometheus or (_root(push) if push else base.loaded.settings.monitoring.prometheus_url))
    console, refused = Console(soft_wrap=True, highlight=False), list[str]()
    if at_start:
        _backfill_if_configured(base, client, partial(_target, base, into, push, text, client), console)
        return
    units = list_units(base, refused)
    now = system_clock()
    until = _until(client, units, now, last, alone=into is not None)
    kept = date.min if push else _kept(client, now)
    with closing(_target(base, into, push, text, client)) as target:
        plan = _plan(units, target, first or date.min, until, kept)
        _print_plan(console, plan, until, kept)
        if dry_run:
            console.print("Dry run: nothing was written.")
            return
        outcome = Outcome(refused=refused)
        dropped = target.dropped_samples()
        convert(plan, base, target, until, workers or os.cpu_count() or 1, outcome)
        dropped = target.dropped_samples() - dropped
    if dropped:
        raise NervesysError(
            f"push: {count(int(dropped), 'sample')} older than the store keeps; raise its -retentionPeriod"
        )
    _print_result(console, outcome)
    if outcome.refused:
        raise typer.Exit(1)


def _backfill_if_configured(
    base: Configuration, client: Prometheus, open_target: Callable[[], Target], console: Console
) -> None:
    """Backfill if the settings say so; a failure is printed, and stops nothing."""
    if base.loaded.settings.monitoring.history.backfill != "at_start":
        console.print("history.backfill in config/monitoring.yaml is not at_start: nothing to do")
        return
    try:
        with closing(open_target()) as target:
            backfill_at_start(base, client, target, console)
    except (NervesysError, OSError) as err:
        console.print(f"[yellow]![/] history was not backfilled: {escape(str(err))}")


def backfill_at_start(base: Configuration, client: Prometheus, target: Target, console: Console) -> None:
    """Convert what is new in archive and brain, up to where live data begins, and print the result.

    Args:
        base: the settings.
        client: the Prometheus that runs.
        target: takes the samples.
        console: to print to.

    Raises:
        NervesysError: archive, brain, Prometheus or target fails; what was converted until then is remembered.
    """
    outcome, now = Outcome(), system_clock()
    units = list_units(base, outcome.refused)
    until, kept = _until(client, units, now, None, alone=False), _kept(client, now)
    plan = _plan(units, target, date.min, until, kept)
    if plan.jobs or outcome.refused:
        convert(plan, base, target, until, os.cpu_count() or 1, outcome)
        _print_result(console, outcome)


def _plan(units: Sequence[HistoryUnit], target: Target, first: date, until: float, kept: date) -> BackfillPlan:
    end = utc(until - 1).date() + timedelta(days=1)
    return make_plan(units, target.progress.made(), first, end, kept)


def _root(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise typer.BadParameter(f"--push {url}: not a URL such as http://127.0.0.1:8428/api/v1/import/prometheus")
    if parts.username or parts.password:
        raise typer.BadParameter("--push: credentials in a URL are visible to all users; put them into ~/.netrc")
    return url.partition("/api/v1/")[0].rstrip("/")


def _until(client: Prometheus, units: Iterable[HistoryUnit], now: float, last: date | None, *, alone: bool) -> float:
    """Unix seconds at which history ends: the end of the last day that is wanted, or where live data begins."""
    since = min((unit.day for unit in units), default=utc(now).date())
    wanted = min(now, parse_time((last + timedelta(days=1)).isoformat()) if last else now)
    try:
        live = find_live_start(client, parse_time(since.isoformat()), now)
    except QueryFailed as err:
        if last and alone:
            return wanted  # with both options given, overlap with live data is the caller's responsibility
        raise NervesysError(
            f"{err}; start it, because history ends where its own data begins; or use both --into and --to"
        ) from err
    return wanted if live is None else min(wanted, live)


def _kept(client: Prometheus, now: float) -> date:
    try:
        return first_kept_day(client, now)
    except QueryFailed:
        return date.min


def _target(base: Configuration, into: Path | None, push: str | None, text: Path | None, client: Prometheus) -> Target:
    if len([target for target in (into, push, text) if target]) > 1:
        raise typer.BadParameter("use one of --into, --push and --text")
    if text:
        return TextFiles(text)
    if push:
        place = base.place.home / "history" / f"{hashlib.sha256(push.encode()).hexdigest()[:16]}.sqlite3"
        return Push(push, BackfillProgress(place))
    folder = into or find_data_folder(client)
    if folder is None:
        raise NervesysError(f"find the data folder of {client.url}: not on this machine; use --into DIR or --push URL")
    return Blocks(folder, partial(make_blocks, find("promtool", base.place.home / "programs")))


def _print_plan(console: Console, plan: BackfillPlan, until: float, kept: date) -> None:
    days = sorted({job.unit.day for job in plan.jobs})
    span = f", {days[0]} to {days[-1]}" if days else ""
    console.print(
        f"to convert: {count(len(plan.jobs), 'file')}, {count(plan.size, 'byte')}, of {count(len(days), 'day')}{span}"
    )
    console.print(f"history ends at {utc(until):%Y-%m-%d %H:%M} UTC")
    if plan.made:
        console.print(f"already converted: {count(plan.made, 'file')}")
    if plan.too_late:
        console.print(f"covered by live data: {count(plan.too_late, 'file')} of later days")
    if plan.too_early:
        console.print(
            f"[yellow]beyond retention[/]: {count(plan.too_early, 'file')} of days before {kept}, which Prometheus"
            " would delete at once; start it with a longer --storage.tsdb.retention.time,"
            " or push to a store that keeps them"
        )


def _print_result(console: Console, outcome: Outcome) -> None:
    console.print(f"converted: {count(outcome.files, 'file')}, {count(outcome.records, 'record')}")
    for reason, lines in sorted(outcome.skipped.items()):
        console.print(f"[yellow]skipped[/]: {count(lines, 'line')}, {reason}")
    for line in outcome.refused[:LISTED]:
        console.print(f"[red]rejected[/]: {escape(line)}")
    if len(outcome.refused) > LISTED:
        console.print(f"[red]rejected[/]: {len(outcome.refused) - LISTED} more")
