"""Puts the history of the demo where Prometheus finds it: generated logs and summaries, and what was monitored."""

from collections.abc import Iterator
from datetime import date
from itertools import chain

from commands.backfill import list_units
from commands.demo_monitoring.incidents import DemoMonitoring
from commands.demo_monitoring.objectives import objectives_text
from commands.demo_monitoring.samples import fleet_text
from commands.demo_monitoring.work import work_text
from exporters.history.plan import HistoryUnit, ReadJob, make_plan
from exporters.history.reading import ArchiveReader, ReadResult
from exporters.history.targets import Target
from nervesys.agent.demo_history import DemoHistory
from nervesys.contract.times import DAY_SECONDS, utc
from nervesys.stores.open_archive import open_archive
from nervesys.stores.open_stores import Configuration

EVERY = 3
"""A sample an hour in place of three: Historical Trends looks at whole days, and a start shall not take long."""
MONITORED = "demo/monitoring"
"""Name under which it is remembered what was monitored."""


def fill(base: Configuration, history: DemoHistory, target: Target) -> None:
    """Hand everything to a target at once, so that its blocks do not overlap.

    Args:
        base: settings; its archive holds the generated logs.
        history: that was generated.
        target: takes the samples, unless it has them.

    Raises:
        NervesysError: archive, brain or target fails.
    """
    demo = DemoMonitoring(base.loaded, history.now)
    midnight = history.now - history.now % DAY_SECONDS
    made = target.progress.made()
    plan = make_plan(list_units(base, []), made, date.min, utc(midnight).date(), date.min)
    archive = open_archive(base.loaded.settings.storage.archive)
    reads = map(ArchiveReader(archive, midnight, target.ticks, EVERY).read, plan.jobs)
    monitored = () if MONITORED in made else _monitored(demo, history)
    if plan.jobs or monitored:
        target.take(chain(reads, monitored))


def _monitored(demo: DemoMonitoring, history: DemoHistory) -> Iterator[ReadResult]:
    job = ReadJob(HistoryUnit(MONITORED, utc(demo.start).date(), MONITORED, "1", 0, "demo"))
    texts = (*fleet_text(demo), *objectives_text(demo, history), *work_text(demo, history))
    yield ReadResult(job, "".join(texts).encode())
