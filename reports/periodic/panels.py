"""The dashboards' panels that a report shows, on a page of their own."""

from collections.abc import Sequence
from dataclasses import replace

from nervesys.queries.dashboard_queries import Json
from reports.geometry import COLUMNS
from reports.model import PageModel, Panel, Timeline

HEIGHT = 6
"""Height of a panel, in grid rows."""
LANES = 25
"""Most rows of a state timeline; fills a sheet of paper."""
PANELS = (
    ("main-overview", "Status of each agent"),
    ("alerts-actions", "Alert history"),
    ("config-changes", "Tasks of the fleet"),
    ("config-changes", "Errors of the fleet"),
    ("config-changes", "Tokens of the fleet"),
    ("main-overview", "CPU"),
    ("storage-retention", "Size of the store"),
)
"""Dashboard and title of each panel, in order."""


def select_panels(pages: Sequence[Json]) -> Json:
    """The JSON of a dashboard with the chosen panels.

    Args:
        pages: the JSON of all dashboards.
    """
    by_name = {(page["uid"], panel["title"]): (page, panel) for page in pages for panel in page["panels"]}
    found = [by_name[name] for name in PANELS]
    panels = [
        panel | {"id": number, "gridPos": {"x": 0, "y": HEIGHT * number, "w": COLUMNS, "h": HEIGHT}}
        for number, (_, panel) in enumerate(found)
    ]
    variables: dict[str, Json] = {}
    for page, _ in found:  # the first definition wins; the order matters, because one may depend on another
        for variable in page["templating"]["list"]:
            variables.setdefault(variable["name"], variable)
    first = found[0][0]
    return first | {"uid": "report", "panels": panels, "templating": {"list": list(variables.values())}}


def limit_timelines(page: PageModel) -> PageModel:
    """Limit timelines to the `LANES` rows that changed most often."""
    return replace(page, panels=tuple(map(_limit_timeline, page.panels)))


def _limit_timeline(panel: Panel) -> Panel:
    if not isinstance(panel.body, Timeline) or len(panel.body.lanes) <= LANES:
        return panel
    lanes = panel.body.lanes
    busiest = sorted(lanes, key=lambda lane: (-len(lane.spans), lane.name))[:LANES]
    kept = tuple(lane for lane in lanes if lane in busiest)
    return replace(panel, title=f"{panel.title} ({LANES} of {len(lanes)})", body=Timeline(kept))
