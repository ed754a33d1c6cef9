"""`nervesys report`: write the daily, weekly and monthly reports."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from alerting.model import read_alerts
from commands.dashboards import AT_A_TIME
from commands.local import environment
from commands.options import ArchiveUrl, BrainUrl, Home, PrometheusUrl, open_settings
from nervesys.clients.prometheus import Prometheus, QueryFailed
from nervesys.clock import system_clock
from nervesys.contract.times import utc
from nervesys.errors import NervesysError, SettingsError
from nervesys.settings import FolderTree, Settings, Tree, shipped_root
from nervesys.settings.reports import ReportFormat
from nervesys.stores import open_stores as stores
from nervesys.stores.archive import Archive, files_of
from nervesys.stores.open_archive import open_archive
from nervesys.stores.open_brain import open_brain
from nervesys.stores.open_stores import Configuration, open_store
from reports.periodic import mail
from reports.periodic.compose import report_of
from reports.periodic.deliver import Files, due_periods, render, write_to_archive, write_to_folder
from reports.periodic.facts import Runbook
from reports.periodic.gather import Sources
from reports.periodic.model import PeriodicReport
from reports.periodic.period import Frequency, ReportPeriod

app = typer.Typer()
Say = Callable[[str], None]
PROGRAM = "report"
"""Name of its mirror of the brain; it needs the whole history, which an agent's shallow mirror lacks."""
DISABLE_HINT = "by_round: false leaves reports to `nervesys report due`"
NO_RECIPIENTS = "mail the report: no recipients; set mail.to in config/reports.yaml"
NO_ARCHIVE = "write the report: no archive is configured; use --out DIR, or set NERVESYS_ARCHIVE"


