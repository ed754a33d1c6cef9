"""The history of the demo, in a real Prometheus and a real journal.

Covers: commands.backfill, commands.demo_monitoring.fill, commands.demo_monitoring.journal,
commands.demo_monitoring.objectives, commands.demo_monitoring.samples, commands.demo_monitoring.work.
"""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from alerting.journal import Journal
from alerting.journal.view import ActionFilter, actions
from commands import demo_history
from commands.demo_monitoring.incidents import DemoIncident, DemoMonitoring
from commands.demo_monitoring.samples import ALERT
from dashboards.build import datasource_seconds, pages
from dashboards.live_check import check_queries
from dashboards.slo_rules import ATTAINED
from nervesys.agent import demo_history as generated
from nervesys.artifacts.open_artifacts import database_url
from nervesys.clients.prometheus import Prometheus
from nervesys.contract import Category
from nervesys.contract.times import DAY_SECONDS, utc
from nervesys.queries.query_runner import QueryRunner
from nervesys.stack.layout import Stack
from nervesys.stores.folder import FolderArchive
from nervesys.stores.open_archive import open_archive
from nervesys.stores.open_brain import open_brain
from nervesys.stores.open_stores import Configuration, load_configuration
from reports.periodic.facts import Facts
from reports.periodic.gather import Sources
from reports.periodic.period import Frequency, ReportPeriod
from tests.brains import NOON
from tests.commands.test_demo_history import stack
from tests.servers.prometheus import PROGRAMS, prometheus
from tests.stores import FolderStore

DAYS = 31


