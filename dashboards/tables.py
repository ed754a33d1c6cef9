"""Tables: one row for each combination of labels; a column is a label or the value of a query."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from grafanalib.core import Table, TableSortByField

from dashboards.grafana_json import Json, PrometheusTarget
from dashboards.style import EMPTY, NO_VALUE, PLAIN, PanelUnit, Steps, missing, thresholds

COLOURED: Json = {"id": "custom.cellOptions", "value": {"type": "color-text"}}
"""Cells whose text has the colour of the value."""
HIDDEN: Sequence[Json] = (
    {"id": "custom.hidden", "value": True},  # up to Grafana 12.1
    {"id": "custom.hideFrom.viz", "value": True},
    {"id": "noValue", "value": ""},  # else a link by an empty cell leads to its text
)
EVERY_COLUMN: Json = {
    "matcher": {"id": "byRegexp", "options": "/.*/"},
    "properties": [{"id": "noValue", "value": NO_VALUE}],
}
"""Without it, Grafana shows the text of an empty table in each cell without a value."""
BARE_SELECTOR = re.compile(r"[\w:]+(\{([^{}\"]|\"[^\"]*\")*\})?")
LABEL_WIDTH = 100
WIDTHS: Mapping[str, int] = {PanelUnit.AGO: 115, PanelUnit.SECONDS: 85, PanelUnit.BYTES: 80}
NUMBER_WIDTH = 70
LETTER, MARGIN = 8, 24
"""Widths in pixels: least ones of columns, by unit; a letter of a heading; and its margin with the arrow of sorting."""


@dataclass(frozen=True)
class LabelColumn:
    """A column that shows a label.

    Attributes:
        name: of the label.
        title: of the column.
        links: from its cells.
        mappings: in place of its values, with colours.
        hidden: not shown; other columns' links may use it as `${__data.fields.…}`.
    """

    name: str
    title: str
    links: Sequence[Json] = ()
    mappings: Sequence[Json] = ()
    hidden: bool = False


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
        "excludeByName": {},
        "indexByName": {field: place for place, field in enumerate(shown)},
        "renameByName": shown,
    }
    return Table(
        title=title,
        description=description,
        unit=PanelUnit.NONE,
        targets=[_nameless(value.query).as_instant("table") for value in values],
        thresholds=thresholds(PLAIN),
        transformations=[
            {"id": "merge", "options": {}},
            # By the names of what is shown: a query may bring labels that nobody thought of.
            {"id": "filterFieldsByName", "options": {"include": {"names": list(shown)}}},
            {"id": "organize", "options": order},
        ],
        overrides=[EVERY_COLUMN, *(_override(column) for column in columns if column.title)],
        sortBy=[TableSortByField(displayName=sort, desc=not ascending)],
        extraJson={"fieldConfig": {"defaults": {"noValue": empty}}},
    )


def _nameless(query: PrometheusTarget) -> PrometheusTarget:
    """The query without the names of series: rows that differ in a name are not merged."""
    if BARE_SELECTOR.fullmatch(query.expr):
        query.expr = f"max without () ({query.expr})"
    return query


def _value_fields(count: int) -> list[str]:
    """Grafana's names of the values: with the query's letter only if there are several queries."""
    return ["Value"] if count == 1 else [f"Value #{ref}" for ref in ascii_uppercase[:count]]


def _override(column: LabelColumn | ValueColumn) -> Json:
    """The field override of a column that is shown."""
    properties: list[Json] = [{"id": "custom.minWidth", "value": _least_width(column)}]
    if isinstance(column, LabelColumn) and column.links:
        properties.append({"id": "links", "value": list(column.links)})
    if isinstance(column, LabelColumn) and column.hidden:
        properties += HIDDEN
    if isinstance(column, ValueColumn):
        properties.append({"id": "unit", "value": column.unit})
        if column.steps != PLAIN:
            steps = {"mode": "absolute", "steps": thresholds(column.steps)}
            properties += [{"id": "thresholds", "value": steps}]
    if column.mappings or (isinstance(column, ValueColumn) and column.steps != PLAIN):
        properties += [{"id": "mappings", "value": [*column.mappings, missing(NO_VALUE)]}, COLOURED]
    return {"matcher": {"id": "byName", "options": column.title}, "properties": properties}


def _least_width(column: LabelColumn | ValueColumn) -> int:
    content = LABEL_WIDTH if isinstance(column, LabelColumn) else WIDTHS.get(column.unit, NUMBER_WIDTH)
    return max(content, LETTER * len(column.title) + MARGIN)
