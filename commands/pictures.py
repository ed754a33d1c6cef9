"""Draws the documentation's pictures of dashboards and reports from a running stack."""

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from commands.dashboards import AT_A_TIME
from commands.report import open_maker
from dashboards.build import datasource_seconds, pages
from nervesys.clients.prometheus import Prometheus
from nervesys.clock import system_clock
from nervesys.contract.dashboard_links import AGENT_PAGE, AGENT_VARIABLE
from nervesys.contract.times import DAY_SECONDS, seconds_of, utc
from nervesys.look.colours import Theme
from nervesys.queries.query_runner import QueryRunner
from nervesys.stores.open_stores import Configuration
from reports.files import FileFormat, draw_file
from reports.periodic.gather import PANEL_WIDTH
from reports.periodic.pdf import pictures
from reports.periodic.period import Frequency, ReportPeriod

DOTS_PER_PIXEL = (0.85, 0.7, 0.6)
"""Resolutions to try, finest first, until the file is small enough."""
MOST_BYTES = 300_000
SINCE: Mapping[str, str] = {"historical-trends": "now-90d", "service-levels": "now-7d", "alerts-actions": "now-24h"}
"""Time ranges of dashboards whose data also comes from before the stack was started."""
CHOSEN: Mapping[str, Mapping[str, str]] = {AGENT_PAGE: {AGENT_VARIABLE: "grok"}}
"""Values of variables, by dashboard."""

UPPER: Mapping[str, int] = {"stack-health": 31}
"""Dashboards that are too long for one picture: number of grid rows to show."""


def draw_all(base: Configuration, since: str) -> Iterator[tuple[str, bytes]]:
    """Each picture, by its path below the folder of pictures.

    Args:
        base: of the stack.
        since: start of the pages' time range, such as `now-15m`.
    """
    prometheus, now = Prometheus(base.loaded.settings.monitoring.prometheus_url), system_clock()
    live = QueryRunner(prometheus, datasource_seconds(base.loaded), now)
    prometheus.instant("vector(1)")  # fail early if Prometheus is unavailable
    with ThreadPoolExecutor(AT_A_TIME) as executor:
        for page in pages(base.loaded):
            seconds = seconds_of(SINCE.get(page["uid"], since))
            wanted = CHOSEN.get(page["uid"], {})
            rows = UPPER.get(page["uid"], math.inf)
            shown = {**page, "panels": [panel for panel in page["panels"] if panel["gridPos"]["y"] < rows]}
            for dots in DOTS_PER_PIXEL:
                picture = draw_file(shown, live, seconds, FileFormat.PNG, Theme.LIGHT, executor, wanted, dots)
                if len(picture) <= MOST_BYTES:
                    break
            yield f"dashboards/{page['uid']}.png", picture
    with open_maker(base, lambda _: None, writes=False) as maker:
        report, _ = maker.make(ReportPeriod.containing(Frequency.DAILY, utc(now - DAY_SECONDS).date()), ())
    yield "reports/daily.png", pictures(report, PANEL_WIDTH)[0]


def write(folder: Path, base: Configuration, since: str) -> Iterator[Path]:
    """Write each picture into a folder; arguments as for `draw_all`."""
    for name, picture in draw_all(base, since):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
        yield path