@dataclass
class FilledStack:
    """A stack with a history, whose Prometheus runs."""

    stack: Stack
    base: Configuration
    prometheus: Prometheus

    @property
    def incidents(self) -> tuple[DemoIncident, ...]:
        return DemoMonitoring(self.base.loaded, NOON).incidents()

    def blocks(self) -> set[Path]:
        return set((self.stack.home / "prometheus").glob("*/meta.json"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilledStack]:
    home = tmp_path_factory.mktemp("home")
    (home / "programs").symlink_to(PROGRAMS)
    for folder in ("prometheus", "store"):
        (home / folder).mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(generated, "DAYS", DAYS)
        made = stack(home, home / "brain.git", home / "archive")
        demo_history.create(made, lambda: NOON)
        demo_history.fill(made, lambda: NOON)
        with prometheus(home, home / "prometheus") as url:
            yield FilledStack(made, load_configuration("up", made.environ), Prometheus(url))


def test_a_month_fills_every_panel_of_historical_trends(filled: FilledStack) -> None:
    live = QueryRunner(filled.prometheus, datasource_seconds(filled.base.loaded), NOON)
    shown = [page for page in pages(filled.base.loaded) if page["uid"] == "historical-trends"]
    checks = list(check_queries(live, shown, {}))
    assert len(checks) > 15
    # The newest change of the configuration, which is marked on each page, comes from the brain's exporter.
    assert [
        str(each.query) for each in checks if each.verdict != "data" and "Config changes" not in str(each.query)
    ] == []


def test_every_day_has_its_records(filled: FilledStack) -> None:
    midnight = NOON - NOON % DAY_SECONDS
    count = "sum(increase(nervesys_log_records_total[1d] offset -1d))"
    (days,) = filled.prometheus.range(count, midnight - DAYS * DAY_SECONDS, midnight - DAY_SECONDS, DAY_SECONDS)
    assert len(days.points) == DAYS
    assert all(value > 50 for _, value in days.points), days.points
    assert filled.prometheus.instant(count, midnight) == []


@pytest.fixture(scope="module")
def facts(filled: FilledStack) -> Facts:
    """What the daily report of yesterday is made of."""
    base = filled.base
    storage = base.loaded.settings.storage
    brain = open_brain(base.place, "report", storage.brain, filled.stack.environ)
    with ThreadPoolExecutor(2) as executor:
        sources = Sources(
            base.loaded,
            filled.prometheus,
            FolderStore(filled.stack.home / "store"),
            open_archive(storage.archive),
            brain,
            lambda: NOON,
            executor,
        )
        return sources.facts(ReportPeriod.containing(Frequency.DAILY, utc(NOON - DAY_SECONDS).date()), lambda _: None)


def test_the_report_of_yesterday_is_whole(filled: FilledStack, facts: Facts) -> None:
    assert {each.agent for each in facts.fleet} == set(filled.base.loaded.agents)
    assert all(each.monitored == pytest.approx(DAY_SECONDS, rel=0.01) for each in facts.fleet)
    assert all(0.99 < (each.share or 0) <= 1 for each in (*facts.fleet, *facts.fleet_before))
    assert facts.log_totals.completed > 50
    assert {each.slo for each in facts.objectives} == {"fleet availability", "task success"}
    assert len(facts.summaries_before) == 1
    assert not facts.notes


def test_the_report_has_the_incidents_and_how_they_ended(filled: FilledStack, facts: Facts) -> None:
    start = NOON - NOON % DAY_SECONDS - DAY_SECONDS
    wanted = [each for each in filled.incidents if start <= each.fired_at < start + DAY_SECONDS]
    found = [each for each in facts.incidents if start <= each.began < start + DAY_SECONDS]
    assert len(wanted) >= 2
    assert [(each.alert, each.agent) for each in found] == [(ALERT, each.agent) for each in wanted]
    recovered = [each.agent for each in facts.actions if each.state == "recovered" and each.at > start]
    assert recovered[: len(wanted)] == [each.agent for each in wanted]


def test_objectives_continue_the_series_that_rules_record(filled: FilledStack) -> None:
    series = filled.prometheus.instant(f"last_over_time({ATTAINED}[1h])", NOON)
    assert {tuple(sorted(each.labels)) for each in series} == {("__name__", "slo")}
    assert len(series) == 2


def test_every_action_has_its_mark(filled: FilledStack) -> None:
    recorded = "sum(sum_over_time({__name__=~'agent_action_state:.*', state='recovered'}[40d]))"
    (total,) = filled.prometheus.instant(recorded, NOON)
    assert total.points[0][1] == len(filled.incidents)


def test_nothing_of_it_counts_as_live(filled: FilledStack) -> None:
    assert filled.prometheus.instant("{__name__=~'nervesys_.*|ALERTS', job!='x'}", NOON) == []


def test_the_journal_has_the_same_incidents_and_none_is_open(filled: FilledStack) -> None:
    with (
        closing(Journal.open(f"sqlite:///{filled.stack.home}/journal.sqlite3")) as journal,
        journal.reading() as reading,
    ):
        episodes = actions(reading, ActionFilter(limit=1000))
    assert sorted((each["agent"], each["opened_at"], each["closed_at"]) for each in episodes) == sorted(
        (each.agent, each.fired_at, each.recovered_at) for each in filled.incidents
    )
    assert {each["state"] for each in episodes} == {"recovered"}


def test_a_second_start_makes_nothing_again(filled: FilledStack) -> None:
    before = filled.blocks()
    demo_history.create(filled.stack, lambda: NOON)
    demo_history.fill(filled.stack, lambda: NOON)
    assert filled.blocks() == before


def test_the_artifact_service_finds_its_tables_and_loads_no_alembic(filled: FilledStack) -> None:
    url = database_url(filled.base.place, filled.base.loaded.settings)
    script = f"import sys; from nervesys.artifacts.tables import ManifestDatabase; ManifestDatabase.open({url!r}); "
    argv = [sys.executable, "-c", f"{script} print('alembic' in sys.modules)"]
    ran = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout == "False\n"


def test_the_archive_keeps_what_a_daily_round_would(filled: FilledStack) -> None:
    archive = FolderArchive(filled.stack.home / "archive")
    keep = filled.base.loaded.settings.storage.retention.logs[Category.ACTIVITY]
    activity = [file for file in archive.files("Archive/logs/") if "activity" in file.path]
    assert keep == 30
    assert len(activity) == keep
