"""The dashboards' panels that a report shows: the same definitions, put below one another on a page of their own."""

from collections.abc import Sequence

from nervesys.queries.reading import Json
from reports.geometry import COLUMNS

HEIGHT = 6
"""Of a panel, in rows of the grid."""
CHOSEN = (
    ("main-overview", "Status of each agent"),
    ("alerts-actions", "History of alerts"),
    ("config-changes", "Tasks of the fleet"),
    ("config-changes", "Errors of the fleet"),
    ("config-changes", "Tokens of the fleet"),
    ("main-overview", "CPU"),
    ("storage-retention", "Size of the store"),
)
"""Page and title of each, in the order in which they are shown."""


def chosen(pages: Sequence[Json]) -> Json:
    """A page of the chosen panels.

    Args:
        pages: the dashboards as generated.
    """
    by_name = {(page["uid"], panel["title"]): (page, panel) for page in pages for panel in page["panels"]}
    found = [by_name[name] for name in CHOSEN]
    panels = [
        panel | {"id": number, "gridPos": {"x": 0, "y": HEIGHT * number, "w": COLUMNS, "h": HEIGHT}}
        for number, (_, panel) in enumerate(found)
    ]
    variables: dict[str, Json] = {}
    for page, _ in found:  # those of the first page win, in their order: one may follow from another
        for one in page["templating"]["list"]:
            variables.setdefault(one["name"], one)
    first = found[0][0]
    return first | {"uid": "report", "panels": panels, "templating": {"list": list(variables.values())}}
