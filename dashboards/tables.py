"""Tables: one row for each combination of labels; a column is a label or the value of a query."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from grafanalib.core import Table, TableSortByField

from dashboards.grafana_json import Json, PrometheusTarget
from dashboards.style import EMPTY, PLAIN, PanelUnit, Steps, thresholds

COLOURED: Json = {"id": "custom.cellOptions", "value": {"type": "color-text"}}
"""Cells whose text has the colour of the value."""


@dataclass(frozen=True)
class LabelColumn:
    """A column that shows a label.

    Attributes:
        name: of the label.
        title: of the column.
        links: from its cells.
        mappings: in place of its values, with colours.
    """

    name: str
    title: str
    links: Sequence[Json] = ()
    mappings: Sequence[Json] = ()


@dataclass(frozen=True)
class ValueColumn:
    """A column with the values of a query; the rows of all queries are joined by equal labels.

    Attributes:
        title: of the column; empty if only the query's labels are shown.
    """

    title: str
    query: PrometheusTarget
    unit: str = PanelUnit.NONE
    steps: Steps = PLAIN
    mappings: Sequence[Json] = ()


def table(
    title: str,
    description: str,
    *columns: LabelColumn | ValueColumn,
    sort: str,
    ascending: bool = False,
    empty: str = EMPTY,
) -> Table:
    """A table of values at the end of the time range.

    Args:
        title: of the panel.
        description: the question that it answers.
        columns: from left to right.
        sort: title of the column that it is sorted by.
        ascending: smallest first.
        empty: text for a table without rows.
    """
    values = [column for column in columns if isinstance(column, ValueColumn)]
    fields = iter(_value_fields(len(values)))
    names = {column.name if isinstance(column, LabelColumn) else next(fields): column.title for column in columns}
    shown = {field: name for field, name in names.items() if name}
    order = {
        "excludeByName": {field: True for field in ("Time", *names) if field not in shown},
        "indexByName": {field: place for place, field in enumerate(names)},
        "renameByName": shown,
    }
    return Table(
        title=title,
        description=description,
        unit=PanelUnit.NONE,
        targets=[value.query.as_instant("table") for value in values],
        thresholds=thresholds(PLAIN),
        transformations=[{"id": "merge", "options": {}}, {"id": "organize", "options": order}],
        overrides=[override for column in columns if (override := _override(column))],
        sortBy=[TableSortByField(displayName=sort, desc=not ascending)],
        extraJson={"fieldConfig": {"defaults": {"noValue": empty}}},
    )


def _value_fields(count: int) -> list[str]:
    """Grafana's names of the values: with the query's letter only if there are several queries."""
    return ["Value"] if count == 1 else [f"Value #{ref}" for ref in ascii_uppercase[:count]]


def _override(column: LabelColumn | ValueColumn) -> Json | None:
    """The field override of a column; None if it has none, or is hidden."""
    properties: list[Json] = []
    if isinstance(column, LabelColumn) and column.links:
        properties.append({"id": "links", "value": list(column.links)})
    if isinstance(column, ValueColumn):
        properties.append({"id": "unit", "value": column.unit})
        if column.steps != PLAIN:
            steps = {"mode": "absolute", "steps": thresholds(column.steps)}
            properties += [{"id": "thresholds", "value": steps}, COLOURED]
    if column.mappings:
        properties += [{"id": "mappings", "value": list(column.mappings)}, COLOURED]
    if not properties or not column.title:
        return None
    return {"matcher": {"id": "byName", "options": column.title}, "properties": properties}
