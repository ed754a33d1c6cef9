"""`nervesys dashboards`: generate the dashboards for Grafana, check their queries, show them without Grafana."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.audit_trail import audited
from commands.console import escape, make_table, open_console
from commands.families import families
from commands.generated import report, write
from commands.local import environment
from commands.not_ready_app import serve_not_ready
from commands.options import BrainUrl, Home, ListenAt, PrometheusUrl, Wait, open_settings
from commands.poll import poll_until
from commands.waiting import wait_for_brain
from dashboards.build import FOLDER, datasource_seconds, files, pages, recording_rules
from dashboards.check import CheckContext, Finding, check_pages, check_rules
from dashboards.expected_empty import EXPECTED_EMPTY
from dashboards.grafana_json import Json
from dashboards.live_check import QueryCheck, QueryVerdict, check_queries
from dashboards.recording import recorded_series
from dashboards.slo_rules import slo_series
from nervesys.clients.prometheus import Prometheus
from nervesys.clients.promql import known_series
from nervesys.clock import system_clock
from nervesys.errors import NervesysError
from nervesys.logs.logql.engine import LogqlEngine
from nervesys.logs.open_reader import open_reader
from nervesys.logs.query_slots import QuerySlots
from nervesys.look.colours import Theme
from nervesys.metrics.pages import application
from nervesys.metrics.pages import serve as serve_application
from nervesys.metrics.periods import periods
from nervesys.queries.dashboard_queries import panels_of, queries_of
from nervesys.queries.query_runner import QueryRunner
from nervesys.queries.variables import instant_of
from nervesys.settings import Loaded
from nervesys.settings.monitoring import Monitoring
from nervesys.stores import open_stores as stores
from nervesys.stores.open_stores import Configuration
from reports.draw import LogPanelReader
from reports.files import FileFormat, draw_file
from reports.logs.panel import LogPanels
from reports.logs.site import PATHS, LogSite
from reports.server import Site
from reports.traces.find import TraceFinder
from reports.traces.site import TraceSite

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(no_args_is_help=True)
AT_A_TIME = 8
"""Concurrent queries; Prometheus itself runs at most twenty (`--query.max-concurrency`)."""


@app.command()
def build(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("provisioning"),
    folder: Annotated[str, typer.Option(help="Folder in which Grafana finds the dashboards.")] = FOLDER,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file is out of date.")] = False,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Write dashboards, data sources and providers for Grafana's file provisioning."""
    loaded = open_settings("dashboards", home=home, brain=brain).loaded
    report(open_console(), write(out, files(loaded, folder), check=check), check=check)