class ReportChoice(StrEnum):
    """Which reports to write."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    DUE = "due"


@app.command(name="report")
def run(
    choice: Annotated[ReportChoice, typer.Argument(metavar="daily|weekly|monthly|due", help="Which report.")],
    day: Annotated[
        str | None,
        typer.Option(
            "--date", metavar="YYYY-MM-DD", help="Any day of the period (default: the last period that is over)."
        ),
    ] = None,
    forms: Annotated[
        str | None,
        typer.Option("--format", metavar="pdf,html,xlsx", help="Formats (default: those of config/reports.yaml)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write to this folder instead of the archive.")
    ] = None,
    mailed: Annotated[
        bool, typer.Option("--mail", help="Also mail it to the addresses of config/reports.yaml.")
    ] = False,
    prometheus: PrometheusUrl = None,
    home: Home = None,
    brain: BrainUrl = None,
    archive: ArchiveUrl = None,
) -> None:
    """Write a report on the fleet: availability, incidents, actions taken, and the figures behind them.

    The report goes into the archive (Reports/Daily/…, Weekly, Monthly) and replaces an earlier one of the same period.
    `due` writes the reports of the last day, week and month that the archive does not have yet, and mails them: run it
    from a timer where agents do not write reports in their daily round.

    For example, `nervesys report weekly --date 2026-11-18` reports the week of that day, and
    `nervesys report daily --out . --format pdf` writes yesterday's report into this folder.
    """
    base = stores.load_configuration(PROGRAM, environment(home), home=home, brain=brain, archive=archive)
    chosen = _forms(forms) or base.loaded.settings.reports.formats
    if choice is ReportChoice.DUE:
        if day or out:
            raise typer.BadParameter(
                "`due` chooses the days itself and writes to the archive: leave out --date and --out"
            )
        with open_maker(base, typer.echo, prometheus=prometheus) as maker:
            maker.make_due(chosen)
        return
    period = _period(Frequency(choice), day)
    if mailed and not base.loaded.settings.reports.mail.to:
        raise NervesysError(NO_RECIPIENTS)
    with open_maker(base, typer.echo, prometheus=prometheus, writes=out is None) as maker:
        report, files = maker.make(period, chosen)
        if out is not None:
            for file in write_to_folder(out, period, files):
                typer.echo(file)
        else:
            maker.file_in_archive(period, files)
        if mailed:
            maker.mail(period, report, files)


def make_due(say: Say, *, home: str | None, brain: str | None, archive: str | None) -> None:
    """Make the reports that are due as part of a round; see `commands.due_reports`."""
    base = open_settings(PROGRAM, home=home, brain=brain, archive=archive)
    reports = base.loaded.settings.reports
    if not reports.by_round:
        return
    try:
        with open_maker(base, say) as maker:
            maker.make_due(reports.formats)
    except QueryFailed as err:
        raise NervesysError(
            f"{err}; where agents cannot reach Prometheus, config/reports.yaml: {DISABLE_HINT}"
        ) from err


def list_due(*, home: str | None, brain: str | None, archive: str | None) -> list[str]:
    """The names of the reports that `make_due` would make."""
    base = open_settings(PROGRAM, home=home, brain=brain, archive=archive)
    settings = base.loaded.settings
    if not settings.reports.by_round:
        return []
    there = {file.path for file in files_of(open_archive(settings.storage.archive))}
    today = utc(system_clock()).date()
    due = due_periods(settings.storage.archive.paths, settings.reports.formats, there, today)
    return [period.name for period in due]


@dataclass(frozen=True)
class Maker:
    """Makes reports and delivers them.

    Attributes:
        archive: None if none is configured, and reports go to a folder.
    """

    settings: Settings
    sources: Sources
    archive: Archive | None
    say: Say

    def make(self, period: ReportPeriod, forms: Sequence[ReportFormat]) -> tuple[PeriodicReport, Files]:
        """The report of a period, and its files."""
        report = report_of(self.sources.facts(period, lambda step: self.say(f"{period.name}: {step}")))
        return report, render(report, forms)

    def file_in_archive(self, period: ReportPeriod, files: Files) -> None:
        """Write the files to the archive."""
        for path in write_to_archive(self._open_archive, self.settings.storage.archive.paths, period, files):
            self.say(f"{period.name}: written to the archive as {path}")

    def mail(self, period: ReportPeriod, report: PeriodicReport, files: Files) -> None:
        """Mail it to the addresses in the settings."""
        who = self.settings.reports.mail
        mail.send(who, mail.message(report, who, period.name, files))
        self.say(f"{period.name}: mailed to {', '.join(who.to)}")

    def make_due(self, forms: Sequence[ReportFormat]) -> None:
        """Write the reports that the archive lacks; mail them if recipients are configured."""
        there = {file.path for file in files_of(self._open_archive)}
        paths, today = self.settings.storage.archive.paths, utc(self.sources.clock()).date()
        periods = list(due_periods(paths, forms, there, today))
        if not periods:
            self.say("no report is due: the archive has those of the last day, week and month")
        for period in periods:
            report, files = self.make(period, forms)
            self.file_in_archive(period, files)
            if self.settings.reports.mail.to:
                self.mail(period, report, files)

    @property
    def _open_archive(self) -> Archive:
        assert self.archive is not None, "open_maker requires an archive to write to"
        return self.archive


@contextmanager
def open_maker(base: Configuration, say: Say, *, prometheus: str | None = None, writes: bool = True) -> Iterator[Maker]:
    """Open the sources of reports; `writes` if reports go into the archive."""
    settings = base.loaded.settings
    storage = settings.storage
    named = bool(storage.archive.url or storage.archive.folder_id)
    if writes and not named:
        raise NervesysError(NO_ARCHIVE)
    archive = open_archive(storage.archive, writable=writes) if named else None
    client = Prometheus(prometheus or settings.monitoring.prometheus_url)
    repository = open_brain(base.place, PROGRAM, storage.brain)
    with ThreadPoolExecutor(AT_A_TIME) as executor:
        store = open_store(storage.storj)
        sources = Sources(
            base.loaded, client, store, archive, repository, system_clock, executor, _runbooks(base.tree, settings)
        )
        yield Maker(settings, sources, archive, say)


def _runbooks(tree: Tree, settings: Settings) -> Mapping[str, Runbook]:
    """What to do about each alert; without those of a brain whose config/alerts.yaml is wrong."""
    try:
        alerts, _ = read_alerts(tree)
    except SettingsError:
        alerts, _ = read_alerts(FolderTree(shipped_root()))
    return {
        alert.alertname: Runbook(
            alert.name,
            " ".join(alert.runbook.replace("`", "").split()),
            f"{settings.monitoring.docs_url}/{alert.runbook_page}",
        )
        for alert in alerts.alerts
        if alert.runbook
    }


def _period(every: Frequency, day: str | None) -> ReportPeriod:
    today = utc(system_clock()).date()
    if day is None:
        return ReportPeriod.last_finished(every, today)
    try:
        chosen = date.fromisoformat(day)
    except ValueError as err:
        raise typer.BadParameter(f"--date {day}: not a date such as 2026-11-18") from err
    if chosen > today:
        raise typer.BadParameter(f"--date {day}: is in the future")
    return ReportPeriod.containing(every, chosen)


def _forms(text: str | None) -> tuple[ReportFormat, ...]:
    try:
        return tuple(dict.fromkeys(ReportFormat(word.strip().lower()) for word in text.split(","))) if text else ()
    except ValueError as err:
        raise typer.BadParameter(
            f"--format {text}: use one or more of {', '.join(ReportFormat)}, separated by commas"
        ) from err