@app.command()
def check(
    live: Annotated[bool, typer.Option("--live", help="Also run every query on a running Prometheus.")] = False,
    prometheus: PrometheusUrl = None,
    wait: Wait = 0,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Check the structure, queries, metric names and windows; with --live, also that every query returns data."""
    loaded = (_of_stack(home, brain) if live else open_settings("dashboards", home=home, brain=brain)).loaded
    made, out = pages(loaded), open_console()
    against = world(loaded)
    findings = [*check_pages(made, against), *check_rules(recording_rules(loaded), against)]
    given: list[QueryCheck] = []
    if live:
        client = Prometheus(prometheus or loaded.settings.monitoring.prometheus_url)
        given = poll_until(lambda: query_live(loaded, made, client), lambda answer: answer.verdict.as_expected, wait)
    out.print(summary(made, findings, given))
    for finding in findings:
        out.print(f"[red]{finding.rule}[/] {escape(f'{finding.where}: {finding.problem}')}", soft_wrap=True)
    for answer in given:
        if not answer.verdict.as_expected:
            text = escape(f"{answer.query}: {answer.detail or answer.query.expr}")
            out.print(f"[red]{answer.verdict}[/] {text}", soft_wrap=True)
    if findings or any(not answer.verdict.as_expected for answer in given):
        raise typer.Exit(1)


@app.command()
def serve(
    listen: ListenAt = None,
    prometheus: PrometheusUrl = None,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Serve the dashboards as web pages without Grafana, until SIGTERM. The pages are read-only."""

    def address(table: Monitoring) -> str:
        return listen or table.listen.page

    start = wait_for_brain(
        lambda: open_settings("page", home=home, brain=brain, or_earlier=True), partial(serve_not_ready, address)
    )
    loaded = start.loaded
    monitoring = loaded.settings.monitoring
    client = Prometheus(prometheus or monitoring.prometheus_url)
    with ThreadPoolExecutor(AT_A_TIME) as executor, audited("page", start.place, loaded.settings):
        site = Site(
            pages(loaded),
            client,
            datasource_seconds(loaded),
            system_clock,
            executor,
            PATHS,
            monitoring.journal_url,
            log_panels(loaded),
        )
        program = site.program()
        routes = [*program.routes, *log_site(loaded).routes(), *trace_site(loaded).routes()]
        app = application(replace(program, routes=routes), monitoring.web)
        serve_application(app, address(monitoring), monitoring.web, monitoring.hosts)


def log_panels(loaded: Loaded) -> LogPanelReader:
    """Reads log records for panels, with threads of its own, for a slow store must not hold up what Prometheus has.

    The store is opened by the first request.
    """
    settings = loaded.settings
    executor = ThreadPoolExecutor(settings.logs.query.concurrent, thread_name_prefix="log-panel")
    panels = cache(
        lambda: LogPanels(LogqlEngine(open_reader(settings.storage, system_clock)), QuerySlots(settings.logs.query))
    )
    return lambda query, start, end: executor.submit(lambda: panels().read(query, start, end))


def log_site(loaded: Loaded) -> LogSite:
    """The pages Logs and Tasks; the store is opened by the first request."""
    settings = loaded.settings
    reader = cache(lambda: open_reader(settings.storage, system_clock))
    titles = {page["uid"]: page["title"] for page in pages(loaded)}
    slots = QuerySlots(settings.logs.query)
    return LogSite(
        reader, sorted(loaded.agents), settings.prices, titles, slots, system_clock, settings.monitoring.journal_url
    )


def trace_site(loaded: Loaded) -> TraceSite:
    """The page of a trace; the store is opened by the first request."""
    storage = loaded.settings.storage
    finder = cache(lambda: TraceFinder(stores.open_store(storage.storj), storage, system_clock))
    return TraceSite(finder, {page["uid"]: page["title"] for page in pages(loaded)})


@app.command()
def draw(
    page: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PAGE]...", help="Uid of a dashboard, such as main-overview (default: all)."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path(),
    form: Annotated[FileFormat, typer.Option("--format", help="File format.")] = FileFormat.PDF,
    since: Annotated[
        str | None, typer.Option(metavar="now-6h", help="Start of the time range (default: the dashboard's own).")
    ] = None,
    theme: Annotated[Theme, typer.Option(help="Theme of PDF and PNG; HTML has both.")] = Theme.LIGHT,
    prometheus: PrometheusUrl = None,
    home: Home = None,
    brain: BrainUrl = None,
) -> None:
    """Draw dashboards to files: PDF, PNG, or self-contained HTML.

    For example: `nervesys dashboards draw main-overview --format png --since now-6h`. Panels without data are marked.
    """
    loaded = _of_stack(home, brain).loaded
    made = {built["uid"]: built for built in pages(loaded)}
    if unknown := set(page or ()) - made.keys():
        raise typer.BadParameter(f"no dashboard is named {', '.join(sorted(unknown))}; there are: {', '.join(made)}")
    now = system_clock()
    client = Prometheus(prometheus or loaded.settings.monitoring.prometheus_url)
    live = QueryRunner(client, datasource_seconds(loaded), now)
    client.instant("vector(1)")  # fail early if Prometheus is unavailable
    out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_A_TIME) as executor:
        for uid in page or made:
            seconds = now - _start(since or made[uid]["time"]["from"], now)
            file = out / f"{uid}.{form}"
            file.write_bytes(draw_file(made[uid], live, seconds, form, theme, executor))
            typer.echo(file)


def _of_stack(home: str | None, brain: str | None) -> Configuration:
    """Settings of the stack that was started from this home, if any: it records the series that the pages query."""
    return stores.load_configuration("dashboards", environment(home), home=home, brain=brain)


def _start(text: str, now: float) -> float:
    try:
        start = instant_of(text, now)
    except ValueError as err:
        raise typer.BadParameter(f"--since {err}") from err
    if start >= now:
        raise typer.BadParameter(f"--since {text}: is not in the past")
    return start


def world(loaded: Loaded) -> CheckContext:
    """The metric families that the dashboards are checked against: those of all programs.

    Raises:
        NervesysError: a package is not installed; dashboards can be built without it, but not checked.
    """
    try:
        shown = families()
    except ModuleNotFoundError as err:
        raise NervesysError(
            f"check dashboards: what they show needs {err.name}: pip install 'nervesys-observability[all]'"
        ) from err
    return CheckContext(
        {**known_series(shown), **recorded_series(periods(loaded)), **slo_series()},
        periods(loaded),
        datasource_seconds(loaded),
    )


def query_live(loaded: Loaded, made: Sequence[Json], prometheus: Prometheus) -> list[QueryCheck]:
    """Run every query of the pages now."""
    return list(
        check_queries(QueryRunner(prometheus, datasource_seconds(loaded), system_clock()), made, EXPECTED_EMPTY)
    )


def summary(made: Sequence[Json], findings: Sequence[Finding], given: Sequence[QueryCheck]) -> "Table":
    """One row for each page: its panels and queries, and the result of the check."""
    verdicts = (QueryVerdict.DATA, QueryVerdict.EMPTY) if given else ()
    table = make_table("dashboard", "panels", "queries", *verdicts, "errors")
    for page in made:
        of_page = [answer.verdict for answer in given if answer.query.page == page["uid"]]
        wrong = sum(finding.where.split(" / ")[0] == page["uid"] for finding in findings)
        wrong += sum(not verdict.as_expected for verdict in of_page)
        counts = len(panels_of(page)), len(list(queries_of(page))), *map(of_page.count, verdicts)
        table.add_row(page["title"], *map(str, counts), f"[red]{wrong}[/]" if wrong else "[green]0[/]")
    return table
